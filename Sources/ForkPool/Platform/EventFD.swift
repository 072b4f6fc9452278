// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A counter with a descriptor that is readable after a notification (`eventfd`).
final class EventFD: Sendable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = try SystemError.check("eventfd") { cforkpool_eventfd() }
    }

    deinit {
        close(descriptor)
    }

    /// Makes the descriptor readable; async-signal-safe.
    func notify() {
        _ = cforkpool_eventfd_notify(descriptor)
    }

    static func isReadable(_ descriptor: Int32) -> Bool {
        var entry = cforkpool_poll(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe cforkpool_ppoll(&entry, 1, 0) == 1
    }

    func drain() {
        cforkpool_eventfd_drain(descriptor)
    }
}
