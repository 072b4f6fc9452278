internal import Synchronization

// How inputs enter a stream, and how it ends early.

extension StreamState {
    /// Fills the window from the source, unless a feeder does.
    func refill(_ contents: inout Contents) {
        guard let feed else { return }
        while !contents.isExhausted, contents.ending == nil, !isStopped.load(ordering: .relaxed) {
            let most = contents.pace.room(inFlight: contents.itemsInFlight)
            guard most > 0 else { return }
            do throws(ForkPool.Failure) {
                guard let batch = try feed(most) else {
                    contents.isExhausted = true
                    return
                }
                try submit(batch, &contents)
            } catch {
                contents.ending = error
            }
        }
    }

    private func submit(_ batch: Batch, _ contents: inout Contents) throws(ForkPool.Failure) {
        // Add the batch before it is open: an item may be over at once.
        contents.batches.append(InFlightBatch(batch, first: contents.nextIndex, order: order))
        do throws(ForkPool.Failure) {
            try pool.submit(batch)
        } catch {
            contents.batches.removeLast()
            throw error
        }
        contents.nextIndex += batch.shape.count
        contents.itemsInFlight += batch.shape.count
        contents.pace.noteInput(size: batch.parts.reduce(0) { $0 + $1.size } / batch.shape.count)
    }

    /// Suspends the feeder of an asynchronous source until there is room for an item; returns false if none is wanted.
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

    /// Adds one batch of an asynchronous source; returns false if no more are wanted.
    func add(_ make: () throws(ForkPool.Failure) -> Batch) -> Bool {
        let (isWanted, refusal) = contents.withLock { contents -> (Bool, ForkPool.Failure?) in
            // Ask under the lock: no code would cancel a batch that is submitted after the end.
            if isStopped.load(ordering: .relaxed) { return (false, nil) }
            do throws(ForkPool.Failure) {
                try submit(try make(), &contents)
                return (true, nil)
            } catch {
                return (false, error)
            }
        }
        if let refusal { stop(with: refusal) }
        return isWanted
    }

    /// Ends the input: an asynchronous source has no more, or failed.
    func finish(_ failure: ForkPool.Failure?) {
        contents.withLock { contents in
            contents.isExhausted = true
            // A stream that was stopped has its last element already.
            if contents.ending == nil, !isStopped.load(ordering: .relaxed) { contents.ending = failure }
        }
        pool.locked { pool.resumeStreams(&$0) }
    }

    /// Ends the stream early: cancels what is in flight, and makes `failure`, if there is one, the last element.
    func stop(with failure: ForkPool.Failure? = nil) {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        let (batches, feeder) = contents.withLock { contents -> ([InFlightBatch], Waiter?) in
            defer {
                contents.batches = []
                contents.ready = []
                contents.readyStart = 0
                contents.itemsInFlight = 0
                contents.isExhausted = true
                contents.ending = failure
                contents.feeder = nil
            }
            return (contents.batches, contents.feeder)
        }
        if let feeder { Waiter.resume([feeder]) }
        for inFlight in batches { pool.cancel(inFlight.batch) }
        pool.locked { pool.resumeStreams(&$0) }
    }
}
