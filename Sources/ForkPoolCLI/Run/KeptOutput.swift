// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// A file of `--results`, which is called `NAME.partial` until its job has ended.
///
/// This process writes it, not the job, whose own write to a full disk could fail without a word.
final class KeptOutput {
    let descriptor: Int32
    private let path: String
    /// Its present name.
    var name: String { Self.partial(path) }

    /// Makes the file.
    ///
    /// - Parameter path: Its final name.
    /// - Throws: `OutputError`.
    init(_ path: String) throws(OutputError) {
        self.path = path
        unsafe unlink(Self.partial(path))
        descriptor = unsafe open(Self.partial(path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666 as mode_t)
        guard descriptor >= 0 else { throw OutputError(what: Self.partial(path), code: errno) }
    }

    deinit { close(descriptor) }

    /// Gives the file its final name (`rename`).
    ///
    /// - Parameter limit: The most bytes that stay in it.
    /// - Throws: `OutputError`.
    func finish(atMost limit: Int) throws(OutputError) {
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_size > limit { ftruncate(descriptor, off_t(limit)) }
        let code = closingError(of: descriptor)
        guard code == 0 else { throw OutputError(what: Self.partial(path), code: code) }
        guard unsafe rename(Self.partial(path), path) == 0 else { throw OutputError(what: path, code: errno) }
    }

    private static func partial(_ path: String) -> String { path + ".partial" }
}

/// What the system says at the end of a file, 0 or an errno: some file systems tell only then that a disk is full.
///
/// The descriptor stays open.
func closingError(of descriptor: Int32) -> Int32 {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    // Without a free descriptor there is no answer, and the file is as whole as any.
    return copy < 0 || close(copy) == 0 ? 0 : errno
}
#endif
