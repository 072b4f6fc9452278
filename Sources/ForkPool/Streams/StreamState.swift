// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a stream knows between two elements: what is in flight, what is ready, and where inputs come from.
///
/// The reader pulls: before it waits it fills the window, so that it takes nothing from a source before there is room.
/// Only an asynchronous source has a feeder beside the reader, which is why a lock guards the contents. The reader
/// takes it once for a portion of elements: what is ready it finds through `reading`, which is its own. A thread that
/// holds the lock may take the pool's; never the other way round.
final class StreamState<Output>: @unchecked Sendable {
    /// Makes a batch of at most `most` inputs; nil when nothing is there.
    typealias Feed = (_ most: Int) throws(ForkPool.Failure) -> Batch?

    /// Where inputs come from.
    enum Source {
        /// The reader takes them; when nothing is there the source is at its end.
        case pulled(Feed)
        /// A feeder collects them: `Contents.collected` says how many there are.
        case pushed(Feed)
        /// The stream was ended early: nothing is taken any more, and the pool is not kept by it.
        case left
    }

    let pool: Pool
    /// The number of the stream among the calls of the pool.
    let call: Int
    /// The number of the job that the stream is of.
    let job: Int
    let output: WireFormat<Output>
    let order: ForkPool.Order
    /// The lock of the contents guards it.
    private(set) var source: Source
    let contents: Locked<StreamContents>
    /// Whether the stream was ended early; set before the lock is taken, so that a refill ends soon.
    let isStopped = Atomic(false)
    /// Whether inputs are collected that a worker which becomes free is to get.
    let awaitsWorker = Atomic(false)
    var reading = StreamReading()

    init(
        pool: Pool, output: WireFormat<Output>, order: ForkPool.Order, window: Int?, total: Int?, source: Source,
        job: Int
    ) {
        self.pool = pool
        self.job = job
        call = pool.locked { $0.takeCall() }
        self.output = output
        self.order = order
        self.source = source
        contents = Locked(StreamContents(pace: StreamPace(workers: pool.layout.workers, window: window)))
        reading.progress = pool.options.progress.map { StreamProgress(handler: $0, total: total) }
    }
}

// MARK: - Ending

extension StreamState {
    /// Notes that an asynchronous source has no more, or why it failed.
    func finish(_ failure: ForkPool.Failure?) {
        contents.withLock { contents in
            // A stream that is being stopped gets its ending from `stop`, which would take an exhausted one for over.
            // A reader that was told of the pool's end has had its last element.
            guard !isStopped.load(ordering: .relaxed), !contents.isExhausted else { return }
            submitCollected(&contents)
            contents.isExhausted = true
            // An earlier ending is the last element.
            if contents.ending == nil { contents.ending = failure }
        }
        pool.locked { state in
            state.collectors.removeAll { $0 === self }
            pool.resumeStreams(&state)
        }
    }

    /// Ends the stream early and cancels what is in flight; has no effect on a stream that has ended.
    ///
    /// - Parameter failure: The last element; nil if the stream has no reader any more.
    func stop(with failure: ForkPool.Failure? = nil) {
        guard !isStopped.exchange(true, ordering: .sequentiallyConsistent) else { return }
        let (batches, feeder, source) = contents.withLock { contents -> ([InFlightBatch], Waiter?, Source) in
            // A feeder keeps the stream until its source has another item, which may be never.
            let source = exchange(&self.source, with: .left)
            defer { contents.feeder = nil }
            guard !contents.isOver else { return ([], contents.feeder, source) }
            defer {
                contents.batches = []
                contents.itemsInFlight = 0
                contents.collected = 0
                contents.isExhausted = true
                contents.ending = failure
            }
            return (contents.batches, contents.feeder, source)
        }
        // Its end may be that of the pool, which is not to come while the lock is held.
        defer { extendLifetime(source) }
        if let feeder { Waiter.resume([feeder]) }
        for inFlight in batches { pool.cancel(inFlight.batch) }
        pool.locked { state in
            state.collectors.removeAll { $0 === self }
            pool.resumeStreams(&state)
        }
    }
}
