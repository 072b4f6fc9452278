// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// The ranges that the workers of this host have, or why the host has no workers.
final class LocalWork {
    private let host: String
    private var workers: Result<RangeWorkers, ForkPool.Failure>
    private var batches: [RangeBatch] = []
    private var refusals: [[UInt8]] = []

    init(_ host: String, _ make: () throws(ForkPool.Failure) -> RangeWorkers) {
        self.host = host
        workers = Result(catching: make)
    }

    /// Whether the workers have as many ranges as they get at a time.
    var isFull: Bool { batches.count >= 2 }

    func run(_ items: Range<Int>) {
        do throws(ForkPool.Failure) {
            batches.append(try workers.get().submit(items))
        } catch {
            refusals.append(RangeReply.refused(items, error, from: host))
        }
    }

    /// Hands each reply that is due to `send`; returns whether there was one.
    func reply(_ send: ([UInt8]) -> Void) -> Bool {
        // A reply may bring the next range.
        let (due, running) = (refusals, batches)
        refusals.removeAll()
        for bytes in due { send(bytes) }
        var hasReplied = !due.isEmpty
        for batch in running where batch.isDone {
            batches.removeAll { $0 === batch }
            batch.reply(from: host, send)
            hasReplied = true
        }
        return hasReplied
    }

    /// Ends the ranges that begin above an item; they are answered.
    func stop(above item: Int) {
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
