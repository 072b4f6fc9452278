internal import CForkPool
internal import Synchronization

// How threads and tasks wait for a batch, and stop waiting.

extension ResidentCore {
    /// For so long a caller looks without a pause, in nanoseconds, where a processor is free for it.
    private static let spinTime = 50_000

    /// Waits until a batch has ended.
    ///
    /// - Parameters:
    ///   - batch: What is waited for.
    ///   - isSoonDone: Whether to look for its end without a pause at first.
    ///   - deadline: When to stop waiting, in nanoseconds of the monotonic clock; nil for never.
    /// - Returns: Whether it has ended.
    @discardableResult
    func wait(for batch: Batch, isSoonDone: Bool = false, until deadline: Int? = nil) -> Bool {
        if isSoonDone { spin(batch) }
        while true {
            let sleeping = locked { state -> (event: SharedEvent, seen: UInt32, number: Int?, tag: Int)? in
                settle(batch, &state)
                switch batch.stage {
                case .ended, .made: return nil
                case .pending: return (memory.admission, memory.admission.announce(.threads), nil, 0)
                case .open(let number):
                    let event = memory.entry(number).ended
                    return (event, event.announce(.threads), number, batch.tags.last!)
                }
            }
            guard let sleeping else { return true }
            // What happened before the announcement was not signalled.
            if let number = sleeping.number, isOver(number, sleeping.tag) { continue }
            var timeout = Self.repairTime
            if let deadline {
                timeout = min(timeout, deadline - monotonicNanoseconds())
                if timeout <= 0 { return false }
            }
            if !sleeping.event.sleep(while: sleeping.seen, timeout: Int64(timeout)) { attend() }
        }
    }

    /// Whether a batch has ended.
    func isDone(_ batch: Batch) -> Bool {
        locked { state in
            settle(batch, &state)
            if case .ended = batch.stage { return true }
            if !state.isAttended { bell.ring() }
            return false
        }
    }

    /// Whether the batch with a tag is not at an entry any more, or is about to leave it.
    func isOver(_ number: Int, _ tag: Int) -> Bool {
        let entry = memory.entry(number)
        return entry.isDone(tag: tag) && !memory.open.contains(number) && entry.inside.isEmpty
    }

    private func spin(_ batch: Batch) {
        let place = locked { _ -> (number: Int, tag: Int)? in
            if case .open(let number) = batch.stage { (number, batch.tags.last!) } else { nil }
        }
        guard let place, memory.workers - memory.sleepers.population < processors else { return }
        let entry = memory.entry(place.number)
        let end = monotonicNanoseconds() + Self.spinTime
        repeat {
            let processor = Int(cforkpool_sched_getcpu())
            // The worker cannot do it while this thread is in its place.
            guard unsafe memory.seekerProcessor.pointee.load(ordering: .relaxed) != processor else { return }
            for _ in 0..<32 {
                if entry.isDone(tag: place.tag) { return }
                cforkpool_pause()
            }
        } while monotonicNanoseconds() < end
    }

    /// Waits in a task until a batch has ended; a cancelled task cancels the batch.
    nonisolated(nonsending) func wait(for batch: Batch) async {
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let isDone = locked { state -> Bool in
                    settle(batch, &state)
                    switch batch.stage {
                    case .ended, .made: return true
                    case .pending:
                        batch.waiters.append(waiter)
                        return false
                    case .open(let number):
                        let entry = memory.entry(number)
                        _ = entry.ended.announce(.tasks)
                        batch.waiters.append(waiter)
                        // What happened before the announcement was not signalled; this resumes the task.
                        settle(batch, &state)
                        return false
                    }
                }
                if isDone { waiter.resume() } else { attend() }
            }
        } onCancel: {
            cancel(batch)
        }
    }

    /// Ends a batch: what was not begun never is, and workers that are on an item of it are killed.
    func cancel(_ batch: Batch) {
        let rings = locked { state -> Bool in
            switch batch.stage {
            case .ended, .made: return false
            case .pending:
                _ = batch.machine.cancel()
                state.pending.removeAll { $0 === batch }
                end(batch, &state)
                memory.admission.signal()
                return false
            case .open(let number):
                _ = batch.machine.cancel()
                let entry = memory.entry(number)
                unsafe entry.lowestFailure.pointee.store(-1, ordering: .sequentiallyConsistent)
                memory.open.remove(number)
                guard entry.inside.isEmpty else { return true }
                entry.finish(tag: batch.tags.last!)
                settle(batch, &state)
                // A worker that came just now, and finds that nothing is open, is still inside.
                if case .ended = batch.stage { return false }
                return true
            }
        }
        if rings { bell.ring() }
    }
}
