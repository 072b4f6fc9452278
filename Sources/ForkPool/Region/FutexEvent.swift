// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// A word in shared memory on which one process waits for another; a signal that nothing waits for costs no system call.
///
/// A waiter announces itself and then looks once more at what it waits for; a signaller has published that first. Both
/// orders are sequentially consistent, so one sees the other. What happened is for the sleeper to look at.
@safe struct FutexEvent: @unchecked Sendable {
    /// What sleeps.
    struct Sleepers: OptionSet {
        let rawValue: UInt32
        /// A thread in a futex wait on the word.
        static let threads = Sleepers(rawValue: 1)
        /// A task, which the supervisor resumes when it is notified.
        static let tasks = Sleepers(rawValue: 2)
    }

    /// The bits of the word that say what sleeps; those above count signals, so that a waiter that was about to sleep when
    /// a signal came does not take another's announcement for its own.
    private static let sleeperBits: UInt32 = 3
    private static let oneSignal: UInt32 = 4

    private let word: UnsafeMutablePointer<Atomic<UInt32>>
    /// Whether only threads of this process use it: then a wait that nothing can end is seen as a deadlock.
    private let isPrivate: Bool

    init(at memory: UnsafeMutableRawPointer, isPrivate: Bool = false) {
        unsafe word = memory.assumingMemoryBound(to: Atomic<UInt32>.self)
        self.isPrivate = isPrivate
    }

    /// Publishes that a thread or a task is about to sleep; returns what the word is then.
    func announce(_ sleepers: Sleepers) -> UInt32 {
        unsafe word.pointee.bitwiseOr(sleepers.rawValue, ordering: .sequentiallyConsistent).newValue
    }

    /// Whether something sleeps, or is about to; ordered behind what the caller published by a sequentially consistent write.
    var isAwaited: Bool { unsafe word.pointee.load(ordering: .sequentiallyConsistent) & Self.sleeperBits != 0 }

    /// The word as it is now.
    var value: UInt32 { unsafe word.pointee.load(ordering: .relaxed) }

    /// Takes an announcement back, which no other thread may have made as well.
    func retract(_ sleepers: Sleepers) {
        _ = unsafe word.pointee.bitwiseAnd(~sleepers.rawValue, ordering: .relaxed)
    }

    /// Sleeps until the word is not `seen` any more, or for no reason; returns false if `timeout` nanoseconds ended it.
    @discardableResult
    func sleep(while seen: UInt32, timeout: Int64 = -1) -> Bool {
        let word = unsafe futex(word)
        let result =
            unsafe isPrivate
            ? cforkpool_futex_wait_private(word, seen, timeout) : cforkpool_futex_wait(word, seen, timeout)
        return result != -ETIMEDOUT
    }

    /// Wakes the threads that sleep; returns what slept, and where tasks did, the caller notifies the supervisor.
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

    /// Wakes every thread, whatever the word says: the process that was to do it may have died.
    func wakeThreads() {
        let word = unsafe futex(word)
        _ = unsafe isPrivate ? cforkpool_futex_wake_private(word, .max) : cforkpool_futex_wake(word, .max)
    }
}

/// The address of a word for the futex calls.
func futex(_ word: UnsafeMutablePointer<Atomic<UInt32>>) -> UnsafeMutablePointer<UInt32> {
    unsafe UnsafeMutableRawPointer(word).assumingMemoryBound(to: UInt32.self)
}
