internal import Synchronization

// What keeps a damaged word from keeping anybody waiting. Workers and callers sleep, and wake each other, by words that
// every worker can write to; so while somebody waits the keeper looks now and then whether what they say can be true.
// Where nothing is damaged none of this changes anything.

extension ResidentCore {
    /// The time between two such looks, and the longest that a caller sleeps without one, in nanoseconds.
    static let repairTime = 100_000_000

    /// Lets the keeper look now and then from now on, if it does not.
    func attend() {
        if locked({ !$0.isAttended }) { bell.ring() }
    }

    /// Sets right what can be, when it is time.
    func repair(_ state: inout State, _ now: Int, _ order: inout Order) {
        guard state.needsAttention, now - state.repaired >= Self.repairTime else { return }
        state.repaired = now
        order.repairs = true
        unsafe memory.closing.pointee.store(state.isClosing ? 1 : 0, ordering: .sequentiallyConsistent)
        unsafe memory.backlog.pointee.store(state.pending.isEmpty ? 0 : 1, ordering: .sequentiallyConsistent)
        var hasUnclaimed = false
        for (number, batch) in state.entries.enumerated() {
            guard let batch else {
                if memory.open.contains(number) { memory.open.remove(number) }
                continue
            }
            findAbsent(batch, number, &order)
            finishIfLeft(number, batch)
            settle(batch, &state)
            if memory.open.contains(number), memory.entry(number).hasUnclaimed { hasUnclaimed = true }
        }
        resumeStreams(&state)
        wakeAll(hasUnclaimed || state.isClosing, order)
    }

    /// Offers no more of a batch for now, if bodies turn its cursor back again and again: what is left is handed out anew.
    func closeIfTurnedBack(_ number: Int, _ batch: Batch) {
        batch.endsLeft -= 1
        let cursor = unsafe memory.entry(number).cursor.pointee.load(ordering: .relaxed)
        if batch.endsLeft < 0 || cursor < batch.offered { memory.open.remove(number) }
    }

    /// Ends workers that are inside of a batch's entry, twice in a row, although they say that they are elsewhere.
    private func findAbsent(_ batch: Batch, _ number: Int, _ order: inout Order) {
        let inside = memory.entry(number).inside
        let absent = (0..<memory.workers).filter { worker in
            guard inside.contains(worker) else { return false }
            let line = memory.line(worker)
            if unsafe line.isSleeping || line.entry.pointee.load(ordering: .relaxed) != number + 1 { return true }
            // Should it sleep in spite of what it says, it says so when it goes to sleep again.
            line.wake()
            return false
        }
        for worker in absent where batch.absent.contains(worker) {
            batch.machine.condemn(worker)
            order.condemned.append(worker)
        }
        batch.absent = Set(absent)
    }

    /// Wakes whoever could have been forgotten.
    private func wakeAll(_ workersToo: Bool, _ order: Order) {
        for worker in 0..<memory.workers where workersToo && !order.condemned.contains(worker) {
            memory.line(worker).pardon()
            memory.line(worker).wake()
        }
        for number in 0..<memory.entries { memory.entry(number).ended.wakeThreads() }
        memory.admission.wakeThreads()
        memory.itemEnded.wakeThreads()
    }
}

extension ResidentCore.State {
    /// Whether anybody could wait for something.
    var needsAttention: Bool {
        isClosing || !pending.isEmpty || !streamWaiters.isEmpty || freeEntries.count < entries.count
    }
}
