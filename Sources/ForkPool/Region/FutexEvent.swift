internal import CForkPool
internal import Glibc
internal import Synchronization

/// A word in shared memory on which one process waits for another: nobody is woken unless somebody sleeps.
///
/// Who waits announces it and then looks once more at what it waits for; who signals has published that first. Both
/// orders are sequentially consistent, so one sees the other. What happened is for the sleeper to look at.
@safe struct FutexEvent: @unchecked Sendable {
    /// Who sleeps.
    struct Sleepers: OptionSet {
        let rawValue: UInt32
        /// A thread in a futex wait on the word.
        static let threads = Sleepers(rawValue: 1)
        /// A task, which the keeper resumes when its bell rings.
        static let tasks = Sleepers(rawValue: 2)
    }

    /// The bits of the word that say who sleeps; those above count signals, so that who was about to sleep when one came
    /// does not take another's announcement for its own.
    private static let sleeperBits: UInt32 = 3
    private static let oneSignal: UInt32 = 4

    private let word: UnsafeMutablePointer<Atomic<UInt32>>
    /// Whether only threads of this process use it: then a waiter that nobody is left to wake can be told.
    private let isPrivate: Bool

    init(at memory: UnsafeMutableRawPointer, isPrivate: Bool = false) {
        unsafe word = memory.assumingMemoryBound(to: Atomic<UInt32>.self)
        self.isPrivate = isPrivate
    }

    private var futex: UnsafeMutablePointer<UInt32> {
        unsafe UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }

    /// Says that somebody is about to sleep; returns what the word is then.
    func announce(_ sleepers: Sleepers) -> UInt32 {
        unsafe word.pointee.bitwiseOr(sleepers.rawValue, ordering: .sequentiallyConsistent).newValue
    }

    /// Sleeps until the word is not `seen` any more; returns also for no reason, and after `timeout` nanoseconds unless
    /// that is negative.
    ///
    /// - Returns: Whether it ended before that time.
    @discardableResult
    func sleep(while seen: UInt32, timeout: Int64 = -1) -> Bool {
        let result =
            unsafe isPrivate
            ? cforkpool_futex_wait_private(futex, seen, timeout) : cforkpool_futex_wait(futex, seen, timeout)
        return result != -ETIMEDOUT
    }

    /// Wakes whoever sleeps.
    ///
    /// - Returns: Who slept; for tasks the keeper's bell is to be rung.
    @discardableResult
    func signal() -> Sleepers {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        var seen = unsafe word.pointee.load(ordering: .relaxed)
        while true {
            let sleepers = Sleepers(rawValue: seen & Self.sleeperBits)
            if sleepers.isEmpty { return [] }
            let (isStored, original) = unsafe word.pointee.compareExchange(
                expected: seen, desired: (seen & ~Self.sleeperBits) &+ Self.oneSignal,
                ordering: .sequentiallyConsistent)
            if isStored {
                if sleepers.contains(.threads) { wakeThreads() }
                return sleepers
            }
            seen = original
        }
    }

    /// Wakes every thread, whatever the word says: whoever was to do it may have died.
    func wakeThreads() {
        _ = unsafe isPrivate ? cforkpool_futex_wake_private(futex, .max) : cforkpool_futex_wake(futex, .max)
    }
}
