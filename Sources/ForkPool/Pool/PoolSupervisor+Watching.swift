// SPDX-License-Identifier: Apache-2.0

// How the supervisor keeps deadlines and ends deadlocks.

extension PoolSupervisor {
    /// Notes what the pool is used for, and returns whether that needs a look at the workers.
    func watchesUse() -> Bool {
        let use = pool.takeUse(provesDeadlocks: watchdog.provesDeadlocks)
        watchdog.shortestTimeout = use.timeout
        return watchdog.isNeeded && use.isUsed
    }

    /// Kills workers that are overdue or in a deadlock.
    func watchWorkers() {
        guard watchdog.isNeeded else { return }
        let now = monotonicNanoseconds()
        watchdog.resume(at: now)
        for (slot, process) in processes {
            guard let worker = table.worker(in: slot), table.killReason(of: worker) == nil else { continue }
            let reason = watchdog.check(
                worker, pool.snapshot(of: worker), at: now, isUnfinished: { pool.isUnfinished($0, of: worker) }
            ) { ProcSample.take(of: process.pid) }
            if let reason { kill(worker, in: slot, for: reason) }
        }
        let spinning = watchdog.stopSuspects(at: now) { workers in
            StopSample.take(
                of: workers.map { processes[table.slot(of: $0)!]! }.map { ($0.pid, $0.descriptor) })
        }
        for worker in spinning {
            guard let slot = table.slot(of: worker) else { continue }
            kill(worker, in: slot, for: .deadlocked)
        }
    }

    /// Kills a worker for what it is on, unless it has gone on.
    private func kill(_ worker: Int, in slot: Int, for reason: KillReason) {
        guard pool.requestKill(worker, for: reason) else { return }
        // Others with the same memory may wait for the same lock.
        let isRepeat = reason == .deadlocked && !starter.retireMemory(of: slot)
        perform(table.kill(worker, for: reason, isRepeat: isRepeat))
    }
}
