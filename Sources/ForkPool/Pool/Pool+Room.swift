// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// How callers of a resident pool wait while as many batches are pending as `Options.maxPending` allows.

extension Pool {
    /// A caller that waits for room; the pool's lock guards it.
    final class RoomTicket: @unchecked Sendable {
        /// Its place among all that ever waited with the same priority.
        let number: Int
        let priority: Int
        /// Until when it waits, in nanoseconds of the monotonic clock.
        let deadline: Int
        /// The number of its batch's job.
        let job: Int
        var sleeper: Sleeper?
        var isCancelled = false

        init(number: Int, for batch: Batch) {
            self.number = number
            priority = batch.shape.rules.priority
            job = batch.shape.job
            deadline = batch.shape.deadline
        }

        func comes(before other: RoomTicket) -> Bool {
            (other.priority, number) < (priority, other.number)
        }
    }

    /// How many batches no worker has begun with and none is free for, and how many workers are inside of a batch.
    var load: (pending: Int, busy: Int) {
        locked { state in
            let (waiting, busy) = counts(state)
            // A worker that is inside of nothing is about to begin with one of them.
            return (max(0, waiting - (layout.workers - busy)), busy)
        }
    }

    /// How many batches no worker has begun with, and how many workers are inside of a batch.
    private func counts(_ state: State) -> (waiting: Int, busy: Int) {
        var waiting = state.queue.pending.reduce(0) { $0 + ($1.shape.gathersCalls ? $1.machine.count : 1) }
        var busy = 0
        for (number, batch) in state.queue.slots.enumerated() {
            guard let batch else { continue }
            busy += layout.batchSlot(number).inside.population
            waiting += waitingCalls(batch, at: number)
        }
        return (waiting, min(busy, layout.workers))
    }

    /// Whether a batch may be submitted; one whose caller has no ticket comes after those that wait with its priority.
    func hasRoom(_ limit: Int, for batch: Batch, _ ticket: RoomTicket?, _ state: State) -> Bool {
        if let first = state.roomLine.first {
            guard ticket.map({ !first.comes(before: $0) }) ?? (batch.shape.rules.priority > first.priority) else {
                return false
            }
        }
        return room(limit, state) > 0
    }

    /// How many batches may be submitted: a free worker takes one, which then does not wait.
    private func room(_ limit: Int, _ state: State) -> Int {
        let (waiting, busy) = counts(state)
        return min(limit, .max / 2) + (layout.workers - busy) - waiting
    }

    // MARK: - Submission

    /// Submits a batch that counts as pending: waits for room first, on this thread, or fails as `full`.
    ///
    /// - Returns: Whether workers were awake for it, so that it may be done soon.
    func submitInTurn(_ batch: Batch, waits: Bool) throws(ForkPool.Failure) -> Bool {
        var ticket: RoomTicket?
        while true {
            if let isSoonDone = try trySubmit(batch, ticket, waits: waits) { return isSoonDone }
            let event = PrivateEvent()
            let taken = ticket ?? takeRoomTicket(for: batch)
            ticket = taken
            if waitForRoom(batch, taken, .thread(event)) {
                while !event.wait(Int64(Self.repairTime)) { attend() }
            }
        }
    }

    /// Does the same without blocking a thread; fails as `cancelled` if the task is cancelled meanwhile.
    nonisolated(nonsending) func submitInTurn(_ batch: Batch, waits: Bool) async throws(ForkPool.Failure) {
        var ticket: RoomTicket?
        while try trySubmit(batch, ticket, waits: waits) == nil {
            let taken = ticket ?? takeRoomTicket(for: batch)
            ticket = taken
            await withTaskCancellationHandler {
                await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                    let waiter = unsafe Waiter(continuation)
                    if !waitForRoom(batch, taken, .task(waiter)) { waiter.resume() }
                }
            } onCancel: {
                leaveRoomLine(taken)
            }
            if locked({ _ in taken.isCancelled }) { throw ForkPool.Failure(.cancelled, nil as Int?) }
        }
    }

    /// Returns nil if there is no room and the caller is to wait for it.
    private func trySubmit(_ batch: Batch, _ ticket: RoomTicket?, waits: Bool) throws(ForkPool.Failure) -> Bool? {
        if expireUnsubmitted(batch) { return false }
        guard let limit = options.maxPending else { return try submit(batch) }
        do throws(ForkPool.Failure) {
            return try submit(batch, within: limit, for: ticket)
        } catch {
            guard error.code == .full, waits else { throw error }
            return nil
        }
    }

    // MARK: - The line

    private func takeRoomTicket(for batch: Batch) -> RoomTicket {
        locked { state in
            state.roomTickets += 1
            return RoomTicket(number: state.roomTickets, for: batch)
        }
    }

    /// Has a thread or a task sleep until there may be room; returns false if it is to look at once.
    private func waitForRoom(_ batch: Batch, _ ticket: RoomTicket, _ sleeper: Sleeper) -> Bool {
        var hasNewTime = false
        let waits = locked { state -> Bool in
            guard !ticket.isCancelled, refusal(of: state, ticket.job) == nil, let limit = options.maxPending else {
                return false
            }
            let place = state.roomLine.firstIndex { ticket.comes(before: $0) } ?? state.roomLine.count
            state.roomLine.insert(ticket, at: place)
            ticket.sleeper = sleeper
            // From here on the end of each batch is told. What ended before is seen here.
            writeBacklog(state)
            settleAll(&state)
            guard ticket.sleeper != nil else { return true }
            guard hasRoom(limit, for: batch, ticket, state) else {
                hasNewTime = plan(lookBy: ticket.deadline, &state)
                return true
            }
            state.roomLine.removeAll { $0 === ticket }
            ticket.sleeper = nil
            return false
        }
        if hasNewTime { notifySupervisor() } else if waits { attend() }
        return waits
    }

    private func leaveRoomLine(_ ticket: RoomTicket) {
        locked { state in
            ticket.isCancelled = true
            state.roomLine.removeAll { $0 === ticket }
            exchange(&ticket.sleeper, with: nil)?.wake(&state.awakened)
            wakeRoomLine(&state)
        }
    }

    /// Wakes as many callers as there is room for, or all of them where nothing is accepted any more: each then looks itself.
    func wakeRoomLine(_ state: inout State) {
        guard !state.roomLine.isEmpty, let limit = options.maxPending else { return }
        var count = state.queue.refusesBatches != nil ? .max : max(0, room(limit, state))
        guard count > 0 || state.jobs?.refusesAny == true else { return }
        var line = exchange(&state.roomLine, with: [])
        line.removeAll { ticket in
            // A caller that is refused takes no room.
            if state.jobs?.refuses(ticket.job) != true {
                guard count > 0 else { return false }
                count -= 1
            }
            exchange(&ticket.sleeper, with: nil)?.wake(&state.awakened)
            return true
        }
        state.roomLine = line
        writeBacklog(state)
    }

    /// Says whether the end of a batch is to be told, for batches and callers that wait.
    func writeBacklog(_ state: State) {
        let waits = !state.queue.pending.isEmpty || !state.roomLine.isEmpty
        unsafe layout.backlog.pointee.store(waits ? 1 : 0, ordering: .sequentiallyConsistent)
    }
}
