// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A counter with a descriptor that is readable after a notification (`eventfd`); a forked worker does not keep it.
@safe final class EventFD: Sendable {
    private nonisolated(unsafe) let event: UnsafeMutablePointer<cforkpool_event>
    var descriptor: Int32 { unsafe event.pointee.fd }

    init() throws(SystemError) {
        var error: Int32 = 0
        guard let event = unsafe cforkpool_event_make(&error) else { throw SystemError(call: "eventfd", code: -error) }
        unsafe self.event = event
    }

    deinit {
        unsafe cforkpool_event_free(event)
    }

    /// Makes the descriptor readable; async-signal-safe.
    func notify() {
        _ = unsafe cforkpool_event_notify(event)
    }

    static func isReadable(_ descriptor: Int32) -> Bool { look(descriptor) & Int16(POLLIN) != 0 }

    /// Whether a number is that of a descriptor, which the program may have closed.
    static func isOpen(_ descriptor: Int32) -> Bool { look(descriptor) & Int16(POLLNVAL) == 0 }

    private static func look(_ descriptor: Int32) -> Int16 {
        var entry = cforkpool_poll(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe cforkpool_ppoll(&entry, 1, 0) == 1 ? entry.revents : 0
    }

    /// Takes another descriptor if the program closed the one that there was; the only reader calls it.
    func reopen() {
        if !Self.isOpen(descriptor) { _ = unsafe cforkpool_event_reopen(event) }
    }

    func drain() {
        unsafe cforkpool_event_drain(event)
    }
}
