// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

// How a batch goes through a pool: made, perhaps pending, open, ended.

extension Pool {
    /// Gives a batch to the workers, or lets it wait for a batch slot; throws if the pool was closed meanwhile, or if there is
    /// no room within a limit on pending batches.
    ///
    /// - Returns: Whether workers were awake for it, so that it may be done soon.
    @discardableResult
    func submit(
        _ batch: Batch, within limit: Int? = nil, for ticket: RoomTicket? = nil
    ) throws(ForkPool.Failure) -> Bool {
        unsafe layout.callerProcessor.pointee.store(Int(cforkpool_sched_getcpu()), ordering: .relaxed)
        let (refusal, wakes, notifies) = locked { state -> (ForkPool.Failure?, Int, Bool) in
            if let refusal = self.refusal(of: state, batch.shape.job) { return (refusal, 0, false) }
            guard batch.machine.end > 0 else {
                batch.stage = .ended
                return (nil, 0, false)
            }
            if let limit, !hasRoom(limit, for: batch, ticket, state) { return (.queueFull(limit), 0, false) }
            if !state.queue.hasRoom { settleAll(&state) }
            let isOpen: Bool
            if case .open(let number) = state.queue.admit(batch) {
                if batch.priority != 0 { writePriorities(state) }
                open(batch, at: number, &state)
                isOpen = true
            } else {
                batch.stage = .pending
                unsafe layout.backlog.pointee.store(1, ordering: .sequentiallyConsistent)
                isOpen = false
            }
            let isNewTimeout = watch(batch, &state)
            let isNewDeadline = plan(lookBy: batch.shape.deadline, &state)
            // The caller of a one-shot map is its supervisor.
            let notifies =
                !servesOneBatch
                && (state.isUnmanned || !state.isWatched || !isOpen || batch.shape.showsProgress || isNewTimeout
                    || isNewDeadline)
            state.isWatched = true
            state.wasUsed = true
            return (nil, isOpen ? batch.machine.end : 0, notifies)
        }
        if let refusal { throw refusal }
        // Seekers find it by themselves.
        let seekers = min(wakes, layout.seekers.population)
        if wakes > seekers { layout.wake(wakes - seekers) }
        if notifies { notifySupervisor() }
        return wakes > 0 && seekers == wakes
    }

    private func open(_ batch: Batch, at number: Int, _ state: inout State) {
        unsafe layout.batchSlot(number).newestError.pointee.store(0, ordering: .relaxed)
        state.openExits += batch.machine.exitsForOthers
        if batch.shape.isCall { state.openCalls += 1 }
        if batch.shape.gathersCalls { state.newestCalls = number }
        offer(0..<batch.machine.end, of: batch, at: number, attempt: 1, &state)
    }

    /// Writes every word of a batch slot, whatever became of what was there, and opens it.
    private func offer(
        _ items: Range<Int>, of batch: Batch, at number: Int, attempt: Int, _ state: inout State
    ) {
        let slot = layout.batchSlot(number)
        batch.stage = .open(number)
        let own = batch.machine.exitsForOthers
        state.allowedExits &+= own
        batch.machine.offer(
            from: items.lowerBound, besides: state.openExits - own, allowed: state.allowedExits)
        var flags = 0
        if batch.shape.stopsAtFailure { flags |= BatchSlot.Flags.stopsAtFailure }
        if batch.shape.signalsItems { flags |= BatchSlot.Flags.signalsItems }
        if batch.shape.rules.timeout != nil { flags |= BatchSlot.Flags.timesItems }
        if batch.journal != nil { flags |= BatchSlot.Flags.hasResults }
        if batch.shape.gathersCalls { flags |= BatchSlot.Flags.gathersCalls }
        unsafe slot.cursor.pointee.store(items.lowerBound, ordering: .relaxed)
        unsafe slot.limit.pointee.store(items.upperBound, ordering: .relaxed)
        unsafe slot.count.pointee.store(batch.shape.count, ordering: .relaxed)
        unsafe slot.states.pointee.store(batch.statesOffset, ordering: .relaxed)
        unsafe slot.slots.pointee.store(batch.slotsOffset, ordering: .relaxed)
        unsafe slot.inputs.pointee.store(batch.inputsOffset, ordering: .relaxed)
        unsafe slot.slotStride.pointee.store(batch.shape.slotStride, ordering: .relaxed)
        unsafe slot.warmEnd.pointee.store(servesOneBatch ? batch.warmEnd : 0, ordering: .relaxed)
        unsafe slot.flags.pointee.store(flags, ordering: .relaxed)
        unsafe slot.arenaUsers.pointee.store(0, ordering: .relaxed)
        unsafe slot.attempt.pointee.store(attempt, ordering: .relaxed)
        unsafe slot.priority.pointee.store(batch.shape.rules.priority, ordering: .relaxed)
        unsafe slot.call.pointee.store(batch.call.number, ordering: .relaxed)
        unsafe slot.firstItem.pointee.store(batch.call.firstItem, ordering: .relaxed)
        // An earlier failure lies above everything that is offered, and must not stop workers.
        unsafe slot.lowestFailure.pointee.store(.max, ordering: .relaxed)
        let tag = batch.tags.last!
        unsafe slot.tag.pointee.store(tag, ordering: .relaxed)
        slot.setJob(batch.shape.job, tag: tag)
        unsafe slot.phase.pointee.store(2 * tag, ordering: .sequentiallyConsistent)
        layout.open.insert(number)
    }

    /// Ends a batch whose last worker has left it, if that is so, and offers items without an outcome once more.
    func settle(_ batch: Batch, _ state: inout State) {
        guard case .open(let number) = batch.stage else { return }
        let slot = layout.batchSlot(number)
        guard slot.isDone(tag: batch.tags.last!), !layout.open.contains(number), slot.inside.isEmpty else { return }
        let lowest = unsafe slot.lowestFailure.pointee.load(ordering: .relaxed)
        if lowest >= 0, lowest < batch.shape.count { _ = batch.machine.failed(lowest) }
        unsafe batch.arenaUsers.formUnion(slot.arenaUsers)
        if let lost = lostRange(of: batch) {
            // The new tag keeps a worker that is late in leaving from ending the new offer.
            batch.tags.append(state.takeTag())
            offer(lost.range, of: batch, at: number, attempt: lost.attempt, &state)
            announceTasks(of: batch, at: number)
            resumeCalls(of: batch, at: number, &state)
            return layout.wake(lost.range.count)
        }
        batch.newestError = unsafe slot.newestError.pointee.load(ordering: .acquiring)
        // A worker that damage leads here finds nothing to claim.
        unsafe slot.limit.pointee.store(0, ordering: .relaxed)
        state.queue.vacate(number)
        state.openExits -= batch.machine.exitsForOthers
        if batch.shape.isCall { state.openCalls -= 1 }
        if batch.priority != 0 { writePriorities(state) }
        end(batch, &state)
        slot.ended.signal()
        admitPending(&state)
        wakeRoomLine(&state)
    }

    /// Items that must have an outcome and have none, although every worker has left.
    private func lostRange(of batch: Batch) -> (range: Range<Int>, attempt: Int)? {
        guard batch.machine.ending == nil, !batch.results.isComplete else { return nil }
        return batch.machine.sweep(
            batch.results.unfinishedRanges(below: batch.machine.end) { batch.machine.causes[$0] != nil })
    }

    /// Says at a batch's slot that tasks wait for it, and notifies the supervisor if it is over by then.
    private func announceTasks(of batch: Batch, at number: Int) {
        guard !batch.waiters.isEmpty else { return }
        _ = layout.batchSlot(number).ended.announce(.tasks)
        if isOver(number, batch.tags.last!) { notifySupervisor() }
    }

    /// Records that a batch has ended, and resumes its waiting tasks.
    func end(_ batch: Batch, _ state: inout State) {
        batch.stage = .ended
        batch.hasEnded.store(true, ordering: .releasing)
        if batch.machine.ending != nil, batch.results.isComplete { batch.machine.forgetEnding() }
        if batch.machine.ending == nil { state.hasEndedBatch = true }
        state.awakened += batch.waiters
        batch.waiters = []
        state.awakened += batch.callWaiters.map(\.waiter)
        batch.callWaiters = []
        state.retired.append(batch)
    }

    func admitPending(_ state: inout State) {
        guard !state.queue.pending.isEmpty else { return }
        var opened = 0
        var hasOpened = false
        while let (batch, number) = admitNext(&state) {
            hasOpened = true
            if batch.priority != 0 { writePriorities(state) }
            open(batch, at: number, &state)
            opened += batch.machine.end
            announceTasks(of: batch, at: number)
            resumeCalls(of: batch, at: number, &state)
        }
        guard hasOpened else { return }
        writeBacklog(state)
        layout.admission.signal()
        layout.wake(opened)
    }

    private func admitNext(_ state: inout State) -> (batch: Batch, slot: Int)? {
        let offersCalls = offersCalls(state)
        return state.queue.admitNext { !$0.shape.gathersCalls || !offersCalls }
    }

    /// Says whether workers are to compare the priorities of open batches.
    func writePriorities(_ state: State) {
        unsafe layout.priorities.pointee.store(state.queue.hasPriorities ? 1 : 0, ordering: .sequentiallyConsistent)
    }

    func settleAll(_ state: inout State) {
        for case let batch? in state.queue.usedSlots { settle(batch, &state) }
    }

    /// Announces waiting tasks once more: a late signal of a slot's last batch may have taken the announcement.
    func announceAllTasks(_ state: inout State) {
        for (number, batch) in state.queue.usedSlots.enumerated() {
            if let batch {
                announceTasks(of: batch, at: number)
                resumeCalls(of: batch, at: number, &state)
            }
        }
    }

    /// Ends every batch, before the first worker is killed for that.
    func endBatches(_ cause: FailureCause, _ state: inout State) {
        state.queue.end(cause)
        for case let batch? in state.queue.slots { batch.machine.end(cause) }
        wakeRoomLine(&state)
    }

    /// Settles every batch as its machine says, when no worker is left.
    func settleWithoutWorkers(_ cause: FailureCause, _ state: inout State) {
        // Pending batches come first: they must not take a slot that becomes free here.
        for batch in state.queue.withdrawAll() {
            batch.machine.end(cause)
            end(batch, &state)
        }
        writeBacklog(state)
        for (number, batch) in state.queue.slots.enumerated() {
            guard let batch else { continue }
            let slot = layout.batchSlot(number)
            layout.open.remove(number)
            for worker in 0..<layout.workers { slot.inside.remove(worker) }
            batch.machine.end(cause)
            slot.finish(tag: batch.tags.last!)
            settle(batch, &state)
        }
        layout.admission.signal()
        wakeRoomLine(&state)
        resumeStreams(&state)
    }

    /// Lets every stream look whether an item has its outcome.
    func resumeStreams(_ state: inout State) {
        layout.itemEnded.signal()
        state.awakened += state.streamWaiters
        state.streamWaiters = []
        state.hasImpatientStream = false
        callCollectors(&state)
    }

    /// Why an item has no result, while its batch may still be running.
    func failure(of item: Int, in batch: Batch) -> ForkPool.Failure {
        var newest = batch.newestError
        if case .open(let number) = batch.stage {
            newest = unsafe layout.batchSlot(number).newestError.pointee.load(ordering: .acquiring)
        }
        let reader = FailureReader(memory: batch.results, machine: batch.machine, newestError: newest)
        return reader.failure(of: item) ?? .corrupted(item, "its state is damaged")
    }
}
