internal import CForkPool
internal import Synchronization

// How a batch goes through a resident pool: made, perhaps pending, open, ended.

extension ResidentCore {
    /// Gives a batch to the workers, or lets it wait for an entry.
    ///
    /// - Returns: Whether workers were awake for it, so that it may be done soon.
    /// - Throws: The refusal, if the pool was closed meanwhile.
    @discardableResult
    func submit(_ batch: Batch) throws(ForkPool.Failure) -> Bool {
        unsafe memory.callerProcessor.pointee.store(Int(cforkpool_sched_getcpu()), ordering: .relaxed)
        let (refusal, wakes, rings) = locked { state -> (ForkPool.Failure?, Int, Bool) in
            if let refusal = state.refusal { return (.closed(refusal), 0, false) }
            if let ending = state.ending { return (ForkPool.Failure(ending, nil), 0, false) }
            guard batch.end > 0 else {
                batch.stage = .ended
                return (nil, 0, false)
            }
            if state.freeEntries.isEmpty { settleAll(&state) }
            let isOpen = open(batch, &state)
            if !isOpen {
                batch.stage = .pending
                state.pending.append(batch)
                unsafe memory.backlog.pointee.store(1, ordering: .sequentiallyConsistent)
            }
            let rings = state.isUnmanned || !state.isWatched || !isOpen || batch.shape.showsProgress
            state.isWatched = true
            state.wasUsed = true
            return (nil, isOpen ? batch.end : 0, rings)
        }
        if let refusal { throw refusal }
        // Those that look for work see it by themselves.
        let seekers = min(wakes, memory.seekers.population)
        if wakes > seekers { memory.wake(wakes - seekers) }
        if rings { bell.ring() }
        return wakes > 0 && seekers == wakes
    }

    /// Opens a batch, if there is an entry for it.
    private func open(_ batch: Batch, _ state: inout State) -> Bool {
        guard let number = state.freeEntries.popLast() else { return false }
        let entry = memory.entry(number)
        unsafe entry.newestReport.pointee.store(0, ordering: .relaxed)
        offer(0..<batch.end, of: batch, at: entry, attempt: 1)
        batch.stage = .open(number)
        state.entries[number] = batch
        memory.open.insert(number)
        return true
    }

    /// Says what workers find at an entry: every word of it, whatever may have become of those that were there.
    private func offer(_ items: Range<Int>, of batch: Batch, at entry: BatchEntry, attempt: Int) {
        batch.offered = items.lowerBound
        batch.endsLeft = MapMachine.mostEnds(of: batch.shape.count, retries: options.retries)
        var manner = 0
        if batch.shape.stopsAtFailure { manner |= BatchEntry.Manner.stopsAtFailure }
        if batch.shape.signalsItems { manner |= BatchEntry.Manner.signalsItems }
        unsafe entry.cursor.pointee.store(items.lowerBound, ordering: .relaxed)
        unsafe entry.limit.pointee.store(items.upperBound, ordering: .relaxed)
        unsafe entry.count.pointee.store(batch.shape.count, ordering: .relaxed)
        unsafe entry.states.pointee.store(batch.statesOffset, ordering: .relaxed)
        unsafe entry.slots.pointee.store(batch.slotsOffset, ordering: .relaxed)
        unsafe entry.inputs.pointee.store(batch.inputsOffset, ordering: .relaxed)
        unsafe entry.manner.pointee.store(manner, ordering: .relaxed)
        unsafe entry.usesArenas.pointee.store(0, ordering: .relaxed)
        let tag = batch.tags.last!
        unsafe entry.attempt.pointee.store(attempt, ordering: .relaxed)
        // What failed before lies above all that is offered: it must not keep anybody from that.
        unsafe entry.lowestFailure.pointee.store(.max, ordering: .relaxed)
        unsafe entry.tag.pointee.store(tag, ordering: .relaxed)
        unsafe entry.phase.pointee.store(2 * tag, ordering: .sequentiallyConsistent)
    }

    /// Ends a batch whose last worker has left it, if that is so; hands out anew what nobody ran.
    func settle(_ batch: Batch, _ state: inout State) {
        guard case .open(let number) = batch.stage else { return }
        let entry = memory.entry(number)
        guard entry.isDone(tag: batch.tags.last!), !memory.open.contains(number), entry.inside.isEmpty else { return }
        let lowest = unsafe entry.lowestFailure.pointee.load(ordering: .relaxed)
        if lowest >= 0, lowest < batch.shape.count { _ = batch.machine.failed(lowest) }
        if let lost = lostRange(of: batch) { return reopen(batch, number, lost.range, lost.attempt, &state) }
        batch.newestReport = unsafe entry.newestReport.pointee.load(ordering: .acquiring)
        batch.usesArenas = unsafe batch.usesArenas || entry.usesArenas.pointee.load(ordering: .relaxed) != 0
        state.entries[number] = nil
        state.freeEntries.append(number)
        // Who is led here by damage finds nothing to claim.
        unsafe entry.limit.pointee.store(0, ordering: .relaxed)
        end(batch, &state)
        entry.ended.signal()
        admit(&state)
    }

    /// Items that must have an outcome and have none, although every worker has left.
    private func lostRange(of batch: Batch) -> (range: Range<Int>, attempt: Int)? {
        guard batch.machine.ending == nil, !batch.memory.isComplete else { return nil }
        let lost = batch.memory.unfinishedRanges(below: batch.end) {
            batch.machine.causes[$0] != nil
        }
        guard !lost.isEmpty, case .start(_, let range?, let attempt, _)? = batch.machine.sweep(lost, workers: 1).first
        else { return nil }
        // Every worker that claims takes what it gets for the same attempt.
        return (attempt > 1 ? range.lowerBound..<range.lowerBound + 1 : range, attempt)
    }

    /// Offers a part of a batch once more, with a new tag, so that nobody ends it who was late.
    private func reopen(
        _ batch: Batch, _ number: Int, _ range: Range<Int>, _ attempt: Int, _ state: inout State
    ) {
        let entry = memory.entry(number)
        batch.usesArenas = unsafe batch.usesArenas || entry.usesArenas.pointee.load(ordering: .relaxed) != 0
        batch.tags.append(state.takeTag())
        batch.firstItems = [:]
        offer(range, of: batch, at: entry, attempt: attempt)
        memory.open.insert(number)
        announceTasks(of: batch, at: number)
        memory.wake(range.count)
    }

    /// Says at a batch's entry that tasks wait for it; if it is over by then the keeper tells them.
    private func announceTasks(of batch: Batch, at number: Int) {
        guard !batch.waiters.isEmpty else { return }
        _ = memory.entry(number).ended.announce(.tasks)
        if isOver(number, batch.tags.last!) { bell.ring() }
    }

    /// Says that a batch has ended, to whoever waits for it but a thread at its entry.
    func end(_ batch: Batch, _ state: inout State) {
        batch.stage = .ended
        batch.hasEnded.store(true, ordering: .releasing)
        if batch.machine.ending != nil, batch.memory.isComplete { batch.machine.forgetEnding() }
        if batch.machine.ending == nil { state.hasEndedBatch = true }
        state.awakened += batch.waiters
        batch.waiters = []
        state.retired.append(batch)
    }

    /// Opens what waited for an entry.
    private func admit(_ state: inout State) {
        // Where everything ends nothing begins: an item that a worker began while it is killed would have been killed by it.
        guard state.ending == nil, !state.pending.isEmpty else { return }
        var opened = 0
        while let batch = state.pending.first, open(batch, &state) {
            state.pending.removeFirst()
            opened += batch.end
            if case .open(let number) = batch.stage { announceTasks(of: batch, at: number) }
        }
        if state.pending.isEmpty { unsafe memory.backlog.pointee.store(0, ordering: .sequentiallyConsistent) }
        memory.admission.signal()
        memory.wake(opened)
    }

    /// Settles every batch that is done.
    func settleAll(_ state: inout State) {
        for case let batch? in state.entries { settle(batch, &state) }
    }

    /// Says once more, where tasks wait, that they do: who signalled the end of an entry's last batch late may have taken
    /// what was said for this one.
    func announceAllTasks(_ state: inout State) {
        for (number, batch) in state.entries.enumerated() {
            if let batch { announceTasks(of: batch, at: number) }
        }
    }

    /// Says why nothing will run any more, before the first worker is killed for it.
    func condemnAll(_ cause: MapMachine.Cause, _ state: inout State) {
        if state.ending == nil { state.ending = cause }
        for case let batch? in state.entries { _ = batch.machine.end(cause) }
    }

    /// Ends every batch as the machine of each says, when no worker is left.
    func endAll(_ cause: MapMachine.Cause, _ state: inout State) {
        // First those that wait for an entry: they must not take one that becomes free here.
        for batch in state.pending {
            _ = batch.machine.end(cause)
            end(batch, &state)
        }
        state.pending = []
        unsafe memory.backlog.pointee.store(0, ordering: .sequentiallyConsistent)
        for (number, batch) in state.entries.enumerated() {
            guard let batch else { continue }
            let entry = memory.entry(number)
            memory.open.remove(number)
            for worker in 0..<memory.workers { entry.inside.remove(worker) }
            _ = batch.machine.end(cause)
            entry.finish(tag: batch.tags.last!)
            settle(batch, &state)
        }
        memory.admission.signal()
        resumeStreams(&state)
    }

    /// Lets every stream look whether an item has its outcome.
    func resumeStreams(_ state: inout State) {
        memory.itemEnded.signal()
        state.awakened += state.streamWaiters
        state.streamWaiters = []
    }
}

extension ResidentCore {
    /// Why an item has no result, while its batch may still be running.
    func failure(of item: Int, in batch: Batch) -> ForkPool.Failure {
        var newest = batch.newestReport
        if case .open(let number) = batch.stage {
            newest = unsafe memory.entry(number).newestReport.pointee.load(ordering: .acquiring)
        }
        let harvest = Harvest(memory: batch.memory, machine: batch.machine, newestReports: [newest])
        return harvest.failure(of: item) ?? .corrupted(item, "its state is damaged")
    }
}
