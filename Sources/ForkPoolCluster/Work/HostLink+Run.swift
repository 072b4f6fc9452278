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
        if call.deliversToAll {
            // In parts: a message has an end to its size.
            let failures = Array(results.failures.values)
            for start in stride(from: 0, to: failures.count, by: Self.failuresAtOnce) {
                tell(.failures(Array(failures[start...].prefix(Self.failuresAtOnce))))
            }
        }
        tell(.end(codedBytes: results.codedBytes))
        if call.deliversToAll { deliver(results) }
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

    /// The failures that go in one message.
    private static let failuresAtOnce = 1000

    private func deliver(_ results: GatheredResults) {
        unsafe results.parts.forEach { unsafe Delivery(self, $0).run() }
    }
}
