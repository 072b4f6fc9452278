// SPDX-License-Identifier: Apache-2.0
internal import CForkLaunch
package import ForkPool
internal import Glibc

/// A file without a name for what programs write, in memory or on a disk.
package final class CaptureFile {
    /// The descriptor for the program's standard output or error; closed with this object.
    package let descriptor: Int32

    /// Makes an empty file in memory, which grows as needed (`memfd_create`).
    ///
    /// - Throws: What the system refused.
    package init() throws(SystemError) {
        descriptor = try SystemError.check("memfd_create") { cforklaunch_memfd_create() }
    }

    /// Makes an empty file on the disk of a folder (`open` with `O_TMPFILE`).
    ///
    /// - Parameter folder: The folder.
    /// - Throws: What the system refused.
    package init(inFolder folder: String) throws(SystemError) {
        descriptor = try SystemError.check("open") { unsafe cforklaunch_open_unnamed(folder) }
    }

    deinit { close(descriptor) }

    /// Whether the files of a folder are in memory (`statfs`).
    package static func isInMemory(_ folder: String) -> Bool { unsafe cforklaunch_statfs_memory(folder) }

    /// Gives the memory or disk space of some bytes back (`fallocate`); the file keeps its length.
    ///
    /// A refusal changes nothing: the space comes back with the end of the file.
    package func discard(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        _ = cforklaunch_fallocate_hole(descriptor, Int64(range.lowerBound), Int64(range.count))
    }
}
