// SPDX-License-Identifier: Apache-2.0
/// Finds workers that are on an item for too long or that wait for ever, and decides when to examine them.
///
/// A pure state machine. The supervisor calls it at the times that it asks for, with snapshots of the workers' records and
/// samples of their processes. README.md beside this file has a table of the states.
struct Watchdog {
    fileprivate struct Entry {
        var snapshot: ItemSnapshot
        /// When the item began, if there is one, and else when the snapshot was new.
        var since: Int
        /// Whether the worker is on an item that has no outcome, whatever it says of the time.
        var isOnItem = false
        /// The time that does not count, because all processes were stopped.
        var excused = 0
        /// The last sample, if it shows that the worker may wait or spin for ever.
        var suspicion: ProcSample?
        var isSpinSuspect = false
        /// The lock that the worker asked for in the last stop sample, and the time that it had run up to then.
        var spin: (found: StopSample.Spin, time: UInt64)?
        var nextSample: Int
        /// The time from that sample to the next.
        var pause = Watchdog.firstSample
    }

    /// The time without progress after which a worker's process is sampled, in nanoseconds; later samples are rarer.
    static let firstSample = 100_000_000
    fileprivate static let longestPause = 2_000_000_000
    /// The time between two samples that prove a wait for ever.
    private static let secondSample = 5_000_000
    /// The time between two stops of a worker that may spin.
    private static let secondStop = 20_000_000
    /// The shortest time between two calls.
    private static let shortestTime = 500_000
    /// A call that comes later than this shows that the system, or this process and maybe its workers, were stopped.
    private static let longestDelay = 500_000_000

    /// The shortest timeout of what the pool does, in nanoseconds; each snapshot has its own.
    var shortestTimeout = Int.max
    let provesDeadlocks: Bool
    private var entries: [Int: Entry] = [:]
    private var plannedTime = Int.max
    /// When all processes continued after a stop; items that began before were stopped too.
    private var resumed = 0
    private var suspects: [Int] = []
    /// The times of the last two looks at all workers.
    private var looks: (previous: Int, last: Int)

    /// Makes a watchdog that knows nothing of the time before `start`.
    init(provesDeadlocks: Bool, from start: Int = 0) {
        self.provesDeadlocks = provesDeadlocks
        looks = (start, start)
    }

    var isNeeded: Bool { shortestTimeout != .max || provesDeadlocks }

    /// The longest time between two calls while no worker is known, in nanoseconds.
    var period: Int { min(shortestTimeout, provesDeadlocks ? Self.firstSample : .max) }

    /// Checks a worker, whose process it samples only when that is due; returns why to kill it, or nil.
    ///
    /// A worker that was seen on an item is on it until that has an outcome, whatever its record says later: a body that
    /// writes over the record does not extend its time.
    mutating func check(
        _ worker: Int, _ snapshot: ItemSnapshot, at now: Int, isUnfinished: (ItemSnapshot) -> Bool = { _ in false },
        sample: () -> ProcSample?
    ) -> KillReason? {
        var entry = entries[worker] ?? Entry(snapshot, from: begin(snapshot, at: now), at: now)
        entry.isOnItem = entry.snapshot.timeout != nil && isUnfinished(entry.snapshot)
        if entry.snapshot != snapshot, !entry.isOnItem {
            entry = Entry(snapshot, from: begin(snapshot, at: now), at: now)
            entry.isOnItem = snapshot.timeout != nil && isUnfinished(snapshot)
        }
        if entry.excused == 0, snapshot.began > 0, entry.begin < resumed { entry.excused = resumed - entry.begin }
        defer { entries[worker] = entry }
        if let overdue = entry.overdue, now >= overdue { return .overdue(item: entry.snapshot.position) }
        guard provesDeadlocks, now >= entry.nextSample else { return nil }
        let sample = sample()
        if let first = entry.suspicion, let sample {
            if DeadlockProof.proves(first, sample) { return .deadlocked }
            if entry.isSpinSuspect ? sample.isBusyAlone : DeadlockProof.suspectsSpin(first, sample) {
                entry.isSpinSuspect = true
                entry.suspicion = sample
                entry.nextSample = now + Self.secondStop
                // If it has not run since the last stop, it would show the same. Counts of ticks may be off by one.
                if entry.spin.map({ sample.work.time > $0.time + 1 }) ?? true { suspects.append(worker) }
                return nil
            }
        }
        let isHelpless = sample?.isHelpless == true
        entry.refuteSpin()
        entry.suspicion = isHelpless || sample?.isBusyAlone == true ? sample : nil
        entry.wait(isHelpless ? Self.secondSample : nil, from: now)
        return nil
    }

    /// Stops the workers that may spin for a moment; call it after all workers were checked.
    ///
    /// - Returns: The workers to kill: they asked for the same lock in vain before.
    mutating func stopSuspects(at now: Int, _ take: ([Int]) -> [StopSample]) -> [Int] {
        guard !suspects.isEmpty else { return [] }
        let workers = exchange(&suspects, with: [])
        var proven: [Int] = []
        for (worker, sample) in zip(workers, take(workers)) {
            guard var entry = entries[worker] else { continue }
            switch sample {
            case .spin(let spin):
                if spin == entry.spin?.found {
                    proven.append(worker)
                    entry.refuteSpin()
                    entry.wait(from: now)
                } else {
                    entry.spin = (spin, entry.suspicion?.work.time ?? 0)
                }
            case .unseen: break
            case .otherwise:
                // The stop counts as a pause, so samples before and after it cannot be compared.
                entry.suspicion = nil
                entry.refuteSpin()
                entry.wait(from: now)
            }
            entries[worker] = entry
        }
        return proven
    }

    mutating func forget(_ worker: Int) {
        entries[worker] = nil
        suspects.removeAll { $0 == worker }
    }

    /// When the item of a new snapshot began, which is after the last look.
    ///
    /// What else the worker says is another clock's time (workers can be in a time namespace of their own), or damage.
    private func begin(_ snapshot: ItemSnapshot, at now: Int) -> Int {
        snapshot.began > looks.previous && snapshot.began < now ? snapshot.began : now
    }

    /// Notes that the planned time has come, before the workers are checked; a long delay is excused.
    mutating func resume(at now: Int) {
        looks = (looks.last, now)
        let delay = plannedTime == .max ? 0 : now - plannedTime
        guard delay > Self.longestDelay else { return }
        for worker in entries.keys { entries[worker]!.excused += delay }
        resumed = now
    }

    mutating func nextTime(now: Int) -> Int {
        guard isNeeded else { return .max }
        var time = min(period, .max - now) + now
        for entry in entries.values {
            if let overdue = entry.overdue { time = min(time, overdue) }
            if provesDeadlocks { time = min(time, entry.nextSample) }
        }
        // A worker that is overdue and was not killed is about to finish its item.
        plannedTime = max(time, now + Self.shortestTime)
        return plannedTime
    }
}

extension Watchdog.Entry {
    fileprivate init(_ snapshot: ItemSnapshot, from since: Int, at now: Int) {
        self.init(snapshot: snapshot, since: since, nextSample: now + Watchdog.firstSample)
    }

    /// Whether the time of the item runs.
    fileprivate var isTimed: Bool { snapshot.began > 0 || isOnItem }

    /// When the item began, as if the time that does not count were not.
    fileprivate var begin: Int { since + excused }

    /// When the worker is on the item for too long.
    fileprivate var overdue: Int? {
        guard isTimed, let timeout = snapshot.timeout else { return nil }
        return begin + timeout
    }

    fileprivate mutating func refuteSpin() {
        isSpinSuspect = false
        spin = nil
    }

    /// Plans the next sample after a given time, or after a pause that gets longer each time.
    fileprivate mutating func wait(_ time: Int? = nil, from now: Int) {
        nextSample = now + (time ?? pause)
        pause = min(2 * pause, Watchdog.longestPause)
    }
}

enum KillReason: Equatable {
    /// A failure at a lower index, or a cancellation, made its item needless.
    case needless
    /// It worked on an item for too long. It may be on another one when the kill arrives.
    case overdue(item: Int)
    /// It waits for a wake that no thread or process is left to send.
    case deadlocked
}
