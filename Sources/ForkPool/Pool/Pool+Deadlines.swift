// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// How calls and maps end whose callers gave them a time, also while they wait: README.md.

extension Pool {
    /// Ends what is not done by its deadline, if one has passed, and plans the next look.
    ///
    /// Each line is gone through once: thousands of calls may have the same deadline.
    func expire(at now: Int, _ state: inout State) {
        guard state.lookBy <= now else { return }
        state.lookBy = .max
        // All items have their outcome, and workers are in `tearDown`: the caller does not wait for that any longer.
        if servesOneBatch, state.queue.isClosing { endBatches(.cancelled, &state) }
        expirePending(at: now, &state)
        for case let batch? in state.queue.slots where batch.machine.ending == nil {
            if batch.shape.deadline > now {
                state.lookBy = min(state.lookBy, batch.shape.deadline)
            } else if servesOneBatch {
                endBatches(cause(ofExpiryOf: batch), &state)
            } else {
                _ = stop(batch, cause(ofExpiryOf: batch), &state)
            }
        }
        expireRoomLine(at: now, &state)
        writeBacklog(state)
    }

    /// Ends the batches that wait for a batch slot and are overdue.
    private func expirePending(at now: Int, _ state: inout State) {
        let overdue = state.queue.withdraw { $0.shape.deadline <= now }
        for batch in state.queue.pending { state.lookBy = min(state.lookBy, batch.shape.deadline) }
        guard !overdue.isEmpty else { return }
        for batch in overdue {
            batch.machine.end(cause(ofExpiryOf: batch))
            end(batch, &state)
        }
        layout.admission.signal()
    }

    /// Wakes the callers that wait for room and are overdue; each then ends its batch itself.
    private func expireRoomLine(at now: Int, _ state: inout State) {
        var line = exchange(&state.roomLine, with: [])
        line.removeAll { ticket in
            guard ticket.deadline <= now else {
                state.lookBy = min(state.lookBy, ticket.deadline)
                return false
            }
            exchange(&ticket.sleeper, with: nil)?.wake(&state.awakened)
            return true
        }
        state.roomLine = line
    }

    /// Has the supervisor look no later than at a time; returns whether it has to be told.
    func plan(lookBy time: Int, _ state: inout State) -> Bool {
        guard time < state.lookBy else { return false }
        state.lookBy = time
        return true
    }

    /// Ends a batch that was not submitted by its deadline; returns false if it has time.
    func expireUnsubmitted(_ batch: Batch) -> Bool {
        guard batch.shape.deadline != .max, batch.shape.deadline <= monotonicNanoseconds() else { return false }
        locked { state in
            batch.machine.end(.overdueInQueue(batch.shape.rules.deadline ?? 0))
            end(batch, &state)
            // Others may have the room that this caller was woken for.
            wakeRoomLine(&state)
        }
        return true
    }

    private func cause(ofExpiryOf batch: Batch) -> FailureCause {
        let time = batch.shape.rules.deadline ?? 0
        if case .open(let number) = batch.stage, hasBegun(batch, at: number) { return .overdue(time) }
        return .overdueInQueue(time)
    }

    /// Whether a worker has begun with an open batch; a part that is offered once more was begun before.
    func hasBegun(_ batch: Batch, at number: Int) -> Bool {
        let slot = layout.batchSlot(number)
        return unsafe !slot.inside.isEmpty || batch.tags.count > 1 || slot.cursor.pointee.load(ordering: .relaxed) != 0
    }
}

// MARK: - Timeouts of items

extension Pool {
    /// Says what the pool is used for: whether it is, or was since this was last asked, and the shortest timeout of an item.
    ///
    /// Where the supervisor then plans no look, the next caller notifies it; so does one with a shorter timeout.
    func takeUse(provesDeadlocks: Bool) -> (isUsed: Bool, timeout: Int) {
        locked { state in
            let isUsed = state.wasUsed || state.queue.isClosing || state.queue.hasWork
            var timeout = exchange(&state.newestTimeout, with: .max)
            for case let batch? in state.queue.slots { timeout = min(timeout, batch.shape.rules.timeout ?? .max) }
            for batch in state.queue.pending { timeout = min(timeout, batch.shape.rules.timeout ?? .max) }
            state.wasUsed = false
            state.isWatched = isUsed || !provesDeadlocks
            state.watchedTimeout = isUsed ? timeout : .max
            return (isUsed, timeout)
        }
    }

    /// Takes note of the timeout of a batch; returns whether the supervisor has to be told.
    func watch(_ batch: Batch, _ state: inout State) -> Bool {
        guard let timeout = batch.shape.rules.timeout else { return false }
        state.newestTimeout = min(state.newestTimeout, timeout)
        guard timeout < state.watchedTimeout else { return false }
        state.watchedTimeout = timeout
        return true
    }
}
