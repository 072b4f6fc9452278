internal import CForkPool
internal import Glibc

/// A counter with a descriptor that is readable after a notification (`eventfd`).
final class EventFD: Sendable {
    let descriptor: Int32

    /// Makes a counter of 0.
    ///
    /// - Throws: The refusal.
    init() throws(SystemError) {
        descriptor = try SystemError.check("eventfd") { cforkpool_eventfd() }
    }

    deinit {
        close(descriptor)
    }

    /// Makes the descriptor readable. Async-signal-safe.
    func notify() {
        _ = cforkpool_eventfd_notify(descriptor)
    }

    /// Makes the descriptor unreadable.
    func drain() {
        cforkpool_eventfd_drain(descriptor)
    }
}
