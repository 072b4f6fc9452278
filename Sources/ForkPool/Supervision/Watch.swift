/// Decides when a worker is looked at, and whether it is on its item for too long or waits for ever.
///
/// A pure state machine: whoever supervises the workers tells it what their lines say and how they look from outside, at
/// the times that it asks for.
struct Watch {
    /// What a worker's line says of the item that it is on.
    struct Sight: Equatable {
        /// The item, or -1.
        var position: Int
        /// When the worker began it, in nanoseconds of the monotonic clock; 0 if it has not, or items are not timed.
        var began: Int
    }

    fileprivate struct Entry {
        var sight: Sight
        /// When the sight was new.
        var since: Int
        /// What is not counted, since everybody was stopped.
        var excuse = 0
        /// How the worker looked last, if it may wait or spin for ever.
        var suspicion: DeadlockProof.Look?
        /// The lock that it was seen to ask for in vain.
        var spin: DeadlockProof.Spin?
        /// When to look at it from outside.
        var nextLook: Int
        /// The time until the look after that.
        var patience = Watch.firstLook
    }

    /// A worker that did not move for so long is looked at from outside, in nanoseconds; then less and less often.
    static let firstLook = 100_000_000
    private static let longestPatience = 2_000_000_000
    /// The time between two looks that prove a deadlock.
    private static let secondLook = 5_000_000
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
    ///   - sight: What its line says.
    ///   - now: Now, in nanoseconds of the monotonic clock.
    ///   - look: Looks at the process from outside, if that is asked for.
    ///   - spin: Looks at what the process repeats, if it seems to repeat something.
    /// - Returns: Why to kill it, if so.
    mutating func see(
        _ worker: Int, _ sight: Sight, at now: Int, look: () -> DeadlockProof.Look?,
        spin: () -> DeadlockProof.Spin? = { nil }
    ) -> MapMachine.Verdict? {
        var entry = entries[worker] ?? Entry(sight: sight, since: now, nextLook: now + Self.firstLook)
        if entry.sight != sight { entry = Entry(sight: sight, since: now, nextLook: now + Self.firstLook) }
        if entry.excuse == 0, sight.began > 0, entry.begin < resumed { entry.excuse = resumed - entry.begin }
        defer { entries[worker] = entry }
        if let timeout, sight.began > 0 {
            // A time that cannot be is none.
            if now - entry.begin >= timeout { return .overdue(item: sight.position) }
        }
        guard provesDeadlocks, now >= entry.nextLook else { return nil }
        let seen = look()
        if let first = entry.suspicion, let seen, DeadlockProof.proves(first, seen) { return .deadlocked }
        var isClose = seen?.isHelpless == true
        if let first = entry.suspicion, let seen, seen.isBusyAlone,
            entry.spin != nil || DeadlockProof.suspectsSpin(first, seen)
        {
            let found = spin()
            if let found, found == entry.spin { return .deadlocked }
            entry.spin = found
            isClose = found != nil
        }
        entry.suspicion = isClose || seen?.isBusyAlone == true ? seen : nil
        entry.nextLook = now + (isClose ? Self.secondLook : entry.patience)
        entry.patience = min(2 * entry.patience, Self.longestPatience)
        return nil
    }

    /// Forgets a worker that ended.
    mutating func forget(_ worker: Int) {
        entries[worker] = nil
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
            if let timeout, entry.sight.began > 0 { time = min(time, entry.begin + timeout) }
            if provesDeadlocks { time = min(time, entry.nextLook) }
        }
        // Who is overdue, and is not killed, is about to be done.
        plannedTime = max(time, now + Self.shortestTime)
        return plannedTime
    }
}

extension Watch.Entry {
    /// When the item is taken to have begun; a time that cannot be is none.
    fileprivate var begin: Int { min(sight.began, since) + excuse }
}
