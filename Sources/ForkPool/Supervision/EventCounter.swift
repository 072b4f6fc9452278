internal import CForkPool
internal import Glibc

/// Counts an event in a program that the calling thread starts, and in its children, outside of the kernel.
///
/// Opened by the thread that starts it, and for one program: the kernel may hand the counter over to the program, and
/// it ends with that. What a program did counts when it has ended.
package final class EventCounter {
    /// What is counted.
    package struct Event: Sendable {
        let type: UInt32
        let config: UInt64

        /// Makes an event, by the numbers that `perf_event_open` knows it by.
        package init(type: UInt32, config: UInt64) {
            self.type = type
            self.config = config
        }

        /// Instructions, by the processor's own counter.
        package static let instructions = Event(
            type: UInt32(CFORKPOOL_PERF_HARDWARE), config: UInt64(CFORKPOOL_PERF_INSTRUCTIONS))
    }

    private let descriptor: Int32

    /// Opens a counter (`perf_event_open`).
    ///
    /// - Throws: The refusal: `ENOENT` or `EOPNOTSUPP` where the machine has no such counter, `EACCES` or `EPERM` where this
    ///   process may not use it.
    package init(_ event: Event) throws(CommandRefusal) {
        descriptor = cforkpool_perf_event_open(event.type, event.config)
        guard descriptor >= 0 else {
            throw CommandRefusal(SystemError(call: "perf_event_open", code: -descriptor))
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// What was counted so far; nil if the system does not say.
    package var count: Int? {
        let count = cforkpool_perf_event_read(descriptor)
        return count >= 0 ? Int(count) : nil
    }
}
