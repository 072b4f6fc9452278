// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// The log of a run: a line with a JSON object for each job whose output was printed.
final class JobLog {
    /// Runs whenever a signal interrupts a write that waits for the log's reader.
    var whileWaiting: () throws -> Void = {}
    private let descriptor: Int32
    private let name: String
    private var lines = ""
    private lazy var stream = OutputWriter(descriptor, name: name) { [unowned self] in try whileWaiting() }

    /// Opens a log.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - length: How many bytes of the present content stay; the rest is cut off.
    /// - Throws: `OutputError`.
    init(_ path: String, keeping length: Int) throws(OutputError) {
        name = path
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0o666 as mode_t)
        guard descriptor >= 0 else { throw OutputError(what: path, code: errno) }
        // Only a regular file has a length to cut: not a pipe.
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            guard ftruncate(descriptor, off_t(length)) == 0 else { throw OutputError(what: path, code: errno) }
        }
    }

    deinit { close(descriptor) }

    /// Adds the line of a job; `flush` writes it.
    func append(_ line: String) {
        lines += line + "\n"
    }

    /// Describes a job in a line.
    static func line(_ finished: FinishedJob) -> String {
        let (job, result) = (finished.job, finished.result)
        var exit = JSON.null
        var signal = JSON.null
        var timedOut = false
        if case .timedOut = result.status { timedOut = true }
        if case .exited(let status) = result.status { exit = .integer(Int(status)) }
        if let number = result.usage?.signal { signal = .integer(Int(number)) }
        var members: [(String, JSON)] = [
            ("seq", .integer(job.number)),
            ("item", .bytes(job.item)),
            ("argv", .array(result.words.map { .bytes($0) })),
            ("start", .seconds(Double(result.start) / 1e9)),
            ("wall", .seconds(Double(result.wall) / 1e9)),
            ("user", .seconds(Double(result.usage?.userTime ?? 0) / 1e9)),
            ("sys", .seconds(Double(result.usage?.systemTime ?? 0) / 1e9)),
            ("maxrss", .integer(result.usage?.maxMemory ?? 0)),
            ("exit", exit),
            ("signal", signal),
            ("timed_out", .bool(timedOut)),
            ("bytes", finished.bytes.map { .integer($0) } ?? .null),
            ("attempt", .integer(job.attempt)),
        ]
        members += job.input.members
        // The job never ran.
        if result.usage == nil { members.append(("error", .string(result.sentence(RunLimits())))) }
        return JSON.object(members).line
    }

    /// Writes the added lines (`write`).
    ///
    /// - Throws: `OutputError`, or an error of `whileWaiting`.
    func flush() throws {
        guard !lines.isEmpty else { return }
        try stream.take(lines.utf8)
        lines = ""
        try stream.flush()
    }

    /// Hears what a file system tells only at the end of a file.
    ///
    /// - Throws: `OutputError`.
    func end() throws(OutputError) { try stream.end() }
}
#endif
