// SPDX-License-Identifier: Apache-2.0
/// Decides which process is which worker, and when processes are started, replaced and killed.
///
/// A pure state machine: it knows no process and no memory. `PoolSupervisor` tells it what happened and carries out the
/// actions that it returns. There is a process slot for each worker and, unless workers are fixed to slots, for a spare.
struct WorkerTable {
    enum Action: Equatable {
        case start([Int])
        /// Tell the process in a slot which worker it is.
        case assign(slot: Int, worker: Int)
        case kill(slot: Int)
    }

    private enum ProcessSlot: Equatable {
        case empty, starting, spare
        case worker(Int)
        /// The process is killed, and was no worker.
        case dismissed
        /// Another map has the worker, or none.
        case elsewhere
    }

    private var slots: [ProcessSlot]
    /// Whether the process in a slot is always the worker of the same number.
    private let isFixed: Bool
    /// The workers that have no process.
    private(set) var unassigned: [Int]
    private var failedStarts = 0
    /// How many processes in a row could not be loaded.
    private var failedLoads = 0
    /// The pool gives up after so many: what the loader does not find now it does not find at the next start.
    static let mostFailedLoads = 3
    /// How many processes in a row ended without a claim, whatever else was done meanwhile.
    private var vainStarts = 0
    /// Until when no process is started, and no spare, in nanoseconds of the monotonic clock.
    private var pausedUntil = 0
    private var spareWaitsUntil = 0
    private(set) var ending: FailureCause?
    /// Whether workers that end are not replaced.
    private var isClosing = false
    /// Why the pool killed workers that have not ended yet.
    private var killReasons: [Int: KillReason] = [:]
    /// Workers that were killed for a deadlock that another worker with the same memory had before.
    private var repeats: Set<Int> = []
    /// Workers that rest, and until when in nanoseconds of the monotonic clock.
    private var resting: [(worker: Int, until: Int)] = []

    /// Makes a table of `workers` workers and a spare, none of which has a process.
    init(workers: Int) {
        isFixed = false
        slots = Array(repeating: .empty, count: workers + 1)
        unassigned = Array((0..<workers).reversed())
    }

    /// Makes a table of workers that are fixed to their slots; the map has `held` of them.
    init(workers: Int, held: [Int]) {
        isFixed = true
        slots = Array(repeating: .elsewhere, count: workers)
        unassigned = []
        take(held)
    }

    // MARK: - Questions

    func worker(in slot: Int) -> Int? {
        if case .worker(let worker) = slots[slot] { worker } else { nil }
    }

    func slot(of worker: Int) -> Int? { slots.firstIndex(of: .worker(worker)) }

    /// Whether a process is or will be a worker.
    ///
    /// A resting worker will be one that is fixed to its slot: no other process would find anything to do meanwhile,
    /// and one after the other would be started.
    var isManned: Bool { slots.contains { $0 != .empty && $0 != .elsewhere } || isFixed && !resting.isEmpty }

    /// Whether workers are not replaced any more.
    var isEnding: Bool { ending != nil || isClosing }

    func killReason(of worker: Int) -> KillReason? { killReasons[worker] }

    /// When the first resting worker is to go on, or the next process to be started, in nanoseconds of the monotonic clock;
    /// `Int.max` if nothing rests.
    var nextRestEnd: Int {
        let rest = resting.map(\.until).min() ?? .max
        if isEnding { return rest }
        return [pausedUntil, spareWaitsUntil].reduce(rest) { $1 > 0 ? min($0, $1) : $0 }
    }

    private func rests(_ worker: Int) -> Bool { resting.contains { $0.worker == worker } }

    // MARK: - Shared workers

    /// How many workers the map has.
    var heldCount: Int { slots.count { $0 != .elsewhere } }

    /// The workers that the map has, and that neither have a process nor rest, in ascending order.
    var unused: [Int] { slots.indices.filter { slots[$0] == .empty && !rests($0) } }

    /// Adds workers to those that the map has.
    mutating func take(_ workers: [Int]) {
        for worker in workers { slots[worker] = .empty }
    }

    /// Removes workers that have no process from those that the map has.
    mutating func giveBack(_ workers: [Int]) {
        for worker in workers { slots[worker] = .elsewhere }
    }

    // MARK: - Starts

    /// Starts the workers' processes alone; the spare starts at a time in nanoseconds of the monotonic clock.
    ///
    /// The workers then do not wait for it, and a pool that has ended by then starts none.
    mutating func begin(spareAt time: Int) -> [Action] {
        if !isFixed { spareWaitsUntil = time }
        return fill()
    }

    mutating func fill() -> [Action] {
        guard !isEnding, pausedUntil == 0 else { return [] }
        var empty = slots.indices.filter { slots[$0] == .empty && !(isFixed && rests($0)) }
        if spareWaitsUntil > 0 {
            let starting = slots.count { $0 == .starting || $0 == .spare }
            empty = Array(empty.prefix(max(0, unassigned.count - starting)))
        }
        guard !empty.isEmpty else { return [] }
        for slot in empty { slots[slot] = .starting }
        return [.start(empty)]
    }

    mutating func started(_ slot: Int) -> [Action] {
        slots[slot] = isFixed ? .worker(slot) : .spare
        if isEnding { return [.kill(slot: slot)] }
        return isFixed ? [] : assign(slot)
    }

    /// Records that no process could be started in a slot; the pool goes on with those that run.
    mutating func refused(_ slot: Int) {
        slots[slot] = .empty
    }

    mutating func endRests(at now: Int) -> [Action] {
        let due = resting.filter { $0.until <= now }
        resting.removeAll { $0.until <= now }
        if isEnding { return [] }
        let isOver = pausedUntil > 0 && pausedUntil <= now
        if isOver { pausedUntil = 0 }
        let startsSpare = spareWaitsUntil > 0 && spareWaitsUntil <= now
        if startsSpare { spareWaitsUntil = 0 }
        return due.flatMap { replace($0.worker) } + ((isOver || startsSpare) && !isFixed ? fill() : [])
    }

    // MARK: - Kills

    /// Kills a worker, if it has a process; `isRepeat` if one with the same memory was in the same deadlock before.
    mutating func kill(_ worker: Int, for reason: KillReason, isRepeat: Bool = false) -> [Action] {
        guard let slot = slot(of: worker) else {
            // It rests, or waits for a process. Nothing is left for it to do, so it need not rest.
            for number in resting.indices where resting[number].worker == worker { resting[number].until = 0 }
            return []
        }
        killReasons[worker] = reason
        guard reason == .deadlocked else { return [.kill(slot: slot)] }
        if isRepeat { repeats.insert(worker) }
        // A spare has the same memory and would wait for the same lock.
        return [.kill(slot: slot)] + dismissSpares()
    }

    private mutating func dismissSpares() -> [Action] {
        let spares = slots.indices.filter { slots[$0] == .spare }
        for slot in spares { slots[slot] = .dismissed }
        return spares.map { .kill(slot: $0) }
    }

    /// Stops replacing workers, and kills the processes that are none: workers end by themselves.
    mutating func close() -> [Action] {
        isClosing = true
        return dismissSpares()
    }

    mutating func end(_ cause: FailureCause) -> [Action] {
        if ending == nil { ending = cause }
        return slots.indices.filter { ![.empty, .starting, .elsewhere].contains(slots[$0]) }.map { .kill(slot: $0) }
    }

    // MARK: - Exits

    /// Records that items were done since the last exit: whatever happens to other processes, the pool works.
    mutating func resetFailedStarts() {
        (failedStarts, failedLoads) = (0, 0)
    }

    /// Returns why the pool killed the worker whose process ended, and forgets it.
    mutating func takeKillReason(of worker: Int) -> (reason: KillReason?, sameCause: Bool) {
        (killReasons.removeValue(forKey: worker), repeats.remove(worker) != nil)
    }

    mutating func exited(_ slot: Int, _ exit: WorkerExit, at now: Int) -> [Action] {
        let worker = worker(in: slot)
        let wasDismissed = slots[slot] == .dismissed
        slots[slot] = .empty
        guard !isEnding else { return [] }
        if let error = exit.setUpError {
            ending = .notSetUp(error, of: exit.job)
        } else if exit.isInSetUp, !exit.isReady, !exit.finished, exit.process.isOwnDoing,
            exit.process.cause != .deadlock
        {
            ending = .endedInSetUp(exit.process, of: exit.job)
        }
        if !wasDismissed, !exit.sameCause { count(exit, isWaitedFor: worker != nil || !unassigned.isEmpty, at: now) }
        let isUnreachable = failedStarts >= BatchMachine.mostFailedStarts || failedLoads >= Self.mostFailedLoads
        if isUnreachable, ending == nil { ending = .unreachable(exit.process) }
        if let ending { return end(ending) }
        guard let worker else { return fill() }
        if exit.pause > 0 {
            resting.append((worker, now + exit.pause))
            return isFixed ? [] : fill()
        }
        return exit.isNeeded && !exit.gaveWay ? replace(worker) : []
    }

    /// Counts processes that end before they claim anything.
    ///
    /// The pool ends after some in a row. Those that no batch waits for do not count, and where batches end all the same the
    /// next ones start later and later.
    private mutating func count(_ exit: WorkerExit, isWaitedFor: Bool, at now: Int) {
        if exit.claimed || exit.finished {
            (failedStarts, failedLoads, vainStarts) = (0, 0, 0)
        } else {
            if isWaitedFor, exit.hasWork {
                failedStarts += 1
                failedLoads = exit.process.failedStart == .notLoaded ? failedLoads + 1 : 0
            }
            vainStarts += 1
        }
        let excess = vainStarts - BatchMachine.mostFailedStarts
        if excess > 0, !isFixed { pausedUntil = now + 1_000_000 << min(excess, 5) }
    }

    private mutating func replace(_ worker: Int) -> [Action] {
        if isFixed {
            guard slots[worker] == .empty else { return [] }
            slots[worker] = .starting
            return [.start([worker])]
        }
        unassigned.append(worker)
        guard let spare = slots.firstIndex(of: .spare) else { return fill() }
        return assign(spare) + fill()
    }

    private mutating func assign(_ slot: Int) -> [Action] {
        // The last worker to lose its process comes first.
        guard let worker = unassigned.popLast() else { return [] }
        slots[slot] = .worker(worker)
        killReasons[worker] = nil
        return [.assign(slot: slot, worker: worker)]
    }
}

/// What a worker's record and its process's end say together.
struct WorkerExit {
    var process: ProcessExit
    /// Whether it left its loop by itself: used up, or because the pool closes.
    var finished = false
    var setUpError: WorkerError?
    /// Whether it left in favour of another map.
    var gaveWay = false
    /// Whether it is past `setUp`, and whether it was in it.
    var isReady = false
    var isInSetUp = false
    /// The type of the job whose `setUp` it was in, in a pool of several.
    var job: String?
    /// Whether a batch is not done.
    var hasWork = true
    /// Whether it had claimed anything.
    var claimed = false
    /// Whether an earlier worker with the same memory ended for the same cause: the two count as one.
    var sameCause = false
    /// Whether a successor has something to do.
    var isNeeded = true
    /// For how many nanoseconds the worker rests before another process becomes it.
    var pause = 0
}
