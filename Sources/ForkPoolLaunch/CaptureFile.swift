// SPDX-License-Identifier: Apache-2.0
internal import CForkLaunch
package import ForkPool
internal import Glibc

/// Memory that a program writes its output to as if it were a file; it grows as needed and has no name (`memfd_create`).
package final class CaptureFile {
    /// The descriptor for the program's standard output or error; closed with this object.
    package let descriptor: Int32

    /// Makes an empty file.
    ///
    /// - Throws: What the system refused.
    package init() throws(SystemError) {
        descriptor = try SystemError.check("memfd_create") { cforklaunch_memfd_create() }
    }

    deinit { close(descriptor) }
}
