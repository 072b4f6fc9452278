// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// The root of one map: hands ranges out to all hosts, its own too, and places the results.
final class Leader {
    private let link: HostLink
    private let call: Call
    private let results: GatheredResults
    private var queue: RangeQueue
    private var local: LocalWork?
    private var clock: LookClock
    /// What ended the pool of a host.
    private var ending: ForkPool.Failure?
    /// Whether a body may have run, on any host.
    private var mayHaveRun = false
    /// The host that told of the failure which ended the map.
    private var stopper: Int?
    private let progress: (@Sendable (ForkPool.Options.Progress) -> Void)?
    private var progressShown = 0

    init(_ link: HostLink, _ call: Call, _ results: GatheredResults, _ queue: RangeQueue) {
        self.link = link
        self.call = call
        self.results = results
        self.queue = queue
        clock = link.clock(limit: link.stallTimeout)
        progress = call.pool.options.progress
    }

    /// Runs the map; returns what it fails with, if it does.
    func run(_ make: () throws(ForkPool.Failure) -> RangeWorkers) -> ForkPool.Failure? {
        guard !queue.isDone else {
            showProgress(nil)
            return outcome
        }
        // Others begin while the workers of this host start.
        let own = handOut()
        let local = LocalWork(link.host, make)
        self.local = local
        send(own, to: 0)
        var backoff = Backoff()
        while !queue.isDone {
            var isBusy = false
            while let message = link.replies.next() {
                unsafe message.withBytes { unsafe accept($0, from: message.source) }
                isBusy = true
            }
            if local.report({ reply in unsafe reply.withUnsafeBytes { unsafe accept($0, from: 0) } }) { isBusy = true }
            if isBusy { backoff.reset() }
            if queue.isStuck { giveUp() }
            _ = link.transport.unsent
            if isTimed {
                let now = clock.now()
                showProgress(now)
                checkSilence(now)
            }
            local.wait(backoff.next())
        }
        showProgress(nil)
        return outcome
    }

    func close() { local?.close() }

    /// What the map fails with, when no host has items any more.
    private var outcome: ForkPool.Failure? {
        guard call.stopsAtFailure else { return nil }
        let ending = mayHaveRun ? ending?.ofBegunMap(of: call.pool) : ending
        let failure = ending ?? results.failures.min { $0.key < $1.key }?.value
        // A host said that an item failed, and then not why: others have stopped.
        if failure == nil, let stopper { contradiction(stopper) }
        return failure
    }

    // MARK: - Ranges

    /// Hands items to the other hosts, a range to each host in turn; returns the root's own.
    private func handOut() -> [Range<Int>] {
        var ranges: [[Range<Int>]] = Array(repeating: [], count: max(link.transport.size, 1))
        var isDone = false
        while !isDone {
            isDone = true
            for host in ranges.indices {
                guard let items = queue.next(for: host, at: clock.now()) else { continue }
                ranges[host].append(items)
                isDone = false
            }
        }
        for host in ranges.indices.dropFirst() { send(ranges[host], to: host) }
        return ranges[0]
    }

    private func hand(to host: Int) {
        var ranges: [Range<Int>] = []
        while let items = queue.next(for: host, at: clock.now()) { ranges.append(items) }
        send(ranges, to: host)
    }

    private func send(_ ranges: [Range<Int>], to host: Int) {
        guard !ranges.isEmpty else { return }
        if host == 0 {
            for items in ranges { local?.run(items) }
        } else {
            link.send(Command.run(ranges).bytes, to: host, on: .commands)
        }
    }

    /// Takes the replies of a message, and hands the host as many items as it has room for now.
    private func accept(_ message: UnsafeRawBufferPointer, from host: Int) {
        var start = 0
        while start < message.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: message[start...])
            guard let size = unsafe RangeReply.size(ofFirst: rest) else { contradiction(host) }
            unsafe accept(reply: UnsafeRawBufferPointer(rebasing: rest[..<size]), from: host)
            start += size
        }
        hand(to: host)
    }

    private func contradiction(_ host: Int) -> Never {
        link.lost("\(link.name(host)) sent an answer that contradicts itself")
    }

    private func accept(reply bytes: UnsafeRawBufferPointer, from host: Int) {
        guard let reply = unsafe results.place(bytes),
            let range = queue.answered(
                reply.items, over: reply.over, by: host, isLast: reply.isLast, at: clock.now())
        else { contradiction(host) }
        if reply.isLast, reply.ending?.bodyRan != .no { mayHaveRun = true }
        // What was cancelled behind a failure has none of its own.
        if let failure = reply.ending, !queue.isStopped {
            ending = failure
            queue.drop(host, unrun: reply.isRefused ? reply.items : nil)
            if call.stopsAtFailure {
                stop(above: -1)
            } else if reply.isRefused {
                // Hosts that had no more to do wait for items.
                send(handOut(), to: 0)
            } else {
                for item in range { results.place(failure, at: item) }
            }
        }
        if reply.isLast, !reply.isRefused, !call.stopsAtFailure { results.failUnfinished(range) }
        if call.stopsAtFailure, !queue.isStopped {
            let lowest = [results.failures.keys.min(), reply.firstFailed].compactMap(\.self).min()
            if let lowest {
                stopper = host
                stop(above: lowest)
            }
        }
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
