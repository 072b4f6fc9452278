/// Decides when a worker is looked at, and whether it is on its item for too long or waits for ever.
///
/// A pure state machine: whoever supervises the workers tells it what their lines say and how they look from outside, at
/// the times that it asks for.
struct Watchdog {
    fileprivate struct Entry {
        var snapshot: ItemSnapshot
        /// When the snapshot was new.
        var since: Int
        /// What is not counted, since everybody was stopped.
        var excuse = 0
        /// How the worker looked last, if it may wait or spin for ever.
        var suspicion: ProcSample?
        /// Whether it was suspected to spin, which is not refuted.
        var mayGlimpse = false
        /// The lock that it was seen to ask for in vain, and how long it had run then.
        var spin: (found: DeadlockProof.Spin, time: UInt64)?
        /// When to look at it from outside.
        var nextLook: Int
        /// The time until the look after that.
        var patience = Watchdog.firstLook
    }

    /// A worker that did not move for so long is looked at from outside, in nanoseconds; then less and less often.
    static let firstLook = 100_000_000
    fileprivate static let longestPatience = 2_000_000_000
    /// The time between two looks that prove a wait for ever.
    private static let secondLook = 5_000_000
    /// The time between two stops of a worker that may spin.
    private static let secondStop = 20_000_000
    /// Nobody looks twice within such a time.
    private static let shortestTime = 500_000
    /// Whoever was to look and comes so much later was stopped, and so were the workers, perhaps.
    private static let longestDelay = 500_000_000

    /// How long an item may take, in nanoseconds, or nil.
    private let timeout: Int?
    private let provesDeadlocks: Bool
    private var entries: [Int: Entry] = [:]
    /// When somebody was to look.
    private var plannedTime = Int.max
    /// When everybody went on that had been stopped: who began before was stopped too.
    private var resumed = 0
    /// The workers that are to be stopped for a moment.
    private var suspects: [Int] = []

    init(timeout: Duration?, provesDeadlocks: Bool) {
        self.timeout = timeout?.nanoseconds
        self.provesDeadlocks = provesDeadlocks
    }

    /// Whether there is anything to watch for.
    var isNeeded: Bool { timeout != nil || provesDeadlocks }

    /// In so many nanoseconds somebody must look who knows of no worker yet.
    var period: Int { min(timeout ?? .max, provesDeadlocks ? Self.firstLook : .max) }

    /// Hears what the line of a worker says.
    ///
    /// - Parameters:
    ///   - worker: The worker.
    ///   - snapshot: What its line says.
    ///   - now: Now, in nanoseconds of the monotonic clock.
    ///   - look: Looks at the process from outside, if that is asked for.
    /// - Returns: Why to kill it, if so.
    mutating func see(
        _ worker: Int, _ snapshot: ItemSnapshot, at now: Int, look: () -> ProcSample?
    ) -> KillReason? {
        var entry = entries[worker] ?? Entry(snapshot: snapshot, since: now, nextLook: now + Self.firstLook)
        if entry.snapshot != snapshot { entry = Entry(snapshot: snapshot, since: now, nextLook: now + Self.firstLook) }
        if entry.excuse == 0, snapshot.began > 0, entry.begin < resumed { entry.excuse = resumed - entry.begin }
        defer { entries[worker] = entry }
        if let timeout, snapshot.began > 0 {
            // A time that cannot be is none.
            if now - entry.begin >= timeout { return .overdue(item: snapshot.position) }
        }
        guard provesDeadlocks, now >= entry.nextLook else { return nil }
        let seen = look()
        if let first = entry.suspicion, let seen, DeadlockProof.proves(first, seen) { return .deadlocked }
        if let first = entry.suspicion, let seen, entry.isSuspect(first, seen) {
            entry.mayGlimpse = true
            entry.suspicion = seen
            entry.nextLook = now + Self.secondStop
            // Who has not run since it was stopped would be found as it was. A tick may have been all but over then.
            if entry.spin.map({ seen.work.time > $0.time + 1 }) ?? true { suspects.append(worker) }
            return nil
        }
        let isHelpless = seen?.isHelpless == true
        entry.refuteSpin()
        entry.suspicion = isHelpless || seen?.isBusyAlone == true ? seen : nil
        entry.wait(isHelpless ? Self.secondLook : nil, from: now)
        return nil
    }

    /// Has those stopped for a moment that may spin, after all were seen.
    ///
    /// - Parameters:
    ///   - now: Now, in nanoseconds of the monotonic clock.
    ///   - look: Stops the processes of these workers, together, and says what was found of each.
    /// - Returns: Those that were found to ask in vain for the same lock as before: to be killed.
    mutating func glimpse(at now: Int, _ look: ([Int]) -> [StopSample]) -> [Int] {
        guard !suspects.isEmpty else { return [] }
        let workers = suspects
        suspects = []
        var proven: [Int] = []
        for (worker, glimpse) in zip(workers, look(workers)) {
            guard var entry = entries[worker] else { continue }
            switch glimpse {
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
                // The stop is a pause: what was seen before it cannot be compared with what comes after.
                entry.suspicion = nil
                entry.refuteSpin()
                entry.wait(from: now)
            }
            entries[worker] = entry
        }
        return proven
    }

    /// Forgets a worker that ended.
    mutating func forget(_ worker: Int) {
        entries[worker] = nil
        suspects.removeAll { $0 == worker }
    }

    /// Hears that the time to look has come.
    mutating func wake(at now: Int) {
        let delay = plannedTime == .max ? 0 : now - plannedTime
        guard delay > Self.longestDelay else { return }
        for worker in entries.keys { entries[worker]!.excuse += delay }
        resumed = now
    }

    /// When somebody must look, in nanoseconds of the monotonic clock.
    mutating func nextTime(now: Int) -> Int {
        guard isNeeded else { return .max }
        var time = now + period
        for entry in entries.values {
            if let timeout, entry.snapshot.began > 0 { time = min(time, entry.begin + timeout) }
            if provesDeadlocks { time = min(time, entry.nextLook) }
        }
        // Who is overdue, and is not killed, is about to be done.
        plannedTime = max(time, now + Self.shortestTime)
        return plannedTime
    }
}

extension Watchdog.Entry {
    /// The time that the item is taken to have begun; a time that cannot be is none.
    fileprivate var begin: Int { min(snapshot.began, since) + excuse }

    /// Whether the worker may spin, as it looked first and looks now.
    fileprivate func isSuspect(_ first: ProcSample, _ seen: ProcSample) -> Bool {
        mayGlimpse ? seen.isBusyAlone : DeadlockProof.suspectsSpin(first, seen)
    }

    fileprivate mutating func refuteSpin() {
        mayGlimpse = false
        spin = nil
    }

    /// Sets the next look, after a given time or when patience ends, which lasts longer each time.
    fileprivate mutating func wait(_ time: Int? = nil, from now: Int) {
        nextLook = now + (time ?? patience)
        patience = min(2 * patience, Watchdog.longestPatience)
    }
}
