import ArgumentParser
import Glibc

/// A file that results are written to: opened before anything is measured, so that a misspelt path costs nothing.
struct ResultFile: ~Copyable {
    private let path: String
    private let descriptor: Int32
    private let isNew: Bool
    private var isWritten = false

    /// Opens a file, whose content stays until there is another.
    ///
    /// - Throws: 74, after a line that says why.
    init(_ path: String) throws(ExitCode) {
        self.path = path
        let created = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0o666)
        isNew = created >= 0
        descriptor = isNew ? created : unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0o666)
        guard descriptor >= 0 else {
            StandardError.complain("\(path.isEmpty ? "\"\"" : path): cannot be written: \(systemMessage(errno))")
            throw ExitCode(Exit.output)
        }
    }

    deinit {
        // Nothing came of it.
        if isNew, !isWritten { unsafe unlink(path) }
        close(descriptor)
    }

    /// Puts a text in place of what the file has.
    ///
    /// - Throws: 74, after a line that says why.
    mutating func write(_ text: String) throws(ExitCode) {
        // A device has no length.
        ftruncate(descriptor, 0)
        isWritten = true
        let code = writeAll(text, to: descriptor)
        guard code == 0 else {
            StandardError.complain("\(path): cannot be written: \(systemMessage(code))")
            throw ExitCode(Exit.output)
        }
    }
}
