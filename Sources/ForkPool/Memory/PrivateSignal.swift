internal import Glibc
internal import Synchronization

/// A word of this process alone on which its threads wait for each other, as in `SharedEvent`.
@safe final class PrivateSignal: Sendable {
    private let event: SharedEvent
    private nonisolated(unsafe) let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        unsafe word = UnsafeMutablePointer.allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        event = unsafe SharedEvent(at: UnsafeMutableRawPointer(word), isPrivate: true)
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    /// Wakes whoever waits.
    func signal() {
        event.signal()
    }

    /// Waits once, if what is waited for is not there; returns also for no reason.
    func wait(while isNotThere: () -> Bool) {
        let seen = event.announce(.threads)
        if isNotThere() { event.sleep(while: seen) }
    }
}
