// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

/// Runs commands from a small process, forked before this process needs much memory.
///
/// A command inherits the peak memory of the process that starts it, so that process must be small. With `vfork` the cost
/// of a start does not grow with its size.
final class Launcher {
    /// A request to the launcher process: run a program.
    fileprivate struct Request: BitwiseCopyable {
        let program: Int
        /// In nanoseconds; -1 for none.
        let timeout: Int
        /// Whether it is the first request of a `run` call.
        let isFirst: Bool
        /// Whether the requests after it are skipped if it fails.
        let mustSucceed: Bool
    }

    private let programs: [Program]
    private let resident: ForkPool.Resident<Request, Execution>
    /// The standard error of the last command, if it is kept.
    private let errors: CaptureFile?

    /// Forks the launcher process.
    ///
    /// - Parameters:
    ///   - programs: The programs that it can run.
    ///   - showsOutput: Whether their output is shown; if not, the end of standard error is kept for messages.
    ///   - event: An event to count; nil for none.
    /// - Throws: `ForkPool.Failure` if the system refuses the process.
    init(_ programs: [Program], showsOutput: Bool, counting event: EventCounter.Event?) throws(ForkPool.Failure) {
        self.programs = programs
        // Without memory for it, standard error is discarded.
        errors = showsOutput ? nil : try? CaptureFile()
        CurrentProcessGroup.prepare()
        let process = LauncherProcess(
            programs, showsOutput: showsOutput, errors: errors?.descriptor, event: event)
        let options = ForkPool.Options(retries: 0, setUp: { try process.prepare() }, name: "launcher")
        resident = try ForkPool(workers: 1, options: options).resident { request in
            process.run(request)
        }
    }

    deinit {
        resident.cancel()
    }

    /// Runs commands one after the other, and waits until the last one has ended.
    ///
    /// They are one request, so that nothing in this process runs between them and cools the caches.
    ///
    /// - Parameters:
    ///   - steps: The numbers of the programs, and whether the steps after one are skipped if it fails.
    ///   - timeout: The nanoseconds after which a command is killed; nil for never.
    /// - Returns: A record for each step.
    /// - Throws: `ForkPool.Failure` if the launcher process ended.
    func run(_ steps: [(program: Int, mustSucceed: Bool)], timeout: Int?) throws(ForkPool.Failure) -> [Execution] {
        let requests = steps.enumerated().map { number, step in
            Request(
                program: step.program, timeout: timeout ?? -1, isFirst: number == 0, mustSucceed: step.mustSucceed)
        }
        do {
            return try resident.map(requests)
        } catch {
            CurrentProcessGroup.end()
            throw error
        }
    }

    /// The program with a number.
    subscript(program: Int) -> Program { programs[program] }

    /// Returns the last lines that the last command wrote to standard error; none if they are not kept.
    func lastErrorLines(lines: Int) -> [String] {
        guard let errors = errors?.descriptor else { return [] }
        let length = lseek(errors, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let read = unsafe pread(errors, &bytes, bytes.count, max(0, length - bytes.count))
        return String(decoding: bytes[..<max(0, read)], as: UTF8.self).split(separator: "\n").suffix(lines).map(
            String.init)
    }
}

/// The code of the launcher process.
///
/// It is made before the fork, and used only in the launcher process.
private final class LauncherProcess: @unchecked Sendable {
    private let programs: [Program]
    private let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    private let showsOutput: Bool
    private let errors: Int32?
    private let event: EventCounter.Event?
    /// Kills the running command if this process ends first.
    private var commandGuard: CommandGuard?
    private var hasFailed = false

    init(_ programs: [Program], showsOutput: Bool, errors: Int32?, event: EventCounter.Event?) {
        self.programs = programs
        self.showsOutput = showsOutput
        self.errors = errors
        self.event = event
    }

    /// Prepares the launcher process.
    func prepare() throws {
        // In its own group, Ctrl-C reaches only the parent, which kills the command first; then this process ends.
        setpgid(0, 0)
        commandGuard = try CommandGuard()
    }

    /// Runs a command, unless one before it failed.
    func run(_ request: Launcher.Request) -> Execution {
        if request.isFirst { hasFailed = false }
        if hasFailed { return Execution(refused: .notReached) }
        let run = launch(programs[request.program], timeout: request.timeout)
        if request.mustSucceed, !run.succeeded { hasFailed = true }
        return run
    }

    private func launch(_ program: Program, timeout: Int) -> Execution {
        if let errors { ftruncate(errors, 0) }
        CurrentProcessGroup.set(CurrentProcessGroup.starting)
        defer { CurrentProcessGroup.set(CurrentProcessGroup.none) }
        do throws(SystemError) {
            let counter = try event.map { event throws(SystemError) in try EventCounter(event) }
            let start = now()
            let process = try CommandProcess(
                path: program.path, arguments: program.arguments, input: null,
                output: showsOutput ? STDOUT_FILENO : null, errors: showsOutput ? STDERR_FILENO : errors ?? null,
                guarded: commandGuard)
            CurrentProcessGroup.set(process.pid)
            let isDone = timeout < 0 || wait(for: process, until: start + timeout)
            if !isDone { process.kill(SIGKILL) }
            let usage = process.reap()
            let wall = now() - start
            // Kill the processes that it left in its group.
            process.killGroup()
            let run = record(usage, wall, timedOut: !isDone, instructions: counter?.count)
            // Kill those that left the group, too.
            if let commandGuard {
                commandGuard.release(process)
                if !commandGuard.hasNoStrays(beside: []) { commandGuard.endAll([]) { true } }
            }
            return run
        } catch {
            return Execution(refused: error.call == "execve" ? .notStarted(error.code) : .refused(error.code))
        }
    }

    /// Waits until the command has ended or a deadline has passed; returns whether it has ended.
    private func wait(for process: CommandProcess, until deadline: Int) -> Bool {
        var entry = pollfd(fd: process.descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            // Add a millisecond, so that the remaining time never rounds down to 0.
            let left = Int32(clamping: max(0, deadline - now()) / 1_000_000 + 1)
            if unsafe poll(&entry, 1, left) > 0 { return true }
            if now() >= deadline { return false }
        }
    }

    private func record(_ usage: CommandEnd, _ wall: Int, timedOut: Bool, instructions: Int?) -> Execution {
        var own = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &own)
        let end: Execution.End =
            timedOut ? .timedOut : usage.signal.map { .killed($0) } ?? .exited(usage.status ?? Exit.internalError)
        return Execution(
            end, wall: wall, usage, memoryFloor: own.ru_maxrss * 1024, instructions: instructions,
            launcherTime: nanoseconds(own.ru_utime) + nanoseconds(own.ru_stime))
    }

    private func nanoseconds(_ time: timeval) -> Int { time.tv_sec * 1_000_000_000 + time.tv_usec * 1000 }
}
#endif
