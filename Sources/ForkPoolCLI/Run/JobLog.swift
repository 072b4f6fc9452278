import ForkPool
import ForkPoolLaunch
import Glibc

/// The log of a run: a JSON object a line for each job whose output was printed.
final class JobLog {
    /// What is done whenever a signal interrupts a writing that waits for the log's reader.
    var whileWaiting: () throws -> Void = {}
    private let descriptor: Int32
    private let name: String
    private var lines = ""
    private lazy var stream = OutputStream(descriptor, name: name) { [unowned self] in try whileWaiting() }

    /// Begins a log.
    ///
    /// - Parameters:
    ///   - path: Its file.
    ///   - length: How much of what is there already stays; the rest is cut off.
    /// - Throws: What the system refused.
    init(_ path: String, keeping length: Int) throws(OutputRefusal) {
        name = path
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0o666 as mode_t)
        guard descriptor >= 0 else { throw OutputRefusal(what: path, code: errno) }
        // What is no file, such as a pipe, has nothing to cut off.
        var status = stat()
        if unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
            guard ftruncate(descriptor, off_t(length)) == 0 else { throw OutputRefusal(what: path, code: errno) }
        }
    }

    deinit { close(descriptor) }

    /// Notes how a job ended; written by `flush`.
    func note(_ job: Job, _ end: JobEnd, bytes: Int?) {
        var exit = JSON.null
        var signal = JSON.null
        if case .exited(let status) = end.reason { exit = .integer(Int(status)) }
        if let number = end.usage?.signal { signal = .integer(Int(number)) }
        var members: [(String, JSON)] = [
            ("seq", .integer(job.number)),
            ("item", .bytes(job.item)),
            ("argv", .array(end.words.map { .bytes($0) })),
            ("start", .seconds(Double(end.start) / 1e9)),
            ("wall", .seconds(Double(end.wall) / 1e9)),
            ("user", .seconds(Double(end.usage?.userTime ?? 0) / 1e9)),
            ("sys", .seconds(Double(end.usage?.systemTime ?? 0) / 1e9)),
            ("maxrss", .integer(end.usage?.maxMemory ?? 0)),
            ("exit", exit),
            ("signal", signal),
            ("timed_out", .bool(end.reason == .timedOut)),
            ("bytes", bytes.map { .integer($0) } ?? .null),
            ("attempt", .integer(job.attempt)),
        ]
        // It never ran.
        if end.usage == nil { members.append(("error", .string(end.sentence(RunLimits())))) }
        lines += JSON.object(members).line + "\n"
    }

    /// Writes what was noted, whole lines at once (`write`).
    ///
    /// - Throws: `OutputRefusal`, or what is done while waiting throws.
    func flush() throws {
        guard !lines.isEmpty else { return }
        try stream.take(lines.utf8)
        lines = ""
        try stream.flush()
    }
}
