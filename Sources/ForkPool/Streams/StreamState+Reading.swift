// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension StreamState {
    private enum Step {
        case element(Element)
        case wait
        case end
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
            // What happened before the announcement was not signalled.
            if hasNews { continue }
            if !pool.layout.itemEnded.sleep(while: seen, timeout: Int64(Pool.repairTime)) { pool.attend() }
        }
    }

    /// Returns the next element, or nil at the end; suspends the task, which ends the stream when it is cancelled.
    nonisolated(nonsending) func next() async -> Element? {
        while true {
            // If something is always ready, no wait sees the cancellation.
            if Task.isCancelled { stop(with: .streamCancelled) }
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

    /// Refills the window, and takes an element if one is ready.
    private func step() -> Step {
        let (step, feeder) = contents.withLock { contents -> (Step, Waiter?) in
            refill(&contents)
            if let (inFlight, item) = nextReady(&contents) ?? nextSettled(&contents) {
                defer { contents.feeder = nil }
                return (.element(deliver(item, of: inFlight, &contents)), contents.feeder)
            }
            guard contents.isOver else { return (.wait, nil) }
            guard let ending = contents.ending else { return (.end, nil) }
            contents.ending = nil
            contents.isExhausted = true
            return (.element((contents.nextIndex, .failure(ending.at(contents.nextIndex)))), nil)
        }
        feeder?.resume()
        return step
    }

    /// Whether the reader has something to do.
    private var hasNews: Bool {
        contents.withLock { $0.isOver || nextReady(&$0) != nil }
    }

    /// Finds the item to deliver next, if it is ready.
    private func nextReady(_ contents: inout Contents) -> (inFlight: InFlightBatch, item: Int)? {
        if order == .input {
            guard let first = contents.batches.first, first.batch.isOver(first.delivered) else { return nil }
            return (first, first.delivered)
        }
        if contents.ready.isEmpty {
            for inFlight in contents.batches {
                for item in inFlight.isTaken.indices where !inFlight.isTaken[item] && inFlight.batch.isOver(item) {
                    inFlight.isTaken[item] = true
                    contents.ready.append((inFlight, item))
                }
            }
            contents.ready.reverse()
        }
        return contents.ready.last
    }

    /// Does the same after settling the batches: one that every worker left may have lost an item.
    private func nextSettled(_ contents: inout Contents) -> (inFlight: InFlightBatch, item: Int)? {
        let batches = contents.batches
        guard !batches.isEmpty else { return nil }
        pool.locked { state in
            for inFlight in batches { pool.settle(inFlight.batch, &state) }
        }
        return nextReady(&contents)
    }

    /// Reads an item, and releases its batch if it is the last one.
    private func deliver(_ item: Int, of inFlight: InFlightBatch, _ contents: inout Contents) -> Element {
        let index = inFlight.first + item
        let result = read(item, of: inFlight.batch, &contents)
        if order == .completion { contents.ready.removeLast() }
        inFlight.delivered += 1
        contents.itemsInFlight -= 1
        contents.pace.noteDelivery()
        if inFlight.delivered == inFlight.batch.shape.count {
            contents.batches.removeAll { $0 === inFlight }
            release(inFlight.batch, &contents)
        }
        return (index, result.mapError { $0.at(index) })
    }

    private func read(
        _ item: Int, of batch: Batch, _ contents: inout Contents
    ) -> Result<Output, ForkPool.Failure> {
        guard unsafe batch.results.states[item].load(ordering: .acquiring) == ItemState.value else {
            return .failure(pool.locked { _ in pool.failure(of: item, in: batch) })
        }
        let (result, size) = output.value(batch.results, at: item)
        contents.pace.noteResult(size: size)
        return result
    }

    /// Releases a batch as soon as every worker has left it, so that the next batch gets its memory.
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
}
