// SPDX-License-Identifier: Apache-2.0
internal import CForkLaunch
package import ForkPool
internal import Glibc

/// Counts an event in one program that the calling thread starts, and in its children, outside of the kernel.
///
/// Open a counter on the thread that starts the program, and use it for that program alone: the kernel may hand the
/// counter over to the program, and the counter then ends with it. Events count when the program has ended.
package final class EventCounter {
    /// An event to count.
    package struct Event: Sendable {
        let type: UInt32
        let config: UInt64

        /// Makes an event of the numbers that `perf_event_open` knows it by.
        package init(type: UInt32, config: UInt64) {
            self.type = type
            self.config = config
        }

        /// Instructions, by the processor's own counter.
        package static let instructions = Event(
            type: UInt32(CFORKLAUNCH_PERF_HARDWARE), config: UInt64(CFORKLAUNCH_PERF_INSTRUCTIONS))
    }

    private let descriptor: Int32

    /// Opens a counter (`perf_event_open`).
    ///
    /// - Throws: The refusal: `ENOENT` or `EOPNOTSUPP` where the machine has no such counter, `EACCES` or `EPERM` where this
    ///   process may not use it.
    package init(_ event: Event) throws(SystemError) {
        descriptor = try SystemError.check("perf_event_open") { cforklaunch_perf_event_open(event.type, event.config) }
    }

    deinit { close(descriptor) }

    /// The count so far; nil if the system does not say.
    package var count: Int? {
        let count = cforklaunch_perf_event_read(descriptor)
        return count >= 0 ? Int(count) : nil
    }
}
