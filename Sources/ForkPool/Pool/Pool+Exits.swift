// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

// What the end of a worker means for the batches that it was inside of.

extension Pool {
    /// What the next process that becomes the worker runs first.
    private struct Remaining {
        var range: Range<Int>
        var attempt: Int
        var pause: Int
        var batchSlot: Int
    }

    /// Takes note of the end of a worker, and returns what its record says.
    func exited(_ worker: Int, _ process: ProcessExit, killedFor reason: KillReason?) -> WorkerExit {
        let record = layout.record(worker)
        let finish = unsafe record.finish.pointee.load(ordering: .acquiring)
        let stage = unsafe record.stage.pointee.load(ordering: .relaxed)
        var exit = WorkerExit(process: process)
        exit.finished = finish == WorkerRecord.Finish.done || finish == WorkerRecord.Finish.used
        exit.claimed = stage == WorkerRecord.Stage.working
        let givesWay = unsafe servesOneBatch && record.givesWay.pointee.load(ordering: .relaxed) != 0
        return locked { state in
            let inside = state.queue.usedSlots.indices.filter {
                state.queue.slots[$0] != nil && layout.batchSlot($0).inside.contains(worker)
            }
            // A worker that is inside was past `setUp`, whatever its record says, unless it inherited its place there.
            exit.isReady =
                stage == WorkerRecord.Stage.ready || stage == WorkerRecord.Stage.working
                || !inside.isEmpty && !state.inheritors.contains(worker)
            exit.job = state.jobs?.name(at: stage)
            exit.process.wasMakingState = state.hasSetUp && WorkerRecord.Stage.makesState(stage)
            exit.isInSetUp =
                state.hasSetUp && stage == WorkerRecord.Stage.settingUp || exit.process.wasMakingState
                || exit.job != nil
            exit.process.isBeforeWork = !exit.isReady && !exit.isInSetUp
            if finish == WorkerRecord.Finish.notSetUp, !exit.isReady {
                exit.setUpError = setUpError(of: worker, hasSetUp: state.hasSetUp)
                if exit.process.wasMakingState { exit.setUpError?.becomeStateNotMade() }
            }
            writeControl(state)
            if servesOneBatch, !exit.finished { isTainted.store(true, ordering: .relaxed) }
            var remaining: Remaining?
            for number in inside {
                let batch = state.queue.slots[number]!
                if let rest = exited(worker, &exit, reason, number, batch), remaining == nil {
                    remaining = rest
                } else {
                    leave(worker, number, batch)
                }
            }
            prepareSuccessor(of: worker, remaining, &state)
            exit.pause = remaining?.pause ?? 0
            // A worker gives way after its claim; what has something left has a damaged record.
            exit.gaveWay = givesWay && remaining == nil
            for (number, batch) in state.queue.usedSlots.enumerated() {
                guard let batch else { continue }
                let cursor = unsafe layout.batchSlot(number).cursor.pointee.load(ordering: .relaxed)
                if !batch.machine.keepsOffer(cursor: cursor, allowed: state.allowedExits) { layout.open.remove(number) }
                finishIfLeft(number, batch)
                if layout.open.contains(number) { layout.wake(1) }
            }
            settleAll(&state)
            layout.wakeForgotten()
            wakeWaiters(&state)
            resumeStreams(&state)
            if servesOneBatch { exit.isNeeded = remaining != nil || hasUnclaimed(state) }
            return exit
        }
    }

    private func hasUnclaimed(_ state: State) -> Bool {
        state.queue.usedSlots.indices.contains { layout.open.contains($0) && layout.batchSlot($0).hasUnclaimed }
    }

    /// How many workers could claim an item of a pool for one batch.
    var claimable: Int {
        let slot = layout.batchSlot(0)
        guard layout.open.contains(0), slot.hasUnclaimed else { return 0 }
        let (limit, cursor) = unsafe (
            slot.limit.pointee.load(ordering: .relaxed), slot.cursor.pointee.load(ordering: .relaxed)
        )
        // Both may be damaged.
        return limit > 0 ? min(layout.workers, max(0, limit - max(0, cursor))) : 0
    }

    /// Decides what becomes of a batch that the worker was inside of; returns what its successor runs first.
    private func exited(
        _ worker: Int, _ exit: inout WorkerExit, _ reason: KillReason?, _ number: Int, _ batch: Batch
    ) -> Remaining? {
        let slot = layout.batchSlot(number)
        let claim = snapshot(of: worker, batch, finished: exit.finished, reason)
        let position = unsafe layout.record(worker).position.pointee.load(ordering: .relaxed)
        if position >= 0, position < batch.shape.count { batch.settleError(of: position) }
        let action = batch.machine.exited(worker, &exit.process, claim, killedFor: reason)
        if let item = claim.item, batch.machine.causes[item] != nil { batch.markLost(item) }
        switch action {
        case .rerun(let range, let attempt, let pause):
            return Remaining(range: range, attempt: attempt, pause: pause, batchSlot: number)
        case .stopAbove(let item):
            _ = unsafe slot.lowestFailure.pointee.min(item, ordering: .sequentiallyConsistent)
            layout.open.remove(number)
        case .stop:
            unsafe slot.lowestFailure.pointee.store(-1, ordering: .sequentiallyConsistent)
            layout.open.remove(number)
        case nil: break
        }
        return nil
    }

    /// Reads a dead worker's record once.
    private func snapshot(
        of worker: Int, _ batch: Batch, finished: Bool, _ reason: KillReason?
    ) -> ClaimSnapshot {
        let record = layout.record(worker)
        let isUnfinished: (Int) -> Bool = { item in
            unsafe batch.results.states[item].load(ordering: .acquiring) == ItemState.unfinished
        }
        var position = unsafe record.position.pointee.load(ordering: .relaxed)
        var end = unsafe record.end.pointee.load(ordering: .relaxed)
        var hasBegun = unsafe batch.shape.rules.timeout == nil || record.began.pointee.load(ordering: .relaxed) != 0
        // It was seen on this item, and did not finish it, whatever its record says now.
        if case .overdue(let item) = reason, item < batch.shape.count, isUnfinished(item) {
            if position != item { (position, end) = (item, item + 1) }
            hasBegun = true
        }
        return batch.machine.snapshot(
            of: worker, position: position, end: end, finished: finished, isUnfinished: isUnfinished, hasBegun: hasBegun
        )
    }

    /// Makes the record that of a worker that has no process, and puts it into no set.
    private func prepareSuccessor(of worker: Int, _ remaining: Remaining?, _ state: inout State) {
        let record = layout.record(worker)
        unsafe record.batchSlot.pointee.store(remaining.map { $0.batchSlot + 1 } ?? 0, ordering: .relaxed)
        record.reset(remaining: remaining?.range, attempt: remaining?.attempt ?? 1)
        if remaining == nil { state.inheritors.remove(worker) } else { state.inheritors.insert(worker) }
        layout.sleepers.remove(worker)
        layout.seekers.remove(worker)
        record.stayAwake()
    }

    /// Takes a worker that gets no process out of the batches that it was to go on with.
    func abandon(_ worker: Int) {
        locked { state in
            for (number, batch) in state.queue.usedSlots.enumerated() {
                if let batch, layout.batchSlot(number).inside.contains(worker) { leave(worker, number, batch) }
            }
            state.inheritors.remove(worker)
            layout.record(worker).reset(remaining: nil)
            settleAll(&state)
        }
    }

    private func leave(_ worker: Int, _ number: Int, _ batch: Batch) {
        layout.batchSlot(number).inside.remove(worker)
        finishIfLeft(number, batch)
    }

    /// Publishes that a batch is done, if nothing is left to claim and no worker is inside.
    func finishIfLeft(_ number: Int, _ batch: Batch) {
        let slot = layout.batchSlot(number)
        guard slot.inside.isEmpty else { return }
        if !slot.hasUnclaimed { layout.open.remove(number) }
        if !layout.open.contains(number) { slot.finish(tag: batch.tags.last!) }
    }

    /// What a worker wrote of why it cannot run; nil for what only seems to be that.
    private func setUpError(of worker: Int, hasSetUp: Bool) -> WorkerError? {
        let length = unsafe layout.record(worker).setUpErrorLength.pointee.load(ordering: .relaxed)
        let bytes = unsafe layout.setUpError(worker)
        let error =
            length > 0 && length <= bytes.count
            ? unsafe try? BinaryDecoder.decode(
                WorkerError.self, from: UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            : nil
        return error ?? (hasSetUp ? WorkerError(losing: "an error whose report is damaged") : nil)
    }
}
