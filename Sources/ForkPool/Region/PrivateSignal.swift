// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A word of this process's own memory on which its threads wait for each other, as on a `FutexEvent`.
@safe final class PrivateSignal: Sendable {
    private let event: FutexEvent
    private nonisolated(unsafe) let word: UnsafeMutablePointer<Atomic<UInt32>>

    init() {
        unsafe word = UnsafeMutablePointer.allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        event = unsafe FutexEvent(at: UnsafeMutableRawPointer(word), isPrivate: true)
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    func signal() {
        event.signal()
    }

    /// Waits once, while `isMissing`, at most `timeout` nanoseconds; may also return without a signal.
    func wait(while isMissing: () -> Bool, timeout: Int64 = -1) {
        let seen = event.announce(.threads)
        if isMissing() { event.sleep(while: seen, timeout: timeout) }
    }
}

final class PrivateEvent: Sendable {
    private let isOver = Atomic(false)
    private let word = PrivateSignal()
    /// The thread that will signal the event, once it runs.
    private let signaller = Atomic<UInt>(0)

    /// Promises that the calling thread will signal the event.
    func promise() {
        signaller.store(UInt(pthread_self()), ordering: .relaxed)
    }

    func signal() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        word.signal()
    }

    /// Waits for the event for so many nanoseconds, or for no reason less long; returns whether it has come.
    func wait(_ timeout: Int64) -> Bool {
        word.wait(while: { !isOver.load(ordering: .sequentiallyConsistent) }, timeout: timeout)
        return isOver.load(ordering: .sequentiallyConsistent)
    }

    /// Whether the calling thread is the one that will signal the event.
    var isPromisedHere: Bool { signaller.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Waits for the event; the thread that will signal it does not wait for itself.
    func wait() {
        guard !isPromisedHere else { return }
        while !isOver.load(ordering: .sequentiallyConsistent) {
            word.wait(while: { !isOver.load(ordering: .sequentiallyConsistent) })
        }
    }
}
