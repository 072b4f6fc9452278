internal import CForkPool
public import Synchronization

/// One worker's line of the scoreboard: where it is, for the parent to read when the worker has ended.
///
/// A line has 128 bytes, two cache lines, so that no two workers write to the same one (nor to a prefetched
/// neighbour). The worker writes; the parent checks whatever it reads, once, before it uses it.
@usableFromInline
@safe struct ScoreLine {
    static let size = 128

    @usableFromInline let base: UnsafeMutableRawPointer

    init(base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    private func word(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + number * 8).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The item that the worker is on or was on last; -1 before the first.
    @usableFromInline var position: UnsafeMutablePointer<Atomic<Int>> {
        unsafe base.assumingMemoryBound(to: Atomic<Int>.self)
    }
    /// The end of the claimed range; 0 while there is none.
    var end: UnsafeMutablePointer<Atomic<Int>> { unsafe word(1) }
    /// One of the `Finish` values: how the worker left its loop, if it did.
    var finish: UnsafeMutablePointer<Atomic<Int>> { unsafe word(2) }
    /// Bytes used at the front of the worker's arena.
    var arenaUsed: UnsafeMutablePointer<Atomic<Int>> { unsafe word(3) }
    /// The newest report in the worker's arena, as its offset plus one; 0 if there is none.
    var newestReport: UnsafeMutablePointer<Atomic<Int>> { unsafe word(4) }

    /// What the worker is to run before it claims, written by the parent: a range that another one left.
    var leftoverStart: UnsafeMutablePointer<Atomic<Int>> { unsafe word(5) }
    var leftoverEnd: UnsafeMutablePointer<Atomic<Int>> { unsafe word(6) }

    /// The entry that the worker is at, plus one, or 0; for resident pools only, as what follows.
    var entry: UnsafeMutablePointer<Atomic<Int>> { unsafe word(7) }
    /// 1 while the worker sleeps: a futex.
    private var sleep: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (base + 64).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
    /// One of the `Stage` values.
    var stage: UnsafeMutablePointer<Atomic<Int>> { unsafe word(9) }
    /// Up to where blocks of the worker's arena were ever used, and up to where since the parent last looked.
    var blocksUsed: UnsafeMutablePointer<Atomic<Int>> { unsafe word(10) }
    var blocksTouched: UnsafeMutablePointer<Atomic<Int>> { unsafe word(11) }
    /// 1 while the worker must not go on to another batch, since it is about to be killed: a futex.
    private var condemned: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (base + 96).assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    /// When the worker began the item that it is on, in nanoseconds of the monotonic clock, where items are timed; 0 between
    /// two items.
    var began: UnsafeMutablePointer<Atomic<Int>> { unsafe word(13) }
    /// Which attempt at its first item the leftover is.
    var leftoverAttempt: UnsafeMutablePointer<Atomic<Int>> { unsafe word(14) }

    /// Makes the line that of a worker whose arena is empty.
    func clear() {
        begin(leftover: nil)
        unsafe arenaUsed.pointee.store(0, ordering: .relaxed)
        unsafe newestReport.pointee.store(0, ordering: .relaxed)
    }

    /// Makes the line that of a worker that has not begun, and keeps what its arena holds.
    func begin(leftover: Range<Int>?, attempt: Int = 1) {
        unsafe position.pointee.store(-1, ordering: .relaxed)
        unsafe end.pointee.store(0, ordering: .relaxed)
        unsafe finish.pointee.store(Finish.running, ordering: .relaxed)
        unsafe stage.pointee.store(Stage.starting, ordering: .relaxed)
        unsafe condemned.pointee.store(0, ordering: .relaxed)
        unsafe began.pointee.store(0, ordering: .relaxed)
        unsafe leftoverAttempt.pointee.store(attempt, ordering: .relaxed)
        unsafe leftoverStart.pointee.store(leftover?.lowerBound ?? 0, ordering: .relaxed)
        unsafe leftoverEnd.pointee.store(leftover?.upperBound ?? 0, ordering: .relaxed)
    }

    /// Says that the worker claimed `range`.
    ///
    /// The order of the stores keeps every prefix of them true.
    func publish(claim range: Range<Int>) {
        // The time is that of the item before.
        unsafe began.pointee.store(0, ordering: .relaxed)
        unsafe end.pointee.store(0, ordering: .releasing)
        unsafe position.pointee.store(range.lowerBound, ordering: .releasing)
        unsafe end.pointee.store(range.upperBound, ordering: .sequentiallyConsistent)
    }

    /// How a worker left its loop.
    ///
    /// An exit without one of these is the body's doing.
    enum Finish {
        static let running = 0
        /// Nothing was left to claim, or a failure elsewhere ended the map.
        static let done = 1
        /// It has run as many items as it was to.
        static let used = 2
        /// It could not be set up; its newest report says why.
        static let notSetUp = 3
    }

    /// How far a worker is.
    enum Stage {
        /// Before or in `setUp`.
        static let starting = 0
        /// Past `setUp`.
        static let ready = 1
        /// It has claimed something.
        static let working = 2
    }
}

// MARK: - Being timed

extension ScoreLine {
    /// Says that the worker begins an item that is timed, unless it is to be killed for the one before.
    func begin(timed item: Int) {
        unsafe began.pointee.store(0, ordering: .relaxed)
        unsafe position.pointee.store(item, ordering: .sequentiallyConsistent)
        waitIfCondemned()
        unsafe began.pointee.store(monotonicNanoseconds(), ordering: .releasing)
    }

    /// What the line says of the item that the worker is on.
    var sight: Watch.Sight {
        unsafe Watch.Sight(
            position: position.pointee.load(ordering: .sequentiallyConsistent),
            began: began.pointee.load(ordering: .acquiring))
    }
}

// MARK: - Being killed

extension ScoreLine {
    /// Keeps the worker from going on to another batch, and to another item that is timed.
    ///
    /// Whoever says so looks afterwards whether the worker is still inside of the batch, or on the item, that it is to be
    /// killed for; the worker looks here when it has left it. One of them sees the other.
    func condemn() {
        unsafe condemned.pointee.store(1, ordering: .sequentiallyConsistent)
    }

    /// Lets a worker go on that had left its batch before.
    func pardon() {
        unsafe condemned.pointee.store(0, ordering: .sequentiallyConsistent)
        _ = unsafe cforkpool_futex_wake(UnsafeMutableRawPointer(condemned).assumingMemoryBound(to: UInt32.self), 1)
    }

    /// Waits, if the worker is about to be killed, for that or for a pardon.
    func waitIfCondemned() {
        while unsafe condemned.pointee.load(ordering: .sequentiallyConsistent) != 0 {
            _ = unsafe cforkpool_futex_wait(
                UnsafeMutableRawPointer(condemned).assumingMemoryBound(to: UInt32.self), 1, -1)
        }
    }
}

extension ScoreLine {
    /// Keeps a worker from going on that is to be killed for an item, unless it is not on that any more.
    ///
    /// - Returns: Whether to kill it.
    func condemn(at sight: Watch.Sight, for verdict: MapMachine.Verdict, _ results: ResultMemory) -> Bool {
        // Who waits for ever goes nowhere.
        guard case .overdue(let item) = verdict else { return true }
        condemn()
        // Also who asks an error what it says of itself, and has no answer, is on the item still.
        if self.sight == sight, item >= 0, item < results.count,
            unsafe !ItemState.isOver(results.states[item].load(ordering: .acquiring))
        {
            return true
        }
        pardon()
        return false
    }
}

extension MapMachine.Sight {
    /// What a dead worker's line says, which was found to lie within the map: `claim` goes from the item that the worker was
    /// on to the end of what it had claimed.
    init(
        _ line: ScoreLine, _ claim: Range<Int>, finished: Bool, isUsedUp: Bool = false, _ results: ResultMemory,
        timesItems: Bool
    ) {
        let item = claim.lowerBound
        let isUnfinished = unsafe results.states[item].load(ordering: .acquiring) == ItemState.unfinished
        // Where items are timed, it is known also whether the body had begun.
        let hasBegun = unsafe !timesItems || line.began.pointee.load(ordering: .relaxed) != 0
        let rest = (isUnfinished && !hasBegun ? item : item + 1)..<claim.upperBound
        self.init(
            finished: finished, isUsedUp: isUsedUp, item: isUnfinished && hasBegun ? item : nil,
            leftover: rest.isEmpty ? nil : rest, claimed: true)
    }
}

// MARK: - Sleeping

extension ScoreLine {
    /// Says that the worker is about to sleep.
    func announceSleep() {
        unsafe sleep.pointee.store(1, ordering: .sequentiallyConsistent)
    }

    /// Whether the worker sleeps, or is about to.
    var isSleeping: Bool { unsafe sleep.pointee.load(ordering: .sequentiallyConsistent) == 1 }

    /// Sleeps until it is woken, if it was not meanwhile.
    func waitUntilWoken() {
        while unsafe sleep.pointee.load(ordering: .acquiring) == 1 {
            _ = unsafe cforkpool_futex_wait(UnsafeMutableRawPointer(sleep).assumingMemoryBound(to: UInt32.self), 1, -1)
        }
    }

    /// Says that the worker does not sleep after all.
    func stayAwake() {
        unsafe sleep.pointee.store(0, ordering: .relaxed)
    }

    /// Wakes the worker.
    func wake() {
        unsafe sleep.pointee.store(0, ordering: .releasing)
        _ = unsafe cforkpool_futex_wake(UnsafeMutableRawPointer(sleep).assumingMemoryBound(to: UInt32.self), 1)
    }
}
