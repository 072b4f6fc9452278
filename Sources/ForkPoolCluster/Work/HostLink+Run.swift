// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

extension HostLink {
    /// Runs a call together with the other ranks.
    ///
    /// - Parameters:
    ///   - call: The call.
    ///   - shape: What its results are.
    ///   - make: Makes the workers of this host.
    ///   - read: Reads the results, on each host that gets them.
    /// - Returns: What was read, or nil on a host that gets no results.
    /// - Throws: The same failure on every rank.
    func run<T>(
        _ call: Call, _ shape: ResultShape, _ make: () throws(ForkPool.Failure) -> RangeWorkers,
        _ read: (GatheredResults) throws(ForkPool.Failure) -> T
    ) throws(ForkPool.Failure) -> T? {
        guard shape.stride <= RangeReply.mostResult else { throw .beyondMessages(shape.stride) }
        let counts = try agree(call.site(shape), workers: call.pool.workers)
        if isRoot { return try lead(call, shape, counts, make, read) }
        guard let results = try serve(call, shape, work: counts[0], make) else { return nil }
        return try read(results)
    }

    // MARK: - The root

    private func lead<T>(
        _ call: Call, _ shape: ResultShape, _ workers: [Int],
        _ make: () throws(ForkPool.Failure) -> RangeWorkers, _ read: (GatheredResults) throws(ForkPool.Failure) -> T
    ) throws(ForkPool.Failure) -> T {
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
        if let failure { throw fail(failure) }
        guard call.deliversToAll else {
            // The others cannot see what the root alone reads.
            let value: T
            do throws(ForkPool.Failure) { value = try read(results) } catch { throw fail(error) }
            tell(.end(codedBytes: 0))
            return value
        }
        tell(results.failures.values)
        tell(.end(codedBytes: results.codedBytes))
        deliver(results)
        return try read(results)
    }

    private func fail(_ failure: ForkPool.Failure) -> ForkPool.Failure {
        tell(.fail(failure))
        return failure
    }

    /// Tells failures in parts: a message has an end to its size.
    private func tell(_ failures: some Collection<ForkPool.Failure>) {
        var part: [ForkPool.Failure] = []
        var size = 0
        for failure in failures {
            part.append(failure)
            size += failure.thrownSize
            guard part.count == Self.failuresAtOnce || size > Self.failureBytesAtOnce else { continue }
            tell(.failures(part))
            (part, size) = ([], 0)
        }
        if !part.isEmpty { tell(.failures(part)) }
    }

    /// The failures that go in one message, and the bytes of what was thrown.
    private static let failuresAtOnce = 1000
    private static let failureBytesAtOnce = 16 << 20

    private func gatheredResults(_ call: Call, _ shape: ResultShape) throws(ForkPool.Failure) -> GatheredResults {
        try GatheredResults(count: call.count, stride: shape.stride, of: shape.type, isCoded: shape.isCoded)
    }

    // MARK: - The other ranks

    private func serve(
        _ call: Call, _ shape: ResultShape, work: Int, _ make: () throws(ForkPool.Failure) -> RangeWorkers
    ) throws(ForkPool.Failure) -> GatheredResults? {
        let local = work > 0 ? LocalWork(host, make) : nil
        defer { local?.close() }
        var failures: [ForkPool.Failure] = []
        var backoff = Backoff()
        while true {
            var isBusy = false
            while let message = commands.next() {
                isBusy = true
                switch Command(message.bytes) {
                case .run(let ranges): ranges.forEach { local?.run($0) }
                case .stop(let item): local?.stop(above: item)
                case .fail(let failure): throw failure
                case .failures(let some): failures += some
                case .end(let codedBytes): return call.deliversToAll ? receive(call, shape, codedBytes, failures) : nil
                default: lostInCommands()
                }
            }
            if let local, report(local) { isBusy = true }
            if isBusy { backoff.reset() }
            // Nothing is expected but the end of items.
            let time = transport.unsent == nil && local?.isFull == true ? 1_000_000 : backoff.next()
            local?.wait(time) ?? Backoff.sleep(time)
        }
    }

    /// The bytes of small replies that go in one message.
    private static let repliesAtOnce = 1 << 16

    private func report(_ local: LocalWork) -> Bool {
        var replies: [UInt8] = []
        let isBusy = local.report { reply in
            if replies.isEmpty {
                replies = reply
            } else if replies.count + reply.count <= Self.repliesAtOnce {
                replies += reply
            } else {
                send(replies, to: 0, on: .replies)
                replies = reply
            }
        }
        if !replies.isEmpty { send(replies, to: 0, on: .replies) }
        return isBusy
    }

    private func receive(
        _ call: Call, _ shape: ResultShape, _ codedBytes: Int, _ failures: [ForkPool.Failure]
    ) -> GatheredResults {
        let results: GatheredResults
        do throws(ForkPool.Failure) {
            results = try gatheredResults(call, shape)
            guard results.reserve(codedBytes: codedBytes) else { throw .noRoomForDelivery(host) }
        } catch {
            // The others are in the middle of the delivery: without this rank they would wait for ever.
            lost("\(name(transport.rank)) cannot take the results: \(error)")
        }
        results.populate()
        deliver(results)
        results.take(failures)
        return results
    }

    private func deliver(_ results: GatheredResults) {
        unsafe results.parts.forEach { unsafe Delivery(self, $0).run() }
    }
}
