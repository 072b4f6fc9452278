internal import CForkPool
internal import Glibc

/// Memory that a program writes its output to as if it were a file; grows with it, and has no name (`memfd_create`).
package final class CaptureFile {
    /// What is to be the program's standard output or error; closed when this is dropped.
    package let descriptor: Int32

    /// Makes an empty one.
    ///
    /// - Throws: What the system refused.
    package init() throws(CommandRefusal) {
        descriptor = cforkpool_capture()
        guard descriptor >= 0 else { throw CommandRefusal(SystemError(call: "memfd_create", code: -descriptor)) }
    }

    deinit { close(descriptor) }
}
