// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// Starts, watches, kills and reaps a pool's processes, on one thread: that of a one-shot map's caller, or one of the pool's
/// own that sleeps unless a process ends, a task waits or the pool ends.
///
/// It only carries out what `WorkerTable`, `Watchdog` and the batches' machines decide.
final class PoolSupervisor {
    let pool: Pool
    let starter: any Starter
    /// The most workers that a one-shot map has a use for.
    let workers: Int
    /// The part of a one-shot map in the workers that its pool's maps share, and how many of them gave way since it last gave
    /// any back.
    let turn: MapTurn?
    var gaveWay = 0
    /// Whether the system refused a process since then.
    var wasRefused = false
    /// Takes note of a replacement; returns the limit that it exceeds, if it does.
    private let countRestart: (_ now: Int) -> ForkPool.Options.RestartIntensity?
    var table: WorkerTable
    var watchdog: Watchdog
    var processes: [Int: ProcessHandle] = [:]
    /// Processes that the system refused to end, why, and until when they have to end by themselves.
    var refusedKills: [Int: (refusal: SystemError, deadline: Int)] = [:]
    /// What `ppoll` waits for: the pool's event, the guard, the processes in the slots beside it, what the starter watches.
    private var polled: [cforkpool_poll] = []
    private var polledSlots: [Int] = []

    var layout: RegionLayout { pool.layout }

    private init(
        _ pool: Pool, _ starter: any Starter, workers: Int, turn: MapTurn? = nil,
        countRestart: @escaping (_ now: Int) -> ForkPool.Options.RestartIntensity?
    ) {
        self.pool = pool
        self.starter = starter
        self.workers = workers
        self.turn = turn
        self.countRestart = countRestart
        let workers = pool.layout.workers
        table = turn.map { WorkerTable(workers: workers, held: $0.take()) } ?? WorkerTable(workers: workers)
        processes.reserveCapacity(pool.layout.processSlots)
        watchdog = Watchdog(provesDeadlocks: starter.startsAlone, from: monotonicNanoseconds())
    }

    /// Starts a pool's workers, and a thread that supervises them until the pool ends and then signals `over`.
    ///
    /// It throws if not one worker runs; nothing is left then.
    static func start(_ pool: Pool, _ starter: any Starter, over: PrivateEvent) throws(SystemError) {
        var restarts = RestartLog(pool.options.restartIntensity)
        let supervisor = PoolSupervisor(pool, starter, workers: .max) { restarts.excess(at: $0) }
        try supervisor.begin()
        var listener: NoticeListener?
        do throws(SystemError) {
            listener = try NoticeListener(pool)
            try ThreadWork.start { [listener] in
                over.promise()
                supervisor.run()
                listener?.end()
            } then: {
                over.signal()
            }
        } catch {
            listener?.end()
            supervisor.perform(supervisor.table.close())
            supervisor.endProcesses()
            starter.close()
            throw error
        }
    }

    /// Does the same for a pool for one batch with the workers of a turn, on this thread, until none of them is left.
    static func run(
        _ pool: Pool, _ starter: any Starter, workers: Int, turn: MapTurn,
        countRestart: @escaping (_ now: Int) -> ForkPool.Options.RestartIntensity?
    ) throws(SystemError) {
        let supervisor = PoolSupervisor(pool, starter, workers: workers, turn: turn, countRestart: countRestart)
        try supervisor.begin()
        supervisor.shareWorkers()
        supervisor.run()
    }

    private func begin() throws(SystemError) {
        perform(table.begin(spareAt: monotonicNanoseconds() + starter.spareDelay))
        if let refusal = collect(waiting: true), processes.isEmpty {
            starter.close()
            throw refusal
        }
    }

    // MARK: - The loop

    func run() {
        prepareToPoll()
        while true {
            sleep()
            let hasChanged = look()
            if review() { break }
            if hasChanged { prepareToPoll() }
        }
        starter.close()
    }

    private func prepareToPoll() {
        polled.removeAll(keepingCapacity: true)
        polledSlots.removeAll(keepingCapacity: true)
        // The kernel passes over a descriptor of -1.
        poll(turn?.event?.descriptor ?? pool.eventFD)
        poll(starter.forker.guardDescriptor)
        // Where every process is to end, a few at a time: a look at all of them at each end would take a pool of 1000 longer than
        // their ends.
        for (slot, process) in processes.prefix(table.isEnding ? Self.mostEnding : .max) {
            polledSlots.append(slot)
            poll(process.descriptor)
        }
        for descriptor in starter.watched { poll(descriptor) }
    }

    /// How many processes to wait for at once where all of them are to end.
    private static let mostEnding = 16

    private func poll(_ descriptor: Int32) {
        polled.append(cforkpool_poll(fd: descriptor, events: Int16(POLLIN), revents: 0))
    }

    private func sleep() {
        let timeout = timeToSleep()
        // Where the kernel refuses (it has no memory for its own list), or a signal comes, the loop looks at everything.
        _ = unsafe polled.withUnsafeMutableBufferPointer {
            unsafe cforkpool_ppoll($0.baseAddress, Int32($0.count), timeout)
        }
    }

    /// How long to sleep at most, in nanoseconds; negative for no end.
    private func timeToSleep() -> Int64 {
        let now = monotonicNanoseconds()
        var time = min(pool.nextReview(now: now), table.nextRestEnd)
        for kill in refusedKills.values { time = min(time, kill.deadline) }
        if let nextOvertaking { time = min(time, now + nextOvertaking) }
        if watchesUse() { time = min(time, watchdog.nextTime(now: now)) }
        return time == .max ? -1 : Int64(max(time - now, 0))
    }

    /// Takes note of every process that ended or was started; returns whether there was any.
    private func look() -> Bool {
        if polled[1].revents != 0 { starter.forker.renewGuard() }
        let closed = Set(polled.lazy.filter { $0.revents & Int16(POLLNVAL) != 0 }.map(\.fd))
        guard closed.isEmpty else {
            reopen(closed)
            return true
        }
        if polled[0].revents != 0 { (turn?.event ?? pool.event)?.drain() }
        // Workers that end because the pool closes are not replaced.
        if pool.isClosing { perform(table.close()) }
        var hasChanged = polled[1].revents != 0
        for (slot, entry) in zip(polledSlots, polled.dropFirst(2)) where entry.revents != 0 {
            ended(slot)
            hasChanged = true
        }
        if polled.dropFirst(polledSlots.count + 2).contains(where: { $0.revents != 0 }) {
            starter.watchedIsReadable()
            hasChanged = true
        }
        watchWorkers()
        let before = processes.count
        abandonOverdue()
        if table.nextRestEnd != .max { perform(table.endRests(at: monotonicNanoseconds())) }
        takeStarted(waiting: false)
        if shareWorkers() { hasChanged = true }
        return hasChanged || processes.count != before
    }

    /// Looks after the batches; returns whether nothing is left.
    private func review() -> Bool {
        let review = pool.review(now: monotonicNanoseconds(), isManned: table.isManned)
        if review.isClosing { perform(table.close()) }
        if let cause = review.ending ?? table.ending {
            perform(table.end(cause))
        } else if review.hasWork, !table.isManned {
            perform(table.fill())
            if let refusal = collect(waiting: true), processes.isEmpty { pool.failWithoutWorkers(.refused(refusal)) }
            prepareToPoll()
        }
        for worker in review.needless {
            if table.slot(of: worker) == nil { pool.abandon(worker) }
            perform(table.kill(worker, for: .needless))
        }
        if review.repairs { repair() }
        for batch in review.progress { batch.showProgress(isLast: false) }
        guard processes.isEmpty, table.ending != nil || pool.isClosing else { return false }
        // A process that is still being started must not be forgotten.
        _ = collect(waiting: true)
        endProcesses()
        if let cause = table.ending { pool.endWithoutWorkers(cause) }
        return true
    }

    /// Tells each process once more which worker it is, and waits for those that are being started for long.
    private func repair() {
        resumeIdle()
        for slot in processes.keys {
            if let worker = table.worker(in: slot), !pool.servesOneBatch { layout.mailbox(slot).assign(worker) }
        }
        let before = processes.count
        takeStarted(waiting: true)
        if processes.count != before { prepareToPoll() }
    }

    // MARK: - Processes

    func perform(_ actions: [WorkerTable.Action]) {
        for action in actions {
            switch action {
            case .start(let slots):
                if !pool.servesOneBatch { for slot in slots { layout.mailbox(slot).clear() } }
                starter.begin(slots)
                pool.isStarting.store(starter.isStarting, ordering: .relaxed)
            case .assign(let slot, let worker):
                // A kill that was requested while the worker had no process did not happen.
                layout.record(worker).cancelKill()
                layout.mailbox(slot).assign(worker)
            case .kill(let slot): end(slot)
            }
        }
    }

    private func takeStarted(waiting: Bool) {
        guard collect(waiting: waiting) != nil else { return }
        // No process goes on with what these workers were inside of.
        for worker in table.unassigned { pool.abandon(worker) }
    }

    func collect(waiting: Bool) -> SystemError? {
        var refusal: SystemError?
        let started = starter.started(waiting: waiting)
        pool.isStarting.store(starter.isStarting, ordering: .relaxed)
        for (slot, result) in started {
            switch result {
            case .success(let process):
                processes[slot] = process
                perform(table.started(slot))
            case .failure(let error):
                table.refused(slot)
                // No process goes on with what this worker of a one-shot map was inside of: the others take it.
                if pool.servesOneBatch { pool.abandon(slot) }
                refusal = error
                wasRefused = true
            }
        }
        return refusal
    }

    /// Takes note of the end of a process: first its status, then what it published.
    private func ended(_ slot: Int) {
        guard let process = processes.removeValue(forKey: slot) else { return }
        refusedKills[slot] = nil
        // What guarded the last process of a map ends while the map is settled. Where another one starts, so does a guard.
        if pool.servesOneBatch, processes.isEmpty { starter.forker.dismissGuard() }
        let now = monotonicNanoseconds()
        if pool.takeProgress() { table.resetFailedStarts() }
        var end = starter.reap(process, in: slot)
        end.isFork = starter.startsAlone
        // Of a process that the pool killed it is known why it ended.
        let isKilled = table.worker(in: slot).map { table.killReason(of: $0) != nil } ?? true
        unsafe end.explain(
            by: layout.crash(slot).pointee, memoryLimit: pool.options.memoryLimit,
            cpuTimeLimit: pool.options.cpuTimeLimit?.nanoseconds, isKilled: isKilled)
        process.close()
        end.isBeforeWork = table.worker(in: slot) == nil
        var exit = WorkerExit(process: end)
        if let worker = table.worker(in: slot) {
            let (reason, sameCause) = table.takeKillReason(of: worker)
            // Also for a worker that had begun no item.
            if reason == .deadlocked { end.cause = .deadlock }
            watchdog.forget(worker)
            exit = pool.exited(worker, end, killedFor: reason)
            exit.sameCause = sameCause
            if exit.gaveWay { gaveWay += 1 }
            if !exit.finished, !sameCause, reason != .needless, exit.isNeeded, !table.isEnding,
                let excess = countRestart(now)
            {
                pool.end(.restartedTooOften(excess, exit.process))
                return perform(table.end(.restartedTooOften(excess, exit.process)) + table.exited(slot, exit, at: now))
            }
        }
        exit.hasWork = pool.hasWork
        let actions = table.exited(slot, exit, at: now)
        // The batches know why before the first worker is killed for it.
        if let cause = table.ending { pool.end(cause) }
        perform(actions)
    }
}
