// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

extension HostLink {
    /// Runs a call together with the other ranks.
    ///
    /// - Returns: The results, or nil on a host that gets none.
    /// - Throws: The same failure on every rank.
    func run(
        _ call: Call, _ shape: ResultShape, _ make: () throws(ForkPool.Failure) -> RangeWorkers
    ) throws(ForkPool.Failure) -> GatheredResults? {
        guard shape.stride <= RangeReply.mostResult else { throw .beyondMessages(shape.stride) }
        let counts = try agree(call.site(shape), workers: call.pool.workers)
        return isRoot ? try lead(call, shape, counts, make) : try serve(call, shape, work: counts[0], make)
    }

    // MARK: - The root

    private func lead(
        _ call: Call, _ shape: ResultShape, _ workers: [Int],
        _ make: () throws(ForkPool.Failure) -> RangeWorkers
    ) throws(ForkPool.Failure) -> GatheredResults? {
        let results: GatheredResults
        do throws(ForkPool.Failure) {
            results = try gatheredResults(call, shape)
            if let journal = call.journal {
                try results.openJournal(
                    journal.path, key: journal.key, sync: journal.sync, onFailure: journal.onFailure)
            }
        } catch {
            throw refuse(error, isFinal: false)
        }
        let missing = results.missing
        begin(missing.reduce(0) { $0 + $1.count })
        let queue = RangeQueue(missing, workers: workers, stride: results.stride, fixed: fixedRange)
        let leader = Leader(self, call, results, queue)
        let failure = leader.run(make)
        results.endJournal()
        defer { leader.close() }
        if let failure {
            tell(.fail(failure))
            throw failure
        }
        tell(.end(codedBytes: results.codedBytes, failures: Array(results.failures.values)))
        if call.deliversToAll { unsafe deliver(results.parts) }
        return results
    }

    private func gatheredResults(_ call: Call, _ shape: ResultShape) throws(ForkPool.Failure) -> GatheredResults {
        try GatheredResults(count: call.count, stride: shape.stride, of: shape.type, isCoded: shape.isCoded)
    }

    // MARK: - The other ranks

    private func serve(
        _ call: Call, _ shape: ResultShape, work: Int, _ make: () throws(ForkPool.Failure) -> RangeWorkers
    ) throws(ForkPool.Failure) -> GatheredResults? {
        let local = work > 0 ? LocalWork(host, make) : nil
        defer { local?.close() }
        var backoff = Backoff()
        while true {
            var isBusy = false
            while let (_, bytes) = transport.receive(on: .commands) {
                isBusy = true
                switch Command(bytes) {
                case .run(let items): local?.run(items)
                case .stop(let item): local?.stop(above: item)
                case .fail(let failure): throw failure
                case .end(let codedBytes, let failures):
                    guard call.deliversToAll else { return nil }
                    return try receive(call, shape, codedBytes, failures)
                default: lost("\(name(transport.rank)) got a command from the root that does not belong here")
                }
            }
            if local?.reply({ transport.send($0, to: 0, on: .replies) }) == true { isBusy = true }
            if isBusy { backoff.reset() }
            // Nothing is expected but the end of a range.
            let time = transport.isIdle && local?.isFull == true ? 1_000_000 : backoff.next()
            local?.wait(time) ?? Backoff.sleep(time)
        }
    }

    private func receive(
        _ call: Call, _ shape: ResultShape, _ codedBytes: Int, _ failures: [ForkPool.Failure]
    ) throws(ForkPool.Failure) -> GatheredResults {
        let results: GatheredResults
        do throws(ForkPool.Failure) {
            results = try gatheredResults(call, shape)
            guard results.reserve(codedBytes: codedBytes) else { throw .noRoomForDelivery(host) }
        } catch {
            // The others are in the middle of the delivery: without this rank they would wait for ever.
            lost("\(name(transport.rank)) cannot take the results: \(error)")
        }
        results.populate()
        unsafe deliver(results.parts)
        results.take(failures)
        return results
    }

    // MARK: - Delivery

    /// The bytes of a message with results.
    private static let segment = 1 << 20

    /// Passes memory from the root to all ranks, each of which passes it on to two others.
    private func deliver(_ parts: [UnsafeMutableRawBufferPointer]) {
        unsafe parts.forEach { unsafe deliver($0) }
        transport.finish()
    }

    @unsafe private func deliver(_ part: UnsafeMutableRawBufferPointer) {
        let children = [2 * transport.rank + 1, 2 * transport.rank + 2].filter { $0 < transport.size }
        for start in stride(from: 0, to: part.count, by: Self.segment) {
            let end = min(part.count, start + Self.segment)
            let segment = unsafe UnsafeMutableRawBufferPointer(rebasing: part[start..<end])
            if !isRoot { unsafe receiveResults(into: segment) }
            for child in children {
                unsafe transport.send(UnsafeRawBufferPointer(segment), to: child, on: .results)
            }
        }
    }

    @unsafe private func receiveResults(into segment: UnsafeMutableRawBufferPointer) {
        var backoff = Backoff.short
        while true {
            if let envelope = transport.next(on: .results) {
                guard envelope.size == segment.count else {
                    lost("\(name(transport.rank)) got \(envelope.size) bytes of results and expects \(segment.count)")
                }
                unsafe transport.receive(envelope, into: segment)
                return transport.finish()
            }
            _ = transport.isIdle
            backoff.pause()
        }
    }
}
