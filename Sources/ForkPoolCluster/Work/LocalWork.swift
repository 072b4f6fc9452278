// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// The ranges that the workers of this host have, or why the host has no workers.
///
/// What they have done is reported when a range has ended, at least ten times a second, and at once while the workers have
/// little left: the root hands out as many items as it knows to be done.
final class LocalWork {
    /// How often outcomes are reported at least, in nanoseconds.
    private static let period = 100_000_000

    private let host: String
    private var workers: Result<RangeWorkers, ForkPool.Failure>
    private var batches: [RangeBatch] = []
    /// Ranges for which the pool's memory has no room before others have ended.
    private var waiting: [Range<Int>] = []
    private var refusals: [[UInt8]] = []
    /// Whether ended ranges are being reported: their memory is free after that.
    private var isReporting = false
    /// Ranges that begin above it are ended.
    private var end = Int.max
    private var reported = monotonicNanoseconds()
    /// Whether the workers have an item each, and another one after that.
    private(set) var isFull = false

    init(_ host: String, _ make: () throws(ForkPool.Failure) -> RangeWorkers) {
        self.host = host
        workers = Result(catching: make)
    }

    func run(_ items: Range<Int>) {
        waiting.append(items)
        if !isReporting { submit() }
    }

    private func submit() {
        while let items = waiting.first {
            do throws(ForkPool.Failure) {
                let batch = try workers.get().submit(items)
                batches.append(batch)
                if items.lowerBound > end { batch.cancel() }
            } catch {
                if error.code == .noMemory, !batches.isEmpty { return }
                refusals.append(RangeReply.refused(items, error, from: host))
            }
            waiting.removeFirst()
        }
    }

    /// Hands each reply that is due to `send`; returns whether there was one.
    func report(_ send: ([UInt8]) -> Void) -> Bool {
        var isBusy = reportEnded(send)
        if !waiting.isEmpty { submit() }
        let now = monotonicNanoseconds()
        let isDue = now - reported > Self.period
        isFull = hasEnough
        guard isDue || !isFull else { return isBusy }
        if isDue { reported = now }
        for batch in batches {
            // The range of one that has no item left is about to end.
            let count = batch.unfinishedCount
            guard isDue || count > 0 && count < batch.items.count else { continue }
            if batch.report(send) { isBusy = true }
        }
        return isBusy
    }

    /// Hands the replies of ranges that have ended to `send`, which may bring the next ranges; returns whether there was one.
    private func reportEnded(_ send: ([UInt8]) -> Void) -> Bool {
        isReporting = true
        defer { isReporting = false }
        let (due, running) = (refusals, batches)
        refusals.removeAll()
        for bytes in due { send(bytes) }
        var isBusy = !due.isEmpty
        for batch in running where batch.isDone {
            batches.removeAll { $0 === batch }
            batch.reply(from: host, send)
            isBusy = true
        }
        return isBusy
    }

    private var hasEnough: Bool {
        guard case .success(let workers) = workers else { return false }
        var count = 0
        for batch in batches.reversed() {
            count += batch.unfinishedCount
            if count >= 2 * workers.count { return true }
        }
        return false
    }

    /// Ends the ranges that begin above an item; they are answered.
    func stop(above item: Int) {
        end = item
        for batch in batches where batch.items.lowerBound > item { batch.cancel() }
    }

    /// Sleeps for a time in nanoseconds, or until the first range is done.
    func wait(_ time: Int) {
        guard time > 0 else { return }
        if let first = batches.first {
            first.wait(until: monotonicNanoseconds() + time)
        } else {
            Backoff.sleep(time)
        }
    }

    /// Ends the workers, which have answered for all that they had.
    func close() {
        if case .success(let workers) = workers { workers.close() }
    }
}
