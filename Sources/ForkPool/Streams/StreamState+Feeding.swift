// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// How inputs get into batches: pulled by the reader, or collected by a feeder.

extension StreamState {
    /// Pulls inputs from the source while the window has room, or submits what a feeder collected if that is due.
    func refill(_ contents: inout StreamContents) {
        switch source {
        case .pulled(let feed):
            while !contents.isExhausted, contents.ending == nil, !isStopped.load(ordering: .relaxed), contents.room > 0
            {
                // What is ready does not wait for a slow source to fill the window.
                if contents.isSourceSlow, findReady(contents) { break }
                let (start, first) = (monotonicNanoseconds(), contents.nextIndex)
                if !submit(atMost: contents.room, from: feed, &contents) { contents.isExhausted = true }
                let taken = contents.nextIndex - first
                contents.isSourceSlow = monotonicNanoseconds() - start > max(1, taken) * Int(Pool.gatheringTime)
            }
        case .pushed:
            if contents.collected > 0, isDue(contents) { submitCollected(&contents) }
            if let refusal = refusal(contents) { contents.ending = refusal }
        case .left: break
        }
    }

    /// Why the pool takes no further input, if the stream waits for nothing but one: the source may never give it.
    func refusal(_ contents: StreamContents) -> ForkPool.Failure? {
        guard case .pushed = source, contents.collected == 0, contents.batches.isEmpty, !contents.hasEnding
        else { return nil }
        return pool.locked { pool.refusal(of: $0, job) }
    }

    /// Makes a batch and submits it, where a refusal is the last element; returns false if the source had nothing.
    @discardableResult
    private func submit(atMost most: Int, from feed: Feed, _ contents: inout StreamContents) -> Bool {
        do throws(ForkPool.Failure) {
            guard let batch = try feed(most) else { return false }
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
        } catch {
            contents.ending = error
        }
        return true
    }
}

// MARK: - Collecting

// An input of an asynchronous source does not wait while a worker is free. While all are busy, inputs are collected up
// to a portion. The feeder cannot know for how long the source's next input will take, so what it has collected is
// submitted by another task: at once, if a worker is free, or when one becomes free.

extension StreamState {
    /// Suspends the feeder until there is room for an item; returns false after the end.
    func hasRoom() async -> Bool {
        while !isStopped.load(ordering: .relaxed) {
            let (isWanted, hasRoom) = contents.withLock { contents -> (Bool, Bool) in
                (!contents.hasEnding, contents.hasRoom)
            }
            if !isWanted { return false }
            if hasRoom { return true }
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let waits = contents.withLock { contents -> Bool in
                    submitCollected(&contents)
                    guard !contents.hasEnding, contents.room == 0, !isStopped.load(ordering: .relaxed) else {
                        return false
                    }
                    contents.feeder = waiter
                    return true
                }
                if !waits { waiter.resume() }
            }
        }
        return false
    }

    /// Adds an input of an asynchronous source; returns whether there is surely room for another one.
    func add(_ collect: () -> Void) -> Bool {
        let (hasRoom, isRefused, flushes) = contents.withLock { contents -> (Bool, Bool, Bool) in
            // Checked under the lock: nothing would cancel a batch that is launched after the end.
            if isStopped.load(ordering: .relaxed) || contents.hasEnding { return (false, false, false) }
            collect()
            contents.collected += 1
            let isDue = isDue(contents)
            if isDue { submitCollected(&contents) }
            let hasRoom = contents.ending == nil && contents.hasRoom
            return (hasRoom, contents.ending != nil, !isDue && awaitWorker(&contents))
        }
        if isRefused { pool.locked { pool.resumeStreams(&$0) } }
        if flushes { flushSoon() }
        return hasRoom
    }

    /// Whether collected inputs are to be submitted now: there is a portion of them, or a worker is free and a batch of
    /// few costs less than the items.
    private func isDue(_ contents: StreamContents) -> Bool {
        contents.collected >= contents.step || !contents.pace.isQuick && hasFreeWorker(contents)
    }

    private func hasFreeWorker(_ contents: StreamContents) -> Bool {
        contents.batches.isEmpty || !pool.layout.seekers.isEmpty || !pool.layout.sleepers.isEmpty
    }

    /// Submits all that a feeder collected.
    func submitCollected(_ contents: inout StreamContents) {
        guard case .pushed(let feed) = source, contents.collected > 0 else { return }
        let count = contents.collected
        contents.collected = 0
        if awaitsWorker.load(ordering: .relaxed) {
            awaitsWorker.store(false, ordering: .relaxed)
            pool.locked { if $0.collectors.count == 1 { pool.layout.workerFreed.retract(.tasks) } }
        }
        submit(atMost: count, from: feed, &contents)
    }

    /// Makes sure that what is collected does not wait for the next input; returns whether a task is to submit it soon.
    private func awaitWorker(_ contents: inout StreamContents) -> Bool {
        if contents.isFlushing || awaitsWorker.load(ordering: .relaxed) { return false }
        if !hasFreeWorker(contents) {
            awaitsWorker.store(true, ordering: .sequentiallyConsistent)
            _ = pool.layout.workerFreed.announce(.tasks)
            // A worker that became free before the announcement did not signal it.
            if !hasFreeWorker(contents) { return false }
        }
        contents.isFlushing = true
        return true
    }

    private func flushSoon() {
        Task.detached { [self] in submitCollectedInputs() }
    }
}

extension StreamState: InputCollector {
    func takesCall() -> Bool { awaitsWorker.exchange(false, ordering: .relaxed) }

    func submitCollectedInputs() {
        let (isRefused, flushes) = contents.withLock { contents -> (Bool, Bool) in
            contents.isFlushing = false
            guard contents.collected > 0, !contents.hasEnding, !isStopped.load(ordering: .relaxed) else {
                return (false, false)
            }
            guard hasFreeWorker(contents) else {
                awaitsWorker.store(false, ordering: .relaxed)
                return (false, awaitWorker(&contents))
            }
            submitCollected(&contents)
            return (contents.ending != nil, false)
        }
        if isRefused { pool.locked { pool.resumeStreams(&$0) } }
        if flushes { flushSoon() }
    }
}
