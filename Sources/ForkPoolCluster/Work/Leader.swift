// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// The root of one map: hands ranges out to all hosts, its own too, and places the results.
final class Leader {
    private let link: HostLink
    private let call: Call
    private let results: GatheredResults
    private var queue: RangeQueue
    private var local: LocalWork?
    /// What ended the pool of a host.
    private var ending: ForkPool.Failure?
    private let progress: (@Sendable (ForkPool.Options.Progress) -> Void)?
    private var progressShown = 0

    init(_ link: HostLink, _ call: Call, _ results: GatheredResults, _ queue: RangeQueue) {
        self.link = link
        self.call = call
        self.results = results
        self.queue = queue
        progress = call.pool.options.progress
    }

    /// Runs the map; returns what it fails with, if it does.
    func run(_ make: () throws(ForkPool.Failure) -> RangeWorkers) -> ForkPool.Failure? {
        guard !queue.isDone else { return outcome }
        // Others begin while the workers of this host start.
        for rank in 1..<max(link.transport.size, 1) { hand(to: rank) }
        local = LocalWork(link.host, make)
        hand(to: 0)
        var backoff = Backoff()
        while !queue.isDone {
            var isBusy = false
            while let (source, bytes) = link.transport.receive(on: .replies) {
                accept(bytes, from: source)
                isBusy = true
            }
            if local?.reply({ accept($0, from: 0) }) == true { isBusy = true }
            if isBusy { backoff.reset() }
            if queue.isStuck { giveUp() }
            _ = link.transport.isIdle
            if isTimed {
                let now = monotonicNanoseconds()
                showProgress(now)
                checkSilence(now)
            }
            local?.wait(backoff.next())
        }
        showProgress(nil)
        return outcome
    }

    func close() { local?.close() }

    /// What the map fails with, when no host has items any more.
    private var outcome: ForkPool.Failure? {
        guard call.stopsAtFailure else { return nil }
        return ending ?? results.failures.min { $0.key < $1.key }?.value
    }

    // MARK: - Ranges

    private func hand(to host: Int) {
        while let items = queue.next(for: host, at: monotonicNanoseconds()) {
            if host == 0 {
                local?.run(items)
            } else {
                link.transport.send(Command.run(items).bytes, to: host, on: .commands)
            }
        }
    }

    private func accept(_ bytes: [UInt8], from host: Int) {
        guard let reply = unsafe bytes.withUnsafeBytes({ unsafe results.place($0) }) else {
            link.lost("\(link.name(host)) sent an answer that contradicts itself")
        }
        let range = queue.answered(reply.items, by: host, isLast: reply.isLast, at: monotonicNanoseconds())
        // What was cancelled behind a failure has none of its own.
        if let failure = reply.ending, !queue.isStopped {
            ending = failure
            queue.drop(host, unrun: reply.isRefused ? reply.items : nil)
            if call.stopsAtFailure {
                stop(above: -1)
            } else if !reply.isRefused, let range {
                for item in range { results.place(failure, at: item) }
            }
        }
        if call.stopsAtFailure, !queue.isStopped, let lowest = results.failures.keys.min() { stop(above: lowest) }
        hand(to: host)
    }

    /// Hands nothing out any more, and ends what lies above an item.
    private func stop(above item: Int) {
        queue.stop()
        link.tell(.stop(above: item))
        local?.stop(above: item)
    }

    /// No host runs any more: the items that are left fail as the last host did.
    private func giveUp() {
        guard let ending else { return }
        for range in queue.left { for item in range { results.place(ending, at: item) } }
        queue.stop()
    }

    // MARK: - Time

    /// Whether something is to be done at times.
    private var isTimed: Bool { link.stallTimeout != nil || progress != nil }

    private func checkSilence(_ now: Int) {
        guard let limit = link.stallTimeout, let silent = queue.silent(since: now - limit) else { return }
        results.endJournal()
        let advice = call.journal == nil ? "" : "; start the same command again, and it goes on from its journal"
        link.lost(
            "\(link.name(silent.host)) has answered nothing for \(Duration.nanoseconds(limit)), of the items "
                + "\(silent.items.lowerBound)..<\(silent.items.upperBound) of \(call.kind.rawValue) at \(call.file):\(call.line)"
                + advice)
    }

    /// Calls the progress handler at most ten times a second; without a time, for the last time.
    private func showProgress(_ now: Int?) {
        guard let progress else { return }
        if let now {
            guard now - progressShown >= 100_000_000 else { return }
            progressShown = now
        }
        progress(.init(done: results.finishedCount, total: call.count))
    }
}
