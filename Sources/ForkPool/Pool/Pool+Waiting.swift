// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

// How threads and tasks wait for a batch, and cancel it.

extension Pool {
    /// How long a caller spins, in nanoseconds, where a processor is free for it.
    private static let spinTime = 50_000

    /// Waits until a batch has ended, at first spinning if that is soon, or until a deadline; returns whether it has ended.
    @discardableResult
    func wait(for batch: Batch, isSoonDone: Bool = false, until deadline: Int? = nil) -> Bool {
        if isSoonDone { spin(batch) }
        while true {
            let sleeping = locked { state -> (event: FutexEvent, seen: UInt32, number: Int?, tag: Int)? in
                settle(batch, &state)
                switch batch.stage {
                case .ended, .made: return nil
                case .pending: return (layout.admission, layout.admission.announce(.threads), nil, 0)
                case .open(let number):
                    let event = layout.batchSlot(number).ended
                    state.slotsWaitedFor.insert(number)
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

    func isDone(_ batch: Batch) -> Bool {
        locked { state in
            settle(batch, &state)
            if case .ended = batch.stage { return true }
            if !state.isAttended { notifySupervisor() }
            return false
        }
    }

    /// Whether the batch with a tag has left its slot, or is about to.
    func isOver(_ number: Int, _ tag: Int) -> Bool {
        let slot = layout.batchSlot(number)
        return slot.isDone(tag: tag) && !layout.open.contains(number) && slot.inside.isEmpty
    }

    private func spin(_ batch: Batch) {
        let place = locked { _ -> (number: Int, tag: Int)? in
            if case .open(let number) = batch.stage { (number, batch.tags.last!) } else { nil }
        }
        guard let place, layout.workers - layout.sleepers.population < processors else { return }
        let slot = layout.batchSlot(place.number)
        let end = monotonicNanoseconds() + Self.spinTime
        repeat {
            let processor = Int(cforkpool_sched_getcpu())
            // The worker cannot run while this thread holds its processor.
            guard unsafe layout.spinnerProcessor.pointee.load(ordering: .relaxed) != processor else { return }
            for _ in 0..<32 {
                if slot.isDone(tag: place.tag) { return }
                cforkpool_pause()
            }
        } while monotonicNanoseconds() < end
    }

    /// Suspends the task until a batch has ended; a cancelled task cancels the batch.
    nonisolated(nonsending) func wait(for batch: Batch) async {
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let isDone = locked { state -> Bool in
                    settle(batch, &state)
                    switch batch.stage {
                    case .ended, .made: return true
                    case .pending: batch.waiters.append(waiter)
                    case .open(let number):
                        _ = layout.batchSlot(number).ended.announce(.tasks)
                        batch.waiters.append(waiter)
                        // What happened before the announcement was not signalled; this resumes the task.
                        settle(batch, &state)
                    }
                    return false
                }
                if isDone { waiter.resume() } else { attend() }
            }
        } onCancel: {
            cancel(batch)
        }
    }

    /// Ends a batch: no further item begins, and workers on an item of it are killed.
    func cancel(_ batch: Batch, because cause: FailureCause = .cancelled) {
        if locked({ stop(batch, cause, &$0) }) { notifySupervisor() }
    }

    /// Ends a batch for a cause; returns whether the supervisor has to end workers for that.
    func stop(_ batch: Batch, _ cause: FailureCause, _ state: inout State) -> Bool {
        switch batch.stage {
        case .ended, .made: return false
        case .pending:
            batch.machine.end(cause)
            state.queue.withdraw(batch)
            end(batch, &state)
            layout.admission.signal()
            wakeRoomLine(&state)
            return false
        case .open(let number):
            batch.machine.end(cause)
            let slot = layout.batchSlot(number)
            unsafe slot.lowestFailure.pointee.store(-1, ordering: .sequentiallyConsistent)
            layout.open.remove(number)
            guard slot.inside.isEmpty else { return true }
            slot.finish(tag: batch.tags.last!)
            settle(batch, &state)
            // A worker that came just now and finds the slot closed is still inside.
            if case .ended = batch.stage { return false }
            return true
        }
    }
}
