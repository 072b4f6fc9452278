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
        /// In nanoseconds; -1 for none.
        let timeout: Int
        /// Whether it is the first request of a `run` call.
        let isFirst: Bool
        let step: Step
    }

    /// One run of a program.
    struct Step: BitwiseCopyable {
        /// The number of the program.
        let program: Int
        /// Whether the later steps of its group are skipped if it fails.
        let mustSucceed: Bool
        /// Whether it has the input and the output of measured commands.
        let isMeasured: Bool
        let group: Int
    }

    private let programs: [Program]
    private let resident: ForkPool.Resident<Request, Execution>
    /// What the last run of each program that failed wrote to standard error, if it is kept.
    private let failures: CaptureFile?

    /// Forks the launcher process.
    ///
    /// - Parameters:
    ///   - programs: The programs that it can run.
    ///   - input: The file that is the standard input of measured ones; nil for an empty one.
    ///   - output: Where the output of measured ones goes; unless it is shown, the end of standard error is kept.
    ///   - counter: What counts the instructions of each command; nil if they are not counted.
    /// - Throws: `ForkPool.Failure` if the system refuses the process.
    init(
        _ programs: [Program], input: String?, output: OutputTarget, counting counter: InstructionCounter?
    ) throws(ForkPool.Failure) {
        self.programs = programs
        // Without a pipe for it, standard error is discarded.
        let errors = output == .inherit ? nil : try? OutputPipe(keeping: LauncherProcess.keptErrors)
        failures = errors == nil ? nil : try? CaptureFile()
        // Each program has its own place in the file, and `pwrite` would append.
        if let failures { _ = fcntl(failures.descriptor, F_SETFL, 0) }
        CurrentProcessGroup.prepare()
        let process = LauncherProcess(
            programs, input: input, output: output, errors: errors, failures: failures, counter: counter)
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
    ///   - steps: What to run.
    ///   - timeout: The nanoseconds after which a command is killed; nil for never.
    /// - Returns: A record for each step.
    /// - Throws: `ForkPool.Failure` if the launcher process ended.
    func run(_ steps: [Step], timeout: Int?) throws(ForkPool.Failure) -> [Execution] {
        let requests = steps.enumerated().map { number, step in
            Request(timeout: timeout ?? -1, isFirst: number == 0, step: step)
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

    /// Returns the last lines that the last failed run of a program wrote to standard error; nil if they are not kept.
    func lastErrorLines(of program: Int, lines: Int) -> [String]? {
        guard let failures = failures?.descriptor else { return nil }
        var bytes = [UInt8](repeating: 0, count: LauncherProcess.keptErrors)
        let read = unsafe pread(failures, &bytes, bytes.count, program * bytes.count)
        // The rest of a program's part is zero.
        let end = bytes[..<max(0, read)].lastIndex { $0 != 0 } ?? -1
        return bytes[..<(end + 1)].split(separator: UInt8(ascii: "\n")).suffix(lines).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
    }
}

/// The code of the launcher process.
///
/// It is made before the fork, and used only in the launcher process.
private final class LauncherProcess: @unchecked Sendable {
    private let programs: [Program]
    private let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    private let input: String?
    private let output: OutputTarget
    private let errors: OutputPipe?
    private let failures: CaptureFile?
    private let counter: InstructionCounter?
    /// Kills the running command if this process ends first.
    private var commandGuard: CommandGuard?
    /// The groups of which a run failed in this `run` call.
    private var failedGroups: Set<Int> = []

    /// The most bytes of standard error that are kept of a program.
    static let keptErrors = 4096

    init(
        _ programs: [Program], input: String?, output: OutputTarget, errors: OutputPipe?, failures: CaptureFile?,
        counter: InstructionCounter?
    ) {
        self.programs = programs
        self.input = input
        self.output = output
        self.errors = errors
        self.failures = failures
        self.counter = counter
    }

    /// Prepares the launcher process.
    func prepare() throws {
        // In its own group, Ctrl-C reaches only the parent, which kills the command first; then this process ends.
        setpgid(0, 0)
        commandGuard = try CommandGuard()
        if case .callgrind = counter { CallgrindLog.fixHashing() }
    }

    /// Runs a command, unless one before it in its group failed.
    func run(_ request: Launcher.Request) -> Execution {
        let step = request.step
        if request.isFirst { failedGroups = [] }
        if failedGroups.contains(step.group) { return Execution(refused: .notReached) }
        let run = launch(programs[step.program], step, timeout: request.timeout)
        guard !run.succeeded else { return run }
        keepErrors(of: step.program)
        if step.mustSucceed { failedGroups.insert(step.group) }
        return run
    }

    /// Keeps the end of what the command that ran last wrote to standard error.
    private func keepErrors(of program: Int) {
        guard let errors, let failures else { return }
        errors.drain()
        // The rest is zero, so that nothing of an earlier run is left.
        let bytes = errors.bytes + [UInt8](repeating: 0, count: Self.keptErrors - errors.bytes.count)
        _ = unsafe pwrite(failures.descriptor, bytes, bytes.count, program * bytes.count)
    }

    private func launch(_ program: Program, _ step: Launcher.Step, timeout: Int) -> Execution {
        errors?.clear()
        CurrentProcessGroup.set(CurrentProcessGroup.starting)
        defer { CurrentProcessGroup.set(CurrentProcessGroup.none) }
        do throws(SystemError) {
            let events = try counter == .processor ? EventCounter(.instructions) : nil
            let log = try counter == nil || counter == .processor ? nil : CallgrindLog()
            let streams = try OpenStreams(
                input: step.isMeasured ? input : nil, output: step.isMeasured ? output : output.ofOthers,
                null: null)
            let start = now()
            let process = try CommandProcess(
                path: counter?.path ?? program.path, arguments: log?.words(program) ?? program.arguments,
                input: streams.input, output: streams.output,
                errors: output == .inherit ? STDERR_FILENO : errors?.target ?? null, guarded: commandGuard)
            CurrentProcessGroup.set(process.pid)
            streams.pipe?.closeWriting()
            let isDone = wait(
                for: process, until: timeout < 0 ? nil : start + timeout,
                reading: [errors, streams.pipe, log?.pipe].compactMap { $0 })
            if !isDone { process.kill(SIGKILL) }
            let usage = process.reap()
            let wall = now() - start
            // Kill the processes that it left in its group.
            process.killGroup()
            let run = record(program, usage, wall, timedOut: !isDone, instructions: log?.count ?? events?.count)
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

    /// Waits until the command has ended or a deadline has passed, and reads its pipes meanwhile; returns whether it has
    /// ended.
    private func wait(for process: CommandProcess, until deadline: Int?, reading pipes: [OutputPipe]) -> Bool {
        if deadline == nil, pipes.isEmpty { return true }
        while true {
            var entries = ([process.descriptor] + pipes.map(\.descriptor)).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            // Add a millisecond, so that the remaining time never rounds down to 0.
            let left = deadline.map { Int32(clamping: max(0, $0 - now()) / 1_000_000 + 1) } ?? -1
            let ready = unsafe poll(&entries, nfds_t(entries.count), left)
            if ready > 0 { for pipe in pipes { pipe.drain() } }
            if ready > 0, entries[0].revents != 0 { return true }
            if let deadline, now() >= deadline { return false }
        }
    }

    private func record(
        _ program: Program, _ usage: CommandEnd, _ wall: Int, timedOut: Bool, instructions: Int?
    ) -> Execution {
        var own = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &own)
        let end: Execution.End =
            timedOut ? .timedOut : usage.signal.map { .killed($0) } ?? .exited(usage.status ?? Exit.internalError)
        return Execution(
            end, successes: program.successes, wall: wall, usage, memoryFloor: own.ru_maxrss * 1024,
            instructions: instructions,
            launcherTime: nanoseconds(own.ru_utime) + nanoseconds(own.ru_stime))
    }

    private func nanoseconds(_ time: timeval) -> Int { time.tv_sec * 1_000_000_000 + time.tv_usec * 1000 }
}
#endif
