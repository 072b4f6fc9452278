// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a stream knows between two elements: what is in flight, what is ready, and where inputs come from.
///
/// The reader pulls: before it waits it fills the window, so that it takes nothing from a source before there is room.
/// Only an asynchronous source has a feeder beside the reader, which is why a lock guards the contents. A thread that
/// holds this lock may take the pool's; never the other way round.
final class StreamState<Output>: @unchecked Sendable {
    /// Makes a batch of at most `most` inputs from the source; nil when nothing is left.
    typealias Feed = (_ most: Int) throws(ForkPool.Failure) -> Batch?

    /// An element of the stream.
    typealias Element = (index: Int, result: Result<Output, ForkPool.Failure>)

    /// A batch of which not every item was delivered.
    final class InFlightBatch {
        let batch: Batch
        /// The index of the batch's first item in the stream.
        let first: Int
        /// The number of delivered items.
        var delivered = 0
        /// In completion order, whether each item was taken as ready.
        var isTaken: [Bool]

        init(_ batch: Batch, first: Int, order: ForkPool.Order) {
            self.batch = batch
            self.first = first
            isTaken = order == .completion ? Array(repeating: false, count: batch.shape.count) : []
        }
    }

    struct Contents {
        var batches: [InFlightBatch] = []
        /// In completion order, the items that are ready and not delivered, the next one last.
        var ready: [(inFlight: InFlightBatch, item: Int)] = []
        var pace: StreamPace
        /// Batches whose items are all delivered, and which workers are about to leave.
        var draining: [Batch] = []
        var nextIndex = 0
        var itemsInFlight = 0
        /// Whether the source has no more.
        var isExhausted = false
        /// The last element, after what is in flight.
        var ending: ForkPool.Failure?
        /// A feeder that waits for room.
        var feeder: Waiter?

        /// The number of inputs to take now; 0 while the window is full.
        var room: Int { pace.room(inFlight: itemsInFlight) }

        /// Whether nothing is left to deliver but `ending`.
        var isOver: Bool { batches.isEmpty && (isExhausted || ending != nil) }
    }

    let pool: Pool
    /// The number of the stream among the calls of the pool.
    let call: Int
    let output: WireFormat<Output>
    let order: ForkPool.Order
    /// Where inputs come from, unless a feeder brings them.
    let feed: Feed?
    let contents: Locked<Contents>
    /// Whether the stream was ended early; set before the lock is taken, so that a refill ends soon.
    let isStopped = Atomic(false)

    init(pool: Pool, output: WireFormat<Output>, order: ForkPool.Order, window: Int?, feed: Feed?) {
        self.pool = pool
        call = pool.locked { $0.takeCall() }
        self.output = output
        self.order = order
        self.feed = feed
        contents = Locked(Contents(pace: StreamPace(workers: pool.layout.workers, window: window)))
    }
}

// MARK: - Ending

extension StreamState {
    /// Notes that an asynchronous source has no more, or why it failed.
    func finish(_ failure: ForkPool.Failure?) {
        contents.withLock { contents in
            // A stream that is being stopped gets its ending from `stop`, which would take an exhausted one for over.
            guard !isStopped.load(ordering: .relaxed) else { return }
            contents.isExhausted = true
            // An earlier ending is the last element.
            if contents.ending == nil { contents.ending = failure }
        }
        pool.locked { pool.resumeStreams(&$0) }
    }

    /// Ends the stream early and cancels what is in flight; has no effect on a stream that has ended.
    ///
    /// - Parameter failure: The last element; nil if the stream has no reader any more.
    func stop(with failure: ForkPool.Failure? = nil) {
        guard !isStopped.exchange(true, ordering: .sequentiallyConsistent) else { return }
        let (batches, feeder) = contents.withLock { contents -> ([InFlightBatch], Waiter?) in
            defer { contents.feeder = nil }
            guard !contents.isOver else { return ([], contents.feeder) }
            defer {
                contents.batches = []
                contents.ready = []
                contents.itemsInFlight = 0
                contents.isExhausted = true
                contents.ending = failure
            }
            return (contents.batches, contents.feeder)
        }
        if let feeder { Waiter.resume([feeder]) }
        for inFlight in batches { pool.cancel(inFlight.batch) }
        pool.locked { pool.resumeStreams(&$0) }
    }
}
