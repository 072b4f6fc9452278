// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

// What the supervisor asks of a pool between two sleeps.

extension Pool {
    struct Review {
        var ending: FailureCause?
        /// Whether workers end by themselves and are not replaced.
        var isClosing = false
        var hasWork = false
        var needless: [Int] = []
        /// Whether the pool repaired what a wild write could have damaged.
        var repairs = false
        var progress: [Batch] = []
    }

    /// How long workers on needless items may go on in a pool that stays, in nanoseconds: most are done by then, and need
    /// not be replaced.
    static let grace = 2_000_000
    /// The time between two calls of a progress handler, in nanoseconds.
    private static let progressTime = 100_000_000

    /// When the supervisor looks again at the latest, in nanoseconds of the monotonic clock; `Int.max` for no end.
    func nextReview(now: Int) -> Int {
        locked { state in
            state.isAttended = state.needsAttention
            var time = min(state.lookBy, state.isAttended ? now + Self.repairTime : .max)
            for case let batch? in state.queue.usedSlots {
                if let review = batch.machine.nextReview { time = min(time, review) }
                if batch.shape.showsProgress { time = min(time, batch.progressShown + Self.progressTime) }
            }
            return time
        }
    }

    func review(now: Int, isManned: Bool) -> Review {
        locked { state in
            state.isUnmanned = !isManned
            settleAll(&state)
            admitPending(&state)
            expire(at: now, &state)
            wakeRoomLine(&state)
            announceAllTasks(&state)
            resumeStreams(&state)
            var review = Review(ending: state.queue.ending, hasWork: state.queue.hasWork)
            for (number, batch) in state.queue.usedSlots.enumerated() {
                guard let batch else { continue }
                killNeedless(batch, number, now, &review)
                killCancelled(batch, number, &review)
                if showsProgress(of: batch, now) { review.progress.append(batch) }
            }
            repair(&state, now, &review)
            review.isClosing = state.queue.isClosing
            return review
        }
    }

    private func showsProgress(of batch: Batch, _ now: Int) -> Bool {
        guard batch.shape.showsProgress else { return false }
        if batch.progressShown == 0 { batch.progressShown = now }
        guard now - batch.progressShown >= Self.progressTime else { return false }
        batch.progressShown = now
        return true
    }

    private func killNeedless(_ batch: Batch, _ number: Int, _ now: Int, _ review: inout Review) {
        let slot = layout.batchSlot(number)
        let lowest = unsafe slot.lowestFailure.pointee.load(ordering: .sequentiallyConsistent)
        guard batch.machine.killsNeedless(hasFailed: lowest != .max, at: now) else { return }
        review.needless += (0..<layout.workers).filter { requestKill($0, slot, above: lowest) }
    }

    /// Requests the kill of a worker that is inside of a batch for an item above `lowest`; returns whether to kill it.
    private func requestKill(_ worker: Int, _ slot: BatchSlot, above lowest: Int) -> Bool {
        guard slot.inside.contains(worker) else { return false }
        let record = layout.record(worker)
        let position = unsafe record.position.pointee.load(ordering: .sequentiallyConsistent)
        // A successor that has not begun is still setting up.
        let item = unsafe position >= 0 ? position : record.remainingStart.pointee.load(ordering: .relaxed)
        guard item > lowest else { return false }
        record.requestKill()
        if slot.inside.contains(worker) { return true }
        // The worker left meanwhile; a kill would hit what it does now.
        record.cancelKill()
        return false
    }

    /// Requests the kill of a worker for what it is on, unless it has gone on; returns whether to kill it.
    func requestKill(_ worker: Int, for reason: KillReason) -> Bool {
        // A worker in a deadlock does not go on.
        guard case .overdue(let item) = reason else { return true }
        let record = layout.record(worker)
        return locked { state in
            guard let batch = batch(of: worker, state) else { return false }
            record.requestKill()
            if isUnfinished(item, in: batch) { return true }
            record.cancelKill()
            return false
        }
    }

    /// What a worker says that it is on.
    func snapshot(of worker: Int) -> ItemSnapshot {
        let (tag, timeout) = locked { state in
            let batch = batch(of: worker, state)
            return (batch?.tags.last ?? 0, batch?.shape.rules.timeout)
        }
        return layout.record(worker).snapshot(tag: tag, timeout: timeout)
    }

    /// Whether the item of a snapshot has no outcome, and the worker is still inside of its batch.
    func isUnfinished(_ snapshot: ItemSnapshot, of worker: Int) -> Bool {
        locked { state in
            guard snapshot.tag != 0, let batch = batch(of: worker, state), batch.tags.last == snapshot.tag else {
                return false
            }
            return isUnfinished(snapshot.position, in: batch)
        }
    }

    /// A worker that describes a thrown error is still on the item: the description may never end.
    private func isUnfinished(_ item: Int, in batch: Batch) -> Bool {
        guard item >= 0, item < batch.shape.count else { return false }
        return unsafe !ItemState.isOver(batch.results.states[item].load(ordering: .acquiring))
    }

    /// The open batch that a worker is inside of.
    private func batch(of worker: Int, _ state: State) -> Batch? {
        for (number, batch) in state.queue.usedSlots.enumerated() {
            if let batch, layout.batchSlot(number).inside.contains(worker) { return batch }
        }
        return nil
    }

    func takeProgress() -> Bool {
        locked { exchange(&$0.hasEndedBatch, with: false) }
    }

    func end(_ cause: FailureCause) {
        locked { endBatches(cause, &$0) }
    }

    func endWithoutWorkers(_ cause: FailureCause) {
        locked { state in
            state.queue.end(cause)
            settleWithoutWorkers(cause, &state)
        }
    }

    /// Fails every batch, for want of workers; later ones may find some.
    func failWithoutWorkers(_ cause: FailureCause) {
        locked { settleWithoutWorkers(cause, &$0) }
    }
}
