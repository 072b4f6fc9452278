internal import CForkPool
internal import Synchronization

/// The state of a stream between two elements: what is in flight, what is ready, and the source of more.
///
/// The reader pulls: before it waits, it fills the window, so that nothing is taken from a source before there is room for
/// it. Only an asynchronous source has a feeder beside the reader, which is why a lock guards the state. A thread that holds
/// this lock may take the pool's; never the other way round.
final class StreamState<Output>: @unchecked Sendable {
    /// Makes a batch of at most `most` inputs from the source; nil if nothing is left.
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

        /// Whether an item is over that was not taken; in input order, whether the next one is.
        var hasReady: Bool {
            isTaken.isEmpty ? batch.isOver(delivered) : isTaken.indices.contains { isReady($0) }
        }

        func isReady(_ item: Int) -> Bool { !isTaken[item] && batch.isOver(item) }
    }

    struct Contents {
        var batches: [InFlightBatch] = []
        /// Items that are ready and not delivered, in completion order, from `readyStart` on.
        var ready: [(batch: InFlightBatch, item: Int)] = []
        var readyStart = 0
        var pace: StreamPace
        /// Batches of which everything was delivered, and that a worker is about to leave.
        var draining: [Batch] = []
        var nextIndex = 0
        var itemsInFlight = 0
        /// Whether the source has no more.
        var isExhausted = false
        /// The last element: a failure that ends the stream after what is in flight.
        var ending: ForkPool.Failure?
        /// A feeder that waits for room.
        var feeder: Waiter?

        /// Whether nothing more comes, except `ending`.
        var isOver: Bool { batches.isEmpty && (isExhausted || ending != nil) }
    }

    let pool: Pool
    let order: ForkPool.Order
    /// Supplies inputs, unless a feeder brings them.
    let feed: Feed?
    let contents: Locked<Contents>
    let isStopped = Atomic(false)
    private let output: WireFormat<Output>

    init(
        pool: Pool, output: WireFormat<Output>, order: ForkPool.Order, window: Int?, feed: Feed?
    ) {
        self.pool = pool
        self.output = output
        self.order = order
        self.feed = feed
        contents = Locked(Contents(pace: StreamPace(workers: pool.layout.workers, window: window)))
    }

    /// Returns the next element, or nil at the end; blocks the calling thread.
    func next() -> Element? {
        while true {
            switch step() {
            case .element(let element): return element
            case .end: return nil
            case .wait: break
            }
            let seen = pool.layout.itemEnded.announce(.threads)
            // An item that ended before the announcement sent no signal.
            if hasNews { continue }
            if !pool.layout.itemEnded.sleep(while: seen, timeout: Int64(Pool.repairTime)) { pool.attend() }
        }
    }

    /// Returns the next element, or nil at the end; suspends the task, which ends the stream when it is cancelled.
    nonisolated(nonsending) func next() async -> Element? {
        while true {
            // If something is always ready, the task never waits and its handler below never runs.
            if Task.isCancelled, !isOver { stop(with: .streamCancelled) }
            switch step() {
            case .element(let element): return element
            case .end: return nil
            case .wait: break
            }
            await withTaskCancellationHandler {
                await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                    let waiter = unsafe Waiter(continuation)
                    pool.locked { state in
                        _ = pool.layout.itemEnded.announce(.tasks)
                        state.streamWaiters.append(waiter)
                    }
                    if hasNews { pool.locked { pool.resumeStreams(&$0) } } else { pool.attend() }
                }
            } onCancel: {
                stop(with: .streamCancelled)
            }
        }
    }

    private enum Step {
        case element(Element)
        case wait
        case end
    }

    private func step() -> Step {
        let (step, feeder) = contents.withLock { contents -> (Step, Waiter?) in
            refill(&contents)
            guard let (inFlight, item) = takeReady(&contents) ?? takeSettled(&contents) else {
                guard contents.isOver else { return (.wait, nil) }
                guard let ending = contents.ending else { return (.end, nil) }
                contents.ending = nil
                contents.isExhausted = true
                return (.element((contents.nextIndex, .failure(ending.at(contents.nextIndex)))), nil)
            }
            let result = read(inFlight, item, &contents)
            inFlight.delivered += 1
            contents.itemsInFlight -= 1
            contents.pace.noteDelivery()
            if inFlight.delivered == inFlight.batch.shape.count {
                contents.batches.removeAll { $0 === inFlight }
                release(inFlight.batch, &contents)
            }
            defer { contents.feeder = nil }
            return (.element((inFlight.first + item, result)), contents.feeder)
        }
        feeder?.resume()
        return step
    }

    /// Releases a batch as soon as no worker is inside it: the next batch needs its memory.
    private func release(_ batch: Batch, _ contents: inout Contents) {
        contents.draining.append(batch)
        let draining = contents.draining
        contents.draining = pool.locked { state in
            draining.filter { batch in
                pool.settle(batch, &state)
                if case .ended = batch.stage { return false }
                return true
            }
        }
    }

    /// Takes the item to deliver next, if there is one.
    private func takeReady(_ contents: inout Contents) -> (InFlightBatch, Int)? {
        if order == .input {
            guard let inFlight = contents.batches.first, inFlight.hasReady else { return nil }
            return (inFlight, inFlight.delivered)
        }
        if contents.readyStart == contents.ready.count {
            contents.ready.removeAll(keepingCapacity: true)
            contents.readyStart = 0
            for inFlight in contents.batches {
                for item in inFlight.isTaken.indices where inFlight.isReady(item) {
                    inFlight.isTaken[item] = true
                    contents.ready.append((inFlight, item))
                }
            }
        }
        guard contents.readyStart < contents.ready.count else { return nil }
        defer { contents.readyStart += 1 }
        return contents.ready[contents.readyStart]
    }

    /// Does the same after it settled all batches: one without a worker inside may have lost an item.
    private func takeSettled(_ contents: inout Contents) -> (InFlightBatch, Int)? {
        guard !contents.batches.isEmpty else { return nil }
        let batches = contents.batches
        pool.locked { state in
            for inFlight in batches { pool.settle(inFlight.batch, &state) }
        }
        return takeReady(&contents)
    }

    private func read(
        _ inFlight: InFlightBatch, _ item: Int, _ contents: inout Contents
    ) -> Result<Output, ForkPool.Failure> {
        let batch = inFlight.batch
        guard unsafe batch.results.states[item].load(ordering: .acquiring) == ItemState.value else {
            let failure = pool.locked { _ in pool.failure(of: item, in: batch) }
            return .failure(failure.at(inFlight.first + item))
        }
        let (result, size) = output.value(batch.results, at: item)
        contents.pace.noteResult(size: size)
        return result.mapError { $0.at(inFlight.first + item) }
    }

    /// Whether the stream was stopped or has nothing left to give.
    private var isOver: Bool {
        isStopped.load(ordering: .relaxed) || contents.withLock { $0.isExhausted && $0.batches.isEmpty }
    }

    /// Whether the reader has something to do.
    private var hasNews: Bool {
        contents.withLock { contents in
            if isStopped.load(ordering: .relaxed) || contents.isOver { return true }
            if contents.readyStart < contents.ready.count { return true }
            if order == .input { return contents.batches.first?.hasReady ?? false }
            return contents.batches.contains { $0.hasReady }
        }
    }
}
