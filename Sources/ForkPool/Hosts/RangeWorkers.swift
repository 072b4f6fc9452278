// SPDX-License-Identifier: Apache-2.0

/// The workers of this host in a map over several hosts: they run ranges of its items, as the root hands them out.
///
/// Each range is a batch of a resident pool whose input is the number of an item. One thread uses it.
package final class RangeWorkers {
    private let owner: PoolOwner
    private let shape: Batch.Shape
    private var submitted = 0
    /// The number of workers.
    package var count: Int { owner.pool.layout.workers }

    init(_ owner: PoolOwner, _ shape: Batch.Shape) {
        self.owner = owner
        self.shape = shape
    }

    /// Ends the workers, which have run all that they were given, and returns when none is left.
    package func close() { owner.pool.close(owner.over, of: owner.job) }

    /// Gives the workers some neighbours to run.
    ///
    /// - Throws: What ended the pool, or `full` if its memory is.
    package func submit(_ items: Range<Int>) throws(ForkPool.Failure) -> RangeBatch {
        var shape = shape
        shape.count = items.count
        // A worker takes up a range when none of those before has unclaimed items: it would change between them else.
        shape.rules.priority = -submitted
        submitted += 1
        let pool = owner.pool
        let batch = try pool.makeBatch(shape)
        // An item has the random numbers that it has on one host: those of its number, in the first call of a pool.
        batch.call = (0, items.lowerBound)
        let inputs = unsafe batch.inputs.assumingMemoryBound(to: Int.self)
        for (place, item) in items.enumerated() { unsafe (inputs + place).initialize(to: item) }
        if !pool.expireUnsubmitted(batch) { try pool.submit(batch) }
        return RangeBatch(batch, items)
    }
}

/// Some neighbours that the workers of this host run, or have run.
package final class RangeBatch {
    package let items: Range<Int>
    let batch: Batch
    /// For each item, whether its outcome was reported; empty before the first report.
    var isReported: [Bool] = []
    var reportedCount = 0

    init(_ batch: Batch, _ items: Range<Int>) {
        self.batch = batch
        self.items = items
    }

    /// The number of items that have no outcome yet.
    package var unfinishedCount: Int { items.count - batch.results.finishedCount }

    /// Whether every item has its outcome.
    package var isDone: Bool {
        batch.pool.locked { state in
            batch.pool.settle(batch, &state)
            if case .ended = batch.stage { return true }
            return false
        }
    }

    /// Waits for the end, at most until a time of the monotonic clock in nanoseconds; returns whether it has come.
    @discardableResult
    package func wait(until deadline: Int) -> Bool { batch.pool.wait(for: batch, until: deadline) }

    /// Ends the items that have no outcome.
    package func cancel() { batch.pool.cancel(batch) }
}
