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

    /// Makes the descriptor readable; returns false if the program closed it.
    ///
    /// It is async-signal-safe.
    @discardableResult
    func notify() -> Bool {
        unsafe cforkpool_event_notify(event) == 0
    }

    static func isReadable(_ descriptor: Int32) -> Bool {
        var entry = cforkpool_poll(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe cforkpool_ppoll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLIN) != 0
    }

    /// Takes another descriptor, because the program closed the one that there was; the only reader calls it.
    func reopen() {
        _ = unsafe cforkpool_event_reopen(event)
    }

    func drain() {
        unsafe cforkpool_event_drain(event)
    }
}
