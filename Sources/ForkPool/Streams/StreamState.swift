internal import CForkPool
internal import Synchronization

/// What a stream knows between two elements: what is in flight, what is ready, and where more comes from.
///
/// The reader pulls: before it waits it fills the window, so that nothing is taken from a source before there is room for
/// it. Only an asynchronous source has a feeder beside the reader, which is why all of this is behind a lock. Who holds
/// it may take the core's; never the other way round.
final class StreamState<Output>: @unchecked Sendable {
    /// Makes a batch of at most so many inputs from the source; nil when nothing is left.
    typealias Feed = (_ most: Int) throws(ForkPool.Failure) -> Batch?

    /// Some items that are in flight.
    private final class Flight {
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
        var flights: [Flight] = []
        /// Items that are ready and not delivered, in completion order.
        var ready: [(flight: Flight, item: Int)] = []
        var readyStart = 0
        var pace: StreamPace
        /// Batches of which everything was delivered, and that a worker is about to leave.
        var lingering: [Batch] = []
        var nextIndex = 0
        var inFlight = 0
        /// Whether the source has no more.
        var isExhausted = false
        /// What ends the stream after what is in flight.
        var ending: ForkPool.Failure?
        /// A feeder that waits for room.
        var feeder: Waiter?
    }

    let core: ResidentCore
    private let output: Crossing<Output>
    private let order: ForkPool.Order
    /// Where inputs come from, unless a feeder brings them.
    private let feed: Feed?
    private let contents: Guarded<Contents>
    private let isStopped = Atomic(false)

    init(
        core: ResidentCore, output: Crossing<Output>, order: ForkPool.Order, window: Int?, feed: Feed?
    ) {
        self.core = core
        self.output = output
        self.order = order
        self.feed = feed
        contents = Guarded(Contents(pace: StreamPace(workers: core.memory.workers, window: window)))
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
            let seen = core.memory.itemEnded.announce(.threads)
            // What happened before the announcement was not signalled.
            if hasNews { continue }
            if !core.memory.itemEnded.sleep(while: seen, timeout: Int64(ResidentCore.repairTime)) { core.attend() }
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
                    core.locked { state in
                        _ = core.memory.itemEnded.announce(.tasks)
                        state.streamWaiters.append(waiter)
                    }
                    if hasNews { core.locked { core.resumeStreams(&$0) } } else { core.attend() }
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
            guard let (flight, item) = takeReady(&contents) ?? takeSettled(&contents) else {
                guard contents.isExhausted || contents.ending != nil, contents.flights.isEmpty else {
                    return (.wait, nil)
                }
                guard let ending = contents.ending else { return (.end, nil) }
                contents.ending = nil
                contents.isExhausted = true
                return (.element((contents.nextIndex, .failure(ending.at(contents.nextIndex)))), nil)
            }
            let result = read(flight, item, &contents)
            flight.delivered += 1
            contents.inFlight -= 1
            contents.pace.delivered()
            if flight.delivered == flight.batch.shape.count {
                contents.flights.removeAll { $0 === flight }
                release(flight.batch, &contents)
            }
            defer { contents.feeder = nil }
            return (.element((flight.first + item, result)), contents.feeder)
        }
        feeder?.resume()
        return step
    }

    /// Lets go of a batch as soon as no worker is inside any more: its memory is what the next one is to have.
    private func release(_ batch: Batch, _ contents: inout Contents) {
        contents.lingering.append(batch)
        let lingering = contents.lingering
        contents.lingering = core.locked { state in
            lingering.filter { batch in
                core.settle(batch, &state)
                if case .ended = batch.stage { return false }
                return true
            }
        }
    }

    /// The item to deliver next, if there is one.
    private func takeReady(_ contents: inout Contents) -> (Flight, Int)? {
        if order == .input {
            guard let flight = contents.flights.first, flight.batch.isOver(flight.delivered) else { return nil }
            return (flight, flight.delivered)
        }
        if contents.readyStart == contents.ready.count {
            contents.ready.removeAll(keepingCapacity: true)
            contents.readyStart = 0
            for flight in contents.flights {
                for item in flight.isDelivered.indices where !flight.isDelivered[item] && flight.batch.isOver(item) {
                    flight.isDelivered[item] = true
                    contents.ready.append((flight, item))
                }
            }
        }
        guard contents.readyStart < contents.ready.count else { return nil }
        defer { contents.readyStart += 1 }
        return contents.ready[contents.readyStart]
    }

    /// The same, after a look whether a batch that no worker is inside of any more lost an item.
    private func takeSettled(_ contents: inout Contents) -> (Flight, Int)? {
        guard !contents.flights.isEmpty else { return nil }
        let flights = contents.flights
        core.locked { state in
            for flight in flights { core.settle(flight.batch, &state) }
        }
        return takeReady(&contents)
    }

    private func read(
        _ flight: Flight, _ item: Int, _ contents: inout Contents
    ) -> Result<Output, ForkPool.Failure> {
        let batch = flight.batch
        guard unsafe batch.memory.states[item].load(ordering: .acquiring) == ItemState.value else {
            let failure = core.locked { _ in core.failure(of: item, in: batch) }
            return .failure(failure.at(flight.first + item))
        }
        let (result, size) = output.value(batch.memory, at: item)
        contents.pace.hasResult(size: size)
        return result.mapError { $0.at(flight.first + item) }
    }

    /// Whether the stream was ended, or has nothing left to give.
    private var isOver: Bool {
        isStopped.load(ordering: .relaxed) || contents.withLock { $0.isExhausted && $0.flights.isEmpty }
    }

    /// Whether the reader has something to do.
    private var hasNews: Bool {
        contents.withLock { contents in
            if isStopped.load(ordering: .relaxed) || contents.flights.isEmpty && contents.isExhausted { return true }
            if contents.ending != nil, contents.flights.isEmpty { return true }
            if contents.readyStart < contents.ready.count { return true }
            if order == .input { return contents.flights.first.map { $0.batch.isOver($0.delivered) } ?? false }
            return contents.flights.contains { flight in
                flight.isDelivered.indices.contains { !flight.isDelivered[$0] && flight.batch.isOver($0) }
            }
        }
    }

    // MARK: - Feeding

    private func refill(_ contents: inout Contents) {
        guard let feed else { return }
        while !contents.isExhausted, contents.ending == nil, !isStopped.load(ordering: .relaxed) {
            let most = contents.pace.room(inFlight: contents.inFlight)
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
        let flight = Flight(batch, first: contents.nextIndex, order: order)
        contents.flights.append(flight)
        do throws(ForkPool.Failure) {
            try core.submit(batch)
        } catch {
            contents.flights.removeLast()
            throw error
        }
        contents.nextIndex += batch.shape.count
        contents.inFlight += batch.shape.count
        contents.pace.hasInput(size: batch.parts.reduce(0) { $0 + $1.size } / batch.shape.count)
    }

    /// Suspends the feeder of an asynchronous source until there is room for an item; returns false when none is wanted.
    func hasRoom() async -> Bool {
        while true {
            if isStopped.load(ordering: .relaxed) { return false }
            if contents.withLock({ $0.pace.room(inFlight: $0.inFlight) > 0 }) { return true }
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let resumes = contents.withLock { contents -> Bool in
                    guard contents.pace.room(inFlight: contents.inFlight) <= 0, !isStopped.load(ordering: .relaxed)
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
        core.locked { core.resumeStreams(&$0) }
    }

    // MARK: - Ending

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
        let (flights, feeder) = contents.withLock { contents -> ([Flight], Waiter?) in
            defer {
                contents.flights = []
                contents.ready = []
                contents.readyStart = 0
                contents.inFlight = 0
                contents.isExhausted = true
                contents.ending = failure
                contents.feeder = nil
            }
            return (contents.flights, contents.feeder)
        }
        if let feeder { Waiter.resume([feeder]) }
        for flight in flights { core.cancel(flight.batch) }
        core.locked { core.resumeStreams(&$0) }
    }
}
