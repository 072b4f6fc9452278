// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

// What the supervisor does with processes that it may not end, and with those that were stopped from outside.

extension PoolSupervisor {
    /// How long a process that may not be killed has to end by itself, in nanoseconds.
    static let grace = 100_000_000

    /// Ends the process in a slot by SIGKILL, or asks it to end where the system refuses that.
    ///
    /// A worker that was to be ended and may not be ends the pool, and with it the thread that started the pool's processes,
    /// for which the kernel ends them. One that has changed its credentials may live on even then.
    func end(_ slot: Int) {
        guard let process = processes[slot], let refusal = starter.forker.kill(process) else { return }
        guard refusedKills[slot] == nil else { return }
        refusedKills[slot] = (refusal, monotonicNanoseconds() + Self.grace)
        if !pool.servesOneBatch { layout.mailbox(slot).dismiss() }
        guard table.worker(in: slot) != nil else { return }
        let cause = FailureCause.killRefused(refusal)
        pool.end(cause)
        perform(table.end(cause))
        starter.forker.endAll()
        // Those that wait for work need no signal to end.
        unsafe layout.closing.pointee.store(1, ordering: .sequentiallyConsistent)
        for worker in 0..<layout.workers { layout.record(worker).wake() }
    }

    /// Leaves processes to themselves that were to end and did not.
    ///
    /// They end when they see that the pool is closed, or with this process.
    func abandonOverdue() {
        let now = monotonicNanoseconds()
        for (slot, kill) in refusedKills where kill.deadline <= now {
            refusedKills[slot] = nil
            guard let process = processes.removeValue(forKey: slot) else { continue }
            starter.forker.abandon(process)
            pool.isTainted.store(true, ordering: .relaxed)
            perform(table.exited(slot, WorkerExit(process: ProcessExit(pid: process.pid, .unknown)), at: now))
        }
    }

    /// Ends and reaps every process; leaves one to itself that may not be killed and does not end.
    func endProcesses() {
        for slot in processes.keys { end(slot) }
        for (slot, process) in processes {
            if refusedKills[slot] == nil || process.ends(within: Self.grace) {
                _ = starter.reap(process, in: slot)
                process.close()
            } else {
                starter.forker.abandon(process)
                pool.isTainted.store(true, ordering: .relaxed)
            }
        }
        processes = [:]
        refusedKills = [:]
    }

    /// Opens again what the program closed: it may close every descriptor that it has (`closefrom`).
    ///
    /// - Parameter closed: The numbers. One of them may be that of another descriptor as soon as the first is opened.
    func reopen(_ closed: Set<Int32>) {
        if let event = turn?.event ?? pool.event, closed.contains(event.descriptor) { event.reopen() }
        var isComplete = true
        for (slot, process) in processes where closed.contains(process.descriptor) {
            let other = process.reopened()
            if other == nil { isComplete = false }
            processes[slot] = other ?? process
        }
        starter.reopen(closed)
        // Where no descriptor is free, look again in a while.
        if !isComplete { _ = cforkpool_ppoll(nil, 0, Int64(Self.grace)) }
    }

    /// Continues processes that are on no item and were stopped from outside: work, or the end of the pool, waits for them.
    func resumeIdle() {
        for (slot, process) in processes {
            if let worker = table.worker(in: slot), pool.isOnItem(worker) { continue }
            if ProcSample.isStopped(process.pid) { starter.forker.resume(process) }
        }
    }
}

extension Pool {
    /// Whether a worker has begun an item of an open batch.
    func isOnItem(_ worker: Int) -> Bool {
        let record = layout.record(worker)
        guard unsafe record.position.pointee.load(ordering: .relaxed) >= 0 else { return false }
        return locked { state in
            state.queue.slots.indices.contains {
                state.queue.slots[$0] != nil && layout.batchSlot($0).inside.contains(worker)
            }
        }
    }
}
