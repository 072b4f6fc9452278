// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
public import Synchronization

/// One worker's record of what it does, which the parent reads when the worker has ended.
///
/// A record has 128 bytes, two cache lines, so that no two workers write to one line or to its prefetched neighbour. The
/// worker writes; the parent copies each word once and checks it before it uses it.
@usableFromInline
@safe struct WorkerRecord {
    static let size = 128

    @usableFromInline let base: UnsafeMutableRawPointer
    /// What the word of a requested kill holds then: a number that no wild write knows.
    let key: UInt32

    @inlinable
    func word(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + number * 8).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The item that the worker is on, or was on last; -1 before the first.
    @inlinable var position: UnsafeMutablePointer<Atomic<Int>> {
        unsafe base.assumingMemoryBound(to: Atomic<Int>.self)
    }
    /// The end of the claimed range; 0 while there is none.
    @inlinable var end: UnsafeMutablePointer<Atomic<Int>> { unsafe word(1) }
    /// One of the `Finish` values.
    var finish: UnsafeMutablePointer<Atomic<Int>> { unsafe word(2) }
    /// The bytes of the error that `setUp` threw, at the end of the worker's arena.
    var setUpErrorLength: UnsafeMutablePointer<Atomic<Int>> { unsafe word(3) }
    /// The batch slot that the worker is at, plus one, or 0.
    var batchSlot: UnsafeMutablePointer<Atomic<Int>> { unsafe word(4) }

    /// The remaining range of the worker's predecessor, which the parent writes and the worker runs before it claims.
    var remainingStart: UnsafeMutablePointer<Atomic<Int>> { unsafe word(5) }
    var remainingEnd: UnsafeMutablePointer<Atomic<Int>> { unsafe word(6) }
    /// The number of the attempt at the first item of the remaining range.
    var remainingAttempt: UnsafeMutablePointer<Atomic<Int>> { unsafe word(7) }

    /// 1 while the worker sleeps: a futex.
    private var sleep: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (base + 64).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
    /// Where a worker that is forked for one map waits until its parent knows of it.
    var known: UnsafeMutablePointer<UInt32> { unsafe (base + 68).assumingMemoryBound(to: UInt32.self) }
    /// One of the `Stage` values.
    var stage: UnsafeMutablePointer<Atomic<Int>> { unsafe word(9) }
    /// The number of blocks up to the last used one of the worker's arena: ever, and since the parent last asked.
    var blocksUsed: UnsafeMutablePointer<Atomic<Int>> { unsafe word(10) }
    var blocksTouched: UnsafeMutablePointer<Atomic<Int>> { unsafe word(11) }
    /// `key` while the parent is about to kill the worker, which must not begin anything else: a futex.
    private var killRequested: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (base + 96).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
    /// The number of processes that became the worker.
    private var starts: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe (base + 100).assumingMemoryBound(to: Atomic<UInt32>.self)
    }
    /// When the worker began its item, in nanoseconds of the monotonic clock; 0 between items, or where items are not
    /// timed.
    @inlinable var began: UnsafeMutablePointer<Atomic<Int>> { unsafe word(13) }
    /// The number of blocks of the arena that have pages which a fresh worker maps by one call; 0 where workers stay.
    var warmBlocks: UnsafeMutablePointer<Atomic<Int>> { unsafe word(14) }
    /// 1 if the worker leaves to give way to another map.
    var givesWay: UnsafeMutablePointer<Atomic<Int>> { unsafe word(15) }

    /// Makes the record that of a worker that has not begun, which first runs `remaining`; the arena keeps what it holds.
    func reset(remaining: Range<Int>?, attempt: Int = 1) {
        unsafe position.pointee.store(-1, ordering: .relaxed)
        unsafe end.pointee.store(0, ordering: .relaxed)
        unsafe finish.pointee.store(Finish.running, ordering: .relaxed)
        unsafe stage.pointee.store(Stage.starting, ordering: .relaxed)
        unsafe killRequested.pointee.store(0, ordering: .relaxed)
        unsafe began.pointee.store(0, ordering: .relaxed)
        unsafe givesWay.pointee.store(0, ordering: .relaxed)
        unsafe remainingAttempt.pointee.store(attempt, ordering: .relaxed)
        unsafe remainingStart.pointee.store(remaining?.lowerBound ?? 0, ordering: .relaxed)
        unsafe remainingEnd.pointee.store(remaining?.upperBound ?? 0, ordering: .relaxed)
    }

    /// Counts the calling process as one that became the worker; returns how many did before.
    func countStart() -> UInt32 {
        unsafe starts.pointee.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    /// Forgets which processes became the worker: another map begins.
    func forgetStarts() {
        unsafe starts.pointee.store(0, ordering: .relaxed)
    }

    func leaveBatch() {
        unsafe position.pointee.store(-1, ordering: .relaxed)
        unsafe remainingStart.pointee.store(0, ordering: .relaxed)
        unsafe end.pointee.store(0, ordering: .relaxed)
        unsafe began.pointee.store(0, ordering: .relaxed)
    }

    /// Publishes that the worker claimed `range`.
    ///
    /// The order of the stores keeps every prefix of them true: until the last one the record shows no claim.
    @inlinable
    func publish(claim range: Range<Int>) {
        // The old time belongs to the item before.
        unsafe began.pointee.store(0, ordering: .relaxed)
        unsafe end.pointee.store(0, ordering: .releasing)
        unsafe position.pointee.store(range.lowerBound, ordering: .releasing)
        unsafe end.pointee.store(range.upperBound, ordering: .releasing)
    }

    /// How a worker left its loop; an exit with `running` is the body's doing.
    enum Finish {
        static let running = 0
        /// Nothing was left to claim and the pool closes.
        static let done = 1
        /// It ran as many items as `itemsPerWorker` allows.
        static let used = 2
        /// `setUp` threw; the arena holds the error.
        static let notSetUp = 3
    }

    enum Stage {
        /// Before `setUp`, or waiting to become a worker.
        static let starting = 0
        /// In `setUp`.
        static let settingUp = 3
        /// Past `setUp`, in the making of its state.
        static let makingState = 4
        /// Past `setUp`, and with its state.
        static let ready = 1
        /// It has claimed an item.
        static let working = 2

        /// In `setUp` of a job of several; one more is the making of its state.
        static func settingUp(_ job: Int) -> Int { 5 + 2 * job }
        /// The number of that job; other stages have a negative one.
        static func job(at stage: Int) -> Int { stage < 5 ? -1 : (stage - 5) / 2 }
        /// The stage of making a state after that of a `setUp`.
        static func makingState(after stage: Int) -> Int { stage < 5 ? makingState : stage + 1 }
        static func makesState(_ stage: Int) -> Bool { stage >= makingState && stage % 2 == 0 }
    }

    // MARK: - Timed items

    /// Publishes that the worker begins a timed item, unless the parent is about to kill it for the one before.
    func begin(timed item: Int) {
        unsafe began.pointee.store(0, ordering: .relaxed)
        unsafe position.pointee.store(item, ordering: .sequentiallyConsistent)
        waitIfKillRequested()
        unsafe began.pointee.store(monotonicNanoseconds(), ordering: .releasing)
    }

    /// What the worker says that it is on, in the batch with a tag, whose items have a timeout in nanoseconds.
    func snapshot(tag: Int, timeout: Int? = nil) -> ItemSnapshot {
        unsafe ItemSnapshot(
            tag: tag, position: position.pointee.load(ordering: .sequentiallyConsistent),
            began: began.pointee.load(ordering: .acquiring), timeout: timeout)
    }

    // MARK: - Kill requests

    /// Keeps the worker from entering another batch, and from beginning another timed item.
    ///
    /// The parent then looks whether the worker is still in the batch, or on the item; the worker looks at this word after it
    /// has left. So one of the two sees the other.
    func requestKill() {
        unsafe killRequested.pointee.store(key, ordering: .sequentiallyConsistent)
    }

    func cancelKill() {
        unsafe killRequested.pointee.store(0, ordering: .sequentiallyConsistent)
        _ = unsafe cforkpool_futex_wake(futex(killRequested), 1)
    }

    /// Waits, while a kill is requested, for the kill or its cancellation.
    func waitIfKillRequested() {
        while unsafe killRequested.pointee.load(ordering: .sequentiallyConsistent) == key {
            _ = unsafe cforkpool_futex_wait(futex(killRequested), key, -1)
        }
    }

    // MARK: - Sleep

    func announceSleep() {
        unsafe sleep.pointee.store(1, ordering: .sequentiallyConsistent)
    }

    var isSleeping: Bool { unsafe sleep.pointee.load(ordering: .sequentiallyConsistent) == 1 }

    /// Sleeps until `wake`, unless that came after the announcement.
    func waitUntilWoken() {
        while unsafe sleep.pointee.load(ordering: .acquiring) == 1 {
            _ = unsafe cforkpool_futex_wait(futex(sleep), 1, -1)
        }
    }

    func stayAwake() {
        unsafe sleep.pointee.store(0, ordering: .relaxed)
    }

    func wake() {
        unsafe sleep.pointee.store(0, ordering: .releasing)
        _ = unsafe cforkpool_futex_wake(futex(sleep), 1)
    }
}

/// What a worker's record says of the item that it is on.
struct ItemSnapshot: Equatable {
    /// The tag of the batch that the worker is inside of, or 0.
    var tag = 0
    /// The item, or -1.
    var position: Int
    /// When the worker began the item, in nanoseconds of the monotonic clock; 0 if it has not, or items are not timed.
    var began: Int
    /// The longest time for the item, in nanoseconds.
    var timeout: Int?
}
