// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// A file for results, opened before the measurement, so that a misspelt path fails at once.
final class ResultFile {
    private let path: String
    private let descriptor: Int32
    private let isNew: Bool
    private var isWritten = false

    /// Opens a file; its content stays until `write`.
    ///
    /// - Throws: 74, after printing the reason.
    init(_ path: String) throws(ExitCode) {
        self.path = path
        let created = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0o666)
        isNew = created >= 0
        descriptor = isNew ? created : unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o666)
        guard descriptor >= 0 else {
            StandardError.report("\(path.isEmpty ? "\"\"" : path): cannot be written: \(systemMessage(errno))")
            throw ExitCode(Exit.output)
        }
    }

    deinit {
        // Do not leave an empty file behind.
        if isNew, !isWritten { unsafe unlink(path) }
        close(descriptor)
    }

    /// Replaces the content of the file.
    ///
    /// - Throws: 74, after printing the reason.
    func write(_ text: String) throws(ExitCode) {
        // This fails for a device, which has no length.
        ftruncate(descriptor, 0)
        isWritten = true
        let code = writeAll(text, to: descriptor)
        guard code == 0 else {
            StandardError.report("\(path): cannot be written: \(systemMessage(code))")
            throw ExitCode(Exit.output)
        }
    }
}
#endif
