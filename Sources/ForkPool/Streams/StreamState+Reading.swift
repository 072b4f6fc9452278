// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension StreamState {
    private enum Step {
        case ready
        case wait
        case end(ForkPool.Failure?, index: Int)
    }

    /// Blocks the calling thread until something is ready, and fills a run with it; returns false at the end.
    func fill(_ run: StreamRun<Output>) -> Bool {
        var hasGathered = false
        while true {
            if takeReady(run) { return true }
            switch step() {
            case .ready: continue
            case .end(let failure, let index):
                run.failure = failure.map { (index, $0) }
                return failure != nil
            case .wait: break
            }
            let (itemEnded, awaited) = (pool.layout.itemEnded, reading.head?.delivered ?? 0)
            if reading.isPatient, !hasGathered {
                // Nothing is announced, so that no worker stops to wake this thread.
                itemEnded.sleep(while: itemEnded.value, timeout: Pool.gatheringTime)
                hasGathered = true
                continue
            }
            let seen = itemEnded.announce(.threads)
            // What happened before the announcement was not signalled.
            if hasNews(awaited) { continue }
            if !itemEnded.sleep(while: seen, timeout: Int64(Pool.repairTime)) { pool.attend() }
        }
    }

    /// Does the same and suspends the task, which ends the stream when it is cancelled.
    nonisolated(nonsending) func fill(_ run: StreamRun<Output>) async -> Bool {
        while true {
            // If something is always ready, no wait sees the cancellation.
            if Task.isCancelled { stop(with: .streamCancelled) }
            if takeReady(run) { return true }
            switch step() {
            case .ready: continue
            case .end(let failure, let index):
                run.failure = failure.map { (index, $0) }
                return failure != nil
            case .wait: break
            }
            // From the moment when the waiter is known, another thread may go on with this task and read on.
            await suspend(isPatient: reading.isPatient, awaited: reading.head?.delivered ?? 0)
        }
    }

    /// Suspends the task until something may be ready; when the task is cancelled it ends the stream.
    ///
    /// - Parameters:
    ///   - isPatient: Whether results may gather for a moment.
    ///   - awaited: In input order, the item of the first batch that comes next.
    nonisolated(nonsending) func suspend(isPatient: Bool, awaited: Int) async {
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let gathers = pool.locked { state in
                    _ = pool.layout.itemEnded.announce(.tasks)
                    state.streamWaiters.append(waiter)
                    // In a pool that accepts nothing more, the thread that listens to notices may have ended.
                    let gathers = isPatient && pool.refusal(of: state, job) == nil
                    if !gathers { state.hasImpatientStream = true }
                    return gathers
                }
                if !hasNews(awaited) {
                    pool.attend()
                } else if gathers {
                    pool.layout.notices.signal()
                } else {
                    pool.locked { pool.resumeStreams(&$0) }
                }
            }
        } onCancel: {
            stop(with: .streamCancelled)
        }
    }

    // MARK: - With the lock, once for a portion

    /// Says what was delivered, refills the window, and looks for elements that are ready.
    private func step() -> Step {
        let (step, feeder) = contents.withLock { contents -> (Step, Waiter?) in
            if isStopped.load(ordering: .relaxed) {
                forget()
            } else {
                account(&contents)
                refill(&contents)
                reading.quota = contents.pace.step
                reading.isPatient = contents.pace.isQuick
                let feeder = contents.feeder != nil && contents.room > 0 ? exchange(&contents.feeder, with: nil) : nil
                if findReady(contents) || settleAll(contents) && findReady(contents) { return (.ready, feeder) }
                if let feeder { return (.wait, feeder) }
            }
            guard contents.isOver else { return (.wait, nil) }
            let ending = exchange(&contents.ending, with: nil)
            contents.isExhausted = true
            return (.end(ending?.at(contents.nextIndex), index: contents.nextIndex), nil)
        }
        feeder?.resume()
        showProgress()
        return step
    }

    /// Drops what is ready: the stream was stopped.
    private func forget() {
        reading.head = nil
        reading.ready = []
        reading.delivered = 0
        reading.hasFinishedBatch = false
    }

    /// Tells the contents what was delivered, and releases the batches that are done.
    private func account(_ contents: inout StreamContents) {
        let delivered = exchange(&reading.delivered, with: 0)
        if delivered > 0 {
            contents.itemsInFlight -= delivered
            contents.pace.noteResult(size: exchange(&reading.largest, with: 0))
            contents.pace.noteDelivery(of: delivered)
            reading.progress?.done += delivered
        }
        if reading.hasFinishedBatch {
            reading.hasFinishedBatch = false
            contents.batches.removeAll { inFlight in
                guard inFlight.delivered == inFlight.batch.shape.count else { return false }
                contents.draining.append(inFlight.batch)
                return true
            }
            // As soon as every worker has left a batch the next one gets its memory.
            let draining = exchange(&contents.draining, with: [])
            contents.draining = pool.locked { state in
                draining.filter { batch in
                    pool.settle(batch, &state)
                    if case .ended = batch.stage { return false }
                    return true
                }
            }
        }
        reading.progress?.taken = contents.nextIndex + contents.collected
    }

    /// Whether a reader that waits has something to do, in input order with an item of the first batch; touches nothing
    /// that is the reader's own.
    private func hasNews(_ awaited: Int) -> Bool {
        contents.withLock { contents in
            if contents.isOver || refusal(contents) != nil { return true }
            if isStopped.load(ordering: .relaxed) { return false }
            if order == .input {
                guard let batch = contents.batches.first?.batch, awaited < batch.shape.count else { return false }
                return batch.isOver(awaited)
            }
            return contents.batches.contains { inFlight in
                (inFlight.open..<inFlight.isTaken.count).contains { item in
                    !inFlight.isTaken[item] && inFlight.batch.isOver(item)
                }
            }
        }
    }

    /// Finds what to deliver next; returns whether it is ready.
    func findReady(_ contents: StreamContents) -> Bool {
        if order == .input {
            if reading.head == nil { reading.head = contents.batches.first }
            return reading.head.map { $0.batch.isOver($0.delivered) } ?? false
        }
        if reading.ready.isEmpty {
            for inFlight in contents.batches {
                var start = inFlight.open
                while let items = inFlight.takeOver(from: start) {
                    reading.ready.append((inFlight, items))
                    start = items.upperBound
                }
                while inFlight.open < inFlight.isTaken.count, inFlight.isTaken[inFlight.open] { inFlight.open += 1 }
            }
            reading.ready.reverse()
        }
        return !reading.ready.isEmpty
    }

    /// Settles all batches: one that every worker left may have lost an item.
    private func settleAll(_ contents: StreamContents) -> Bool {
        guard !contents.batches.isEmpty else { return false }
        pool.locked { state in
            for inFlight in contents.batches { pool.settle(inFlight.batch, &state) }
        }
        return true
    }
}
