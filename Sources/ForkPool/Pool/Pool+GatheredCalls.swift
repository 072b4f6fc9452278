// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// Single calls that gather in one batch while workers have other work: README.md says when, and what each keeps of its own.

extension Batch {
    /// Whether a call of such a shape may join those of the batch, as the pool's next call.
    fileprivate func takesCall(of other: Shape, number: Int) -> Bool {
        guard shape.gathersCalls, machine.count < shape.count, call.number + machine.count == number else {
            return false
        }
        return shape.job == other.job && shape.inputStride == other.inputStride && shape.slotStride == other.slotStride
            && shape.rules == other.rules
    }
}

// MARK: - Submission

extension Pool {
    /// Adds a call to those that wait, if calls gather now.
    ///
    /// A call that finds workers with little to do is a batch of its own, which they may begin with at once.
    ///
    /// - Parameters:
    ///   - shape: The shape of a batch of such calls.
    ///   - write: Writes the input into the batch; runs with the lock, so it runs no code of the user.
    /// - Returns: The batch and the number of the call in it; nil if the call is to be a batch of its own.
    func gather(_ shape: Batch.Shape, _ write: (_ batch: Batch, _ item: Int) -> Void) -> (batch: Batch, item: Int)? {
        guard isOwn else { return nil }
        var notifies = false
        let gathered = locked { state -> (batch: Batch, item: Int)? in
            guard refusal(of: state, shape.job) == nil else { return nil }
            if let batch = state.queue.lastPending(of: 0), batch.takesCall(of: shape, number: state.calls) {
                return add(to: batch, write, &state)
            }
            // Where priorities differ, each call is offered at once, so that workers compare it with what else is open.
            guard !state.queue.hasPriorities, !state.queue.pending.isEmpty || isCrowded(state),
                let batch = layOut(shape, &state)
            else { return nil }
            batch.clearStates()
            let gathered = add(to: batch, write, &state)
            state.queue.enqueue(batch)
            batch.stage = .pending
            unsafe layout.backlog.pointee.store(1, ordering: .sequentiallyConsistent)
            // What workers had finished before they saw the backlog is settled here; they tell what they finish from now on.
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            settleAll(&state)
            if !isCrowded(state) { admitPending(&state) }
            let isNewTimeout = watch(batch, &state)
            notifies = state.isUnmanned || !state.isWatched || isNewTimeout
            state.isWatched = true
            state.wasUsed = true
            return gathered
        }
        if notifies { notifySupervisor() }
        return gathered
    }

    private func add(
        to batch: Batch, _ write: (_ batch: Batch, _ item: Int) -> Void, _ state: inout State
    ) -> (batch: Batch, item: Int) {
        let item = batch.machine.addItem()
        write(batch, item)
        // The first one's number is that of the batch.
        if item > 0 { _ = state.takeCall() }
        return (batch, item)
    }

    /// Whether a further call would wait: each worker has a call and another one after it, or calls wait for their turn.
    ///
    /// Maps and streams do not count, which may take long: a call takes turns with them.
    private func isCrowded(_ state: State) -> Bool {
        state.openCalls >= 2 * layout.workers || !state.queue.hasRoom || offersCalls(state)
    }

    /// Whether some calls of an open batch are not claimed: the next batch of calls comes after them.
    func offersCalls(_ state: State) -> Bool {
        guard let number = state.newestCalls, let batch = state.queue.slots[number], batch.shape.gathersCalls else {
            return false
        }
        return layout.open.contains(number) && layout.batchSlot(number).hasUnclaimed
    }

    /// How many calls or maps a batch is, as `maxPending` and `load` count them, of which no worker has begun with any.
    func waitingCalls(_ batch: Batch, at number: Int) -> Int {
        guard batch.shape.gathersCalls else { return hasBegun(batch, at: number) ? 0 : 1 }
        let next = unsafe layout.batchSlot(number).cursor.pointee.load(ordering: .relaxed)
        return min(max(0, batch.machine.count - max(0, next)), batch.machine.count)
    }
}

// MARK: - Waiting

extension Pool {
    /// Waits until a call of a batch is done, or until a deadline; returns whether it is done.
    @discardableResult
    func wait(forCall item: Int, of batch: Batch, until deadline: Int? = nil) -> Bool {
        while true {
            if batch.isOver(item) { return true }
            let sleeping = locked { state -> (event: FutexEvent, seen: UInt32, number: Int?, tag: Int)? in
                settle(batch, &state)
                switch batch.stage {
                case .ended, .made: return nil
                case .pending: return (layout.admission, layout.admission.announce(.threads), nil, 0)
                case .open(let number):
                    state.slotsWaitedFor.insert(number)
                    let event = layout.batchSlot(number).ended
                    return (event, event.announce(.threads), number, batch.tags.last!)
                }
            }
            guard let sleeping else { return true }
            // What happened before the announcement was not signalled.
            if batch.isOver(item) { return true }
            if let number = sleeping.number, isOver(number, sleeping.tag) { continue }
            var timeout = Self.repairTime
            if let deadline {
                timeout = min(timeout, deadline - monotonicNanoseconds())
                if timeout <= 0 { return false }
            }
            if !sleeping.event.sleep(while: sleeping.seen, timeout: Int64(timeout)) { attend() }
        }
    }

    /// Suspends the task until a call of a batch is done; a cancelled task cancels the call.
    nonisolated(nonsending) func wait(forCall item: Int, of batch: Batch) async {
        if batch.isOver(item) { return }
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let waiter = unsafe Waiter(continuation)
                let (isDone, isAttended) = locked { state -> (Bool, Bool) in
                    settle(batch, &state)
                    if batch.isOver(item) { return (true, true) }
                    batch.callWaiters.append((item, waiter))
                    if case .open(let number) = batch.stage { resumeCalls(of: batch, at: number, &state) }
                    return (false, state.isAttended)
                }
                if isDone { waiter.resume() }
                if !isAttended { notifySupervisor() }
            }
        } onCancel: {
            cancel(call: item, of: batch)
        }
    }

    /// Resumes the tasks whose calls are done, and says at the batch's slot that others wait.
    func resumeCalls(of batch: Batch, at number: Int, _ state: inout State) {
        guard !batch.callWaiters.isEmpty else { return }
        // In this order: a call that is done before the announcement is seen here.
        _ = layout.batchSlot(number).ended.announce(.tasks)
        resumeDone(of: batch, &state)
        if isOver(number, batch.tags.last!) { layout.notices.signal() }
    }

    private func resumeDone(of batch: Batch, _ state: inout State) {
        batch.callWaiters.removeAll { item, waiter in
            guard batch.isOver(item) else { return false }
            state.awakened.append(waiter)
            return true
        }
    }
}

// MARK: - Results and cancellation

extension Pool {
    /// Why a call that is done has no result; nil if it has one.
    func failure(ofCall item: Int, of batch: Batch) -> ForkPool.Failure? {
        // A call that was cancelled stays so, even if its worker finished it before it was killed.
        if batch.isCancelled(item) { return ForkPool.Failure(.cancelled, 0) }
        if unsafe batch.results.states[item].load(ordering: .acquiring) == ItemState.value { return nil }
        return locked { _ in failure(of: item, in: batch).at(0) }
    }

    /// Cancels a call if it is not done; a worker that is on it is killed.
    func cancel(call item: Int, of batch: Batch) {
        let isOpen = locked { state -> Bool in
            settle(batch, &state)
            guard batch.rejectCall(item) else { return false }
            resumeDone(of: batch, &state)
            guard case .open(let number) = batch.stage else {
                layout.admission.signal()
                return false
            }
            layout.batchSlot(number).ended.signal()
            resumeCalls(of: batch, at: number, &state)
            return true
        }
        if isOpen { notifySupervisor() }
    }

    /// Adds the workers on cancelled calls of an open batch to those that are to be killed.
    func killCancelled(_ batch: Batch, _ number: Int, _ review: inout Review) {
        guard batch.cancelledCalls.load(ordering: .relaxed) != 0 else { return }
        let slot = layout.batchSlot(number)
        for worker in 0..<layout.workers where slot.inside.contains(worker) {
            let record = layout.record(worker)
            let item = unsafe record.position.pointee.load(ordering: .sequentiallyConsistent)
            guard batch.isCancelled(item), !batch.hasAnswer(item) else { continue }
            record.requestKill()
            let position = unsafe record.position.pointee.load(ordering: .sequentiallyConsistent)
            // If the worker went on meanwhile, a kill would hit what it does now.
            if slot.inside.contains(worker), position == item, !batch.hasAnswer(item) {
                review.needless.append(worker)
            } else {
                record.cancelKill()
            }
        }
    }
}

extension Batch {
    /// Gives a call that is not done the failure `cancelled`; returns false if it is done.
    fileprivate func rejectCall(_ item: Int) -> Bool {
        guard !isOver(item) else { return false }
        // One that threw may be describing its error for ever.
        let isLost = [ItemState.unfinished, ItemState.failed].contains { state in
            unsafe results.states[item].compareExchange(
                expected: state, desired: ItemState.lost, ordering: .sequentiallyConsistent
            ).exchanged
        }
        guard isLost else { return false }
        machine.reject(item, .cancelled)
        cancelledCalls.bitwiseOr(1 << UInt64(item), ordering: .releasing)
        return true
    }

    /// Whether an item is a call that was cancelled, whatever its worker publishes since.
    func isCancelled(_ item: Int) -> Bool {
        guard item >= 0, item < UInt64.bitWidth else { return false }
        return cancelledCalls.load(ordering: .acquiring) & 1 << UInt64(item) != 0
    }

    /// Whether no worker is on an item any more, by what was published last.
    fileprivate func hasAnswer(_ item: Int) -> Bool {
        let state = unsafe results.states[item].load(ordering: .acquiring)
        return state == ItemState.value || state == ItemState.described
    }
}
