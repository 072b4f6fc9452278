// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension StreamState {
    /// Pulls inputs from the source while the window has room.
    func refill(_ contents: inout Contents) {
        guard let feed else { return }
        while !contents.isExhausted, contents.ending == nil, !isStopped.load(ordering: .relaxed), contents.room > 0 {
            do throws(ForkPool.Failure) {
                if let batch = try feed(contents.room) {
                    try submit(batch, &contents)
                } else {
                    contents.isExhausted = true
                }
            } catch {
                contents.ending = error
            }
        }
    }

    private func submit(_ batch: Batch, _ contents: inout Contents) throws(ForkPool.Failure) {
        batch.call = (call, contents.nextIndex)
        // Add it before it is open: an item may be over at once.
        contents.batches.append(InFlightBatch(batch, first: contents.nextIndex, order: order))
        do throws(ForkPool.Failure) {
            try pool.submit(batch)
        } catch {
            contents.batches.removeLast()
            throw error
        }
        contents.nextIndex += batch.shape.count
        contents.itemsInFlight += batch.shape.count
        contents.pace.noteInput(size: batch.memorySize / batch.shape.count)
    }

    /// Suspends the feeder of an asynchronous source until there is room for an item; returns false after the end.
    func hasRoom() async -> Bool {
        while !isStopped.load(ordering: .relaxed) {
            if contents.withLock({ $0.room > 0 }) { return true }
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let waits = contents.withLock { contents -> Bool in
                    guard contents.room == 0, !isStopped.load(ordering: .relaxed) else { return false }
                    contents.feeder = waiter
                    return true
                }
                if !waits { waiter.resume() }
            }
        }
        return false
    }

    /// Adds one batch of an asynchronous source; returns false when no more are wanted.
    func add(_ makeBatch: () throws(ForkPool.Failure) -> Batch) -> Bool {
        let (isWanted, refusal) = contents.withLock { contents -> (Bool, ForkPool.Failure?) in
            // Checked under the lock: nothing would cancel a batch that is launched after the end.
            if isStopped.load(ordering: .relaxed) { return (false, nil) }
            do throws(ForkPool.Failure) {
                try submit(try makeBatch(), &contents)
                return (true, nil)
            } catch {
                return (false, error)
            }
        }
        if let refusal { stop(with: refusal) }
        return isWanted
    }
}
