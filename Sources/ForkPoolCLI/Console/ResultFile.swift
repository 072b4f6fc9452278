// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// A file for results, tried before the measurement, so that a misspelt path fails at once.
///
/// A regular file is replaced as a whole when the results are there: until then it keeps its content, and no reader sees a part.
final class ResultFile {
    private let path: String
    /// The descriptor of what cannot be replaced: a device, a pipe, or a file in a folder that takes no new ones.
    private let direct: Int32?

    /// Opens a file; its content stays until `write`.
    ///
    /// - Throws: 74, after printing the reason.
    init(_ path: String) throws(ExitCode) {
        self.path = Self.resolved(path)
        guard Self.isReplaceable(path) else {
            direct = try Self.open(path, O_WRONLY | O_CREAT)
            return
        }
        // Refuses a file that is protected; a new one shows that the folder takes one.
        if unsafe access(self.path, F_OK) == 0 { close(try Self.open(path, O_WRONLY)) }
        let partial = unsafe Glibc.open(Self.partial(self.path), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o666)
        direct = partial >= 0 ? nil : try Self.open(path, O_WRONLY | O_CREAT)
        if partial >= 0 {
            close(partial)
            unsafe unlink(Self.partial(self.path))
        }
    }

    deinit {
        if let direct { close(direct) }
    }

    /// Replaces the content of the file.
    ///
    /// - Throws: 74, after printing the reason.
    func write(_ text: String) throws(ExitCode) {
        if let direct {
            // This fails for a device, which has no length.
            ftruncate(direct, 0)
            let code = writeAll(text, to: direct)
            guard code == 0 else { throw Self.refusal(path, code) }
            return
        }
        let partial = Self.partial(path)
        var old = stat()
        let isOld = unsafe stat(path, &old) == 0
        let file = try Self.open(partial, O_WRONLY | O_CREAT | O_TRUNC)
        // As if the old one were written.
        if isOld { fchmod(file, old.st_mode & 0o7777) }
        let written = writeAll(text, to: file)
        let closed = close(file) == 0 ? 0 : errno
        let code = written != 0 ? written : closed
        guard code == 0, unsafe rename(partial, path) == 0 else {
            let reason = code == 0 ? errno : code
            unsafe unlink(partial)
            throw Self.refusal(path, reason)
        }
    }

    /// Removes a file of an earlier run, or empties it where it cannot be removed; a device or a pipe stays.
    ///
    /// - Throws: 74, after printing the reason.
    static func remove(_ path: String) throws(ExitCode) {
        guard isReplaceable(path), FileIdentity(path: path) != nil, unsafe unlink(resolved(path)) != 0 else { return }
        close(try open(path, O_WRONLY | O_TRUNC))
    }

    /// Whether a new file can take the place of what is there; not of this process's own outputs, which have no other name.
    private static func isReplaceable(_ path: String) -> Bool {
        guard let identity = FileIdentity(path: path) else {
            var status = stat()
            return unsafe lstat(path, &status) != 0
        }
        return ![STDOUT_FILENO, STDERR_FILENO].contains { FileIdentity(descriptor: $0) == identity }
    }

    /// The file that a path leads to, through links.
    private static func resolved(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    private static func partial(_ path: String) -> String { path + ".partial" }

    private static func open(_ path: String, _ flags: Int32) throws(ExitCode) -> Int32 {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY, 0o666)
        guard descriptor >= 0 else { throw refusal(path, errno) }
        return descriptor
    }

    private static func refusal(_ path: String, _ code: Int32) -> ExitCode {
        StandardError.report("\(path.isEmpty ? "\"\"" : path): cannot be written: \(systemMessage(code))")
        return ExitCode(Exit.output)
    }
}
#endif
