internal import CForkPool
internal import Synchronization

/// What a stream knows between two elements: what is in flight, what is ready, and where more comes from.
///
/// The reader pulls: before it waits it fills the window, so that nothing is taken from a source before there is room for
/// it. Only an asynchronous source has a feeder beside the reader, which is why all of this is behind a lock. Who holds
/// it may take the pool's; never the other way round.
final class StreamState<Output>: @unchecked Sendable {
    /// Makes a batch of at most so many inputs from the source; nil when nothing is left.
    typealias Feed = (_ most: Int) throws(ForkPool.Failure) -> Batch?

    /// Some items that are in flight.
    private final class InFlightBatch {
        let batch: Batch
        /// The index of the batch's first item in the stream.
        let first: Int
        /// How many items were delivered; and in completion order which.
        var delivered = 0
        var isDelivered: [Bool]

        init(_ batch: Batch, first: Int, order: ForkPool.Order) {
            self.batch = batch
            self.first = first
            isDelivered = order == .completion ? Array(repeating: false, count: batch.shape.count) : []
        }
    }

    private struct Contents {
        var inFlightBatches: [InFlightBatch] = []
        /// Items that are ready and not delivered, in completion order.
        var ready: [(inFlight: InFlightBatch, item: Int)] = []
        var readyStart = 0
        var pace: StreamPace
        /// Batches of which everything was delivered, and that a worker is about to leave.
        var draining: [Batch] = []
        var nextIndex = 0
        var itemsInFlight = 0
        /// Whether the source has no more.
        var isExhausted = false
        /// What ends the stream after what is in flight.
        var ending: ForkPool.Failure?
        /// A feeder that waits for room.
        var feeder: Waiter?
    }

    let pool: Pool
    private let output: WireFormat<Output>
    private let order: ForkPool.Order
    /// Where inputs come from, unless a feeder brings them.
    private let feed: Feed?
    private let contents: Locked<Contents>
    private let isStopped = Atomic(false)

    init(
        pool: Pool, output: WireFormat<Output>, order: ForkPool.Order, window: Int?, feed: Feed?
    ) {
        self.pool = pool
        self.output = output
        self.order = order
        self.feed = feed
        contents = Locked(Contents(pace: StreamPace(workers: pool.layout.workers, window: window)))
    }

    /// An element of the stream.
    typealias Element = (index: Int, result: Result<Output, ForkPool.Failure>)

    // MARK: - Reading

    /// The next element, or nil at the end; blocks the calling thread.
    func next() -> Element? {
        while true {
            switch step() {
            case .element(let element): return element
            case .end: return nil
            case .wait: break
            }
            let seen = pool.layout.itemEnded.announce(.threads)
            // What happened before the announcement was not signalled.
            if hasNews { continue }
            if !pool.layout.itemEnded.sleep(while: seen, timeout: Int64(Pool.repairTime)) { pool.attend() }
        }
    }

    /// The next element, or nil at the end; suspends the task, which ends the stream when it is cancelled.
    nonisolated(nonsending) func next() async -> Element? {
        while true {
            // Where something is always ready nothing is ever waited for.
            if Task.isCancelled, !isOver { end(with: .streamCancelled) }
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
                end(with: .streamCancelled)
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
                guard contents.isExhausted || contents.ending != nil, contents.inFlightBatches.isEmpty else {
                    return (.wait, nil)
                }
                guard let ending = contents.ending else { return (.end, nil) }
                contents.ending = nil
                contents.isExhausted = true
                return (.element((contents.nextIndex, .failure(ending.at(contents.nextIndex)))), nil)
            }
            let result = read(inFlight, item, &contents)
            inFlight.delivered += 1
            contents.itemsInFlight -= 1
            contents.pace.delivered()
            if inFlight.delivered == inFlight.batch.shape.count {
                contents.inFlightBatches.removeAll { $0 === inFlight }
                release(inFlight.batch, &contents)
            }
            defer { contents.feeder = nil }
            return (.element((inFlight.first + item, result)), contents.feeder)
        }
        feeder?.resume()
        return step
    }

    /// Lets go of a batch as soon as no worker is inside any more: its memory is what the next one is to have.
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

    /// The item to deliver next, if there is one.
    private func takeReady(_ contents: inout Contents) -> (InFlightBatch, Int)? {
        if order == .input {
            guard let inFlight = contents.inFlightBatches.first, inFlight.batch.isOver(inFlight.delivered) else {
                return nil
            }
            return (inFlight, inFlight.delivered)
        }
        if contents.readyStart == contents.ready.count {
            contents.ready.removeAll(keepingCapacity: true)
            contents.readyStart = 0
            for inFlight in contents.inFlightBatches {
                for item in inFlight.isDelivered.indices
                where !inFlight.isDelivered[item] && inFlight.batch.isOver(item) {
                    inFlight.isDelivered[item] = true
                    contents.ready.append((inFlight, item))
                }
            }
        }
        guard contents.readyStart < contents.ready.count else { return nil }
        defer { contents.readyStart += 1 }
        return contents.ready[contents.readyStart]
    }

    /// The same, after a look whether a batch that no worker is inside of any more lost an item.
    private func takeSettled(_ contents: inout Contents) -> (InFlightBatch, Int)? {
        guard !contents.inFlightBatches.isEmpty else { return nil }
        let inFlightBatches = contents.inFlightBatches
        pool.locked { state in
            for inFlight in inFlightBatches { pool.settle(inFlight.batch, &state) }
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
        contents.pace.hasResult(size: size)
        return result.mapError { $0.at(inFlight.first + item) }
    }

    /// Whether the stream was ended, or has nothing left to give.
    private var isOver: Bool {
        isStopped.load(ordering: .relaxed) || contents.withLock { $0.isExhausted && $0.inFlightBatches.isEmpty }
    }

    /// Whether the reader has something to do.
    private var hasNews: Bool {
        contents.withLock { contents in
            if isStopped.load(ordering: .relaxed) || contents.inFlightBatches.isEmpty && contents.isExhausted {
                return true
            }
            if contents.ending != nil, contents.inFlightBatches.isEmpty { return true }
            if contents.readyStart < contents.ready.count { return true }
            if order == .input { return contents.inFlightBatches.first.map { $0.batch.isOver($0.delivered) } ?? false }
            return contents.inFlightBatches.contains { inFlight in
                inFlight.isDelivered.indices.contains { !inFlight.isDelivered[$0] && inFlight.batch.isOver($0) }
            }
        }
    }

    // MARK: - Feeding

    private func refill(_ contents: inout Contents) {
        guard let feed else { return }
        while !contents.isExhausted, contents.ending == nil, !isStopped.load(ordering: .relaxed) {
            let most = contents.pace.room(inFlight: contents.itemsInFlight)
            guard most > 0 else { return }
            do throws(ForkPool.Failure) {
                guard let batch = try feed(most) else {
                    contents.isExhausted = true
                    return
                }
                try launch(batch, &contents)
            } catch {
                contents.ending = error
            }
        }
    }

    private func launch(_ batch: Batch, _ contents: inout Contents) throws(ForkPool.Failure) {
        // Known before it is open: an item may be over at once.
        let inFlight = InFlightBatch(batch, first: contents.nextIndex, order: order)
        contents.inFlightBatches.append(inFlight)
        do throws(ForkPool.Failure) {
            try pool.submit(batch)
        } catch {
            contents.inFlightBatches.removeLast()
            throw error
        }
        contents.nextIndex += batch.shape.count
        contents.itemsInFlight += batch.shape.count
        contents.pace.hasInput(size: batch.parts.reduce(0) { $0 + $1.size } / batch.shape.count)
    }

    /// Suspends the feeder of an asynchronous source until there is room for an item; returns false when none is wanted.
    func hasRoom() async -> Bool {
        while true {
            if isStopped.load(ordering: .relaxed) { return false }
            if contents.withLock({ $0.pace.room(inFlight: $0.itemsInFlight) > 0 }) { return true }
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let resumes = contents.withLock { contents -> Bool in
                    guard contents.pace.room(inFlight: contents.itemsInFlight) <= 0, !isStopped.load(ordering: .relaxed)
                    else { return true }
                    contents.feeder = waiter
                    return false
                }
                if resumes { waiter.resume() }
            }
        }
    }

    /// Adds one batch of an asynchronous source; returns false when no more are wanted.
    func add(_ make: () throws(ForkPool.Failure) -> Batch) -> Bool {
        let (isWanted, refusal) = contents.withLock { contents -> (Bool, ForkPool.Failure?) in
            // Asked under the lock: what is launched after the end would be cancelled by nobody.
            if isStopped.load(ordering: .relaxed) { return (false, nil) }
            do throws(ForkPool.Failure) {
                try launch(try make(), &contents)
                return (true, nil)
            } catch {
                return (false, error)
            }
        }
        if let refusal { end(with: refusal) }
        return isWanted
    }

    /// Hears that an asynchronous source has no more, or why it failed.
    func finish(_ failure: ForkPool.Failure?) {
        contents.withLock { contents in
            contents.isExhausted = true
            // What ended it early was the last element.
            if contents.ending == nil, !isStopped.load(ordering: .relaxed) { contents.ending = failure }
        }
        pool.locked { pool.resumeStreams(&$0) }
    }

    // MARK: - ExitStatus

    /// Ends the stream early: what is in flight is cancelled, and `failure` is the last element.
    func end(with failure: ForkPool.Failure) {
        stop(failure)
    }

    /// Ends the stream early, with nobody left to read it.
    func stop() {
        stop(nil)
    }

    private func stop(_ failure: ForkPool.Failure?) {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        let (inFlightBatches, feeder) = contents.withLock { contents -> ([InFlightBatch], Waiter?) in
            defer {
                contents.inFlightBatches = []
                contents.ready = []
                contents.readyStart = 0
                contents.itemsInFlight = 0
                contents.isExhausted = true
                contents.ending = failure
                contents.feeder = nil
            }
            return (contents.inFlightBatches, contents.feeder)
        }
        if let feeder { Waiter.resume([feeder]) }
        for inFlight in inFlightBatches { pool.cancel(inFlight.batch) }
        pool.locked { pool.resumeStreams(&$0) }
    }
}
