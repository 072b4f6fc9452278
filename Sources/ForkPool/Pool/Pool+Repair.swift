// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// What keeps a damaged word from making a caller wait for ever: README.md.

extension Pool {
    /// The time between two repairs, and the longest that a caller sleeps without one, in nanoseconds.
    static let repairTime = 100_000_000

    /// Makes the supervisor look now and then from now on, if it does not.
    func attend() {
        if locked({ !$0.isAttended }) { notifySupervisor() }
    }

    /// Wakes the supervisor.
    ///
    /// A program may close every descriptor while the supervisor sleeps, which then hears nothing of the event's new one. It
    /// still hears of the end of a process. So a spare ends, and another one starts.
    func notifySupervisor() {
        guard let event, !event.notify(), !servesOneBatch else { return }
        for slot in 0..<layout.processSlots { layout.mailbox(slot).dismissSpare() }
    }

    func writeControl(_ state: State) {
        let closes = state.queue.isClosing || servesOneBatch
        unsafe layout.closing.pointee.store(closes ? 1 : 0, ordering: .sequentiallyConsistent)
        writePriorities(state)
        writeBacklog(state)
    }

    func repair(_ state: inout State, _ now: Int, _ review: inout Review) {
        // What has just begun to wait is given its time first.
        if !state.isAttended { state.repaired = now }
        guard state.needsAttention, now - state.repaired >= Self.repairTime else { return }
        state.repaired = now
        review.repairs = true
        writeControl(state)
        var hasUnclaimed = false
        for (number, batch) in state.queue.slots.enumerated() {
            guard let batch else {
                if layout.open.contains(number) { layout.open.remove(number) }
                continue
            }
            review.needless += batch.machine.strays(absentWorkers(at: number))
            finishIfLeft(number, batch)
            settle(batch, &state)
            if layout.open.contains(number), layout.batchSlot(number).hasUnclaimed { hasUnclaimed = true }
        }
        resumeStreams(&state)
        wakeAll(workersToo: hasUnclaimed || state.queue.isClosing, but: review.needless, &state)
    }

    /// The workers that a batch slot has as inside and whose records say that they sleep or are elsewhere.
    private func absentWorkers(at number: Int) -> [Int] {
        let inside = layout.batchSlot(number).inside
        return (0..<layout.workers).filter { worker in
            guard inside.contains(worker) else { return false }
            let record = layout.record(worker)
            if unsafe record.isSleeping || record.batchSlot.pointee.load(ordering: .relaxed) != number + 1 {
                return true
            }
            // A worker that sleeps in spite of its record says so when it goes to sleep again.
            record.wake()
            return false
        }
    }

    private func wakeAll(workersToo: Bool, but needless: [Int], _ state: inout State) {
        for worker in 0..<layout.workers where !needless.contains(worker) {
            // A kill that was requested before has been carried out.
            layout.record(worker).cancelKill()
            if workersToo { layout.record(worker).wake() }
        }
        wakeWaiters(&state)
    }

    /// Wakes every thread that waits for a batch or an item: the process that was to signal it may have died.
    func wakeWaiters(_ state: inout State) {
        // The caller of a one-shot map is its supervisor, and waits for processes.
        if servesOneBatch { return }
        for number in state.slotsWaitedFor { layout.batchSlot(number).ended.wakeThreads() }
        // No thread goes to sleep for a batch that has left its slot.
        let slots = state.queue.slots
        state.slotsWaitedFor = state.slotsWaitedFor.filter { slots[$0] != nil }
        layout.admission.wakeThreads()
        layout.itemEnded.wakeThreads()
    }
}
