import ForkPool
import ForkPoolLaunch
import Glibc

/// Runs commands from a small process that was forked before anything else needed memory: a command inherits the peak of
/// whoever starts it, and `vfork` keeps the cost of a start from growing with it.
final class Launcher {
    /// What is asked of the small process.
    fileprivate struct Order: BitwiseCopyable {
        let program: Int
        /// Nanoseconds, or -1.
        let timeout: Int
        /// Whether it is the first of those that are run at once.
        let isFirst: Bool
        /// Whether those after it are not run if it fails.
        let mustSucceed: Bool
    }

    private let programs: [Program]
    private let resident: ForkPool.Resident<Order, Execution>
    /// What commands write to standard error, if it is kept.
    private let errors: CaptureFile?

    /// Forks the small process.
    ///
    /// - Parameters:
    ///   - programs: What it will be asked to run.
    ///   - showsOutput: Whether what they write is seen; else the end of what they write to standard error is kept.
    ///   - event: What is counted besides.
    /// - Throws: What the system refused.
    init(_ programs: [Program], showsOutput: Bool, counting event: EventCounter.Event?) throws(ForkPool.Failure) {
        self.programs = programs
        // Where there is no memory for it, it is dropped.
        errors = showsOutput ? nil : try? CaptureFile()
        RunningGroup.prepare()
        let site = LaunchSite(
            programs, showsOutput: showsOutput, errors: errors?.descriptor, event: event)
        let options = ForkPool.Options(retries: 0, setUp: { try site.begin() }, name: "launcher")
        resident = try ForkPool(workers: 1, options: options).resident { order in
            site.follow(order)
        }
    }

    deinit {
        resident.cancel()
    }

    /// Runs commands one after the other, and waits for the end of the last one.
    ///
    /// Nothing happens between them, so that the processor stays as warm as it is.
    ///
    /// - Parameters:
    ///   - steps: Which, and whether those after it are not run if it fails.
    ///   - timeout: After how many nanoseconds each is killed, if at all.
    /// - Returns: What they gave.
    /// - Throws: That the small process is gone.
    func run(_ steps: [(program: Int, mustSucceed: Bool)], timeout: Int?) throws(ForkPool.Failure) -> [Execution] {
        let orders = steps.enumerated().map { number, step in
            Order(
                program: step.program, timeout: timeout ?? -1, isFirst: number == 0, mustSucceed: step.mustSucceed)
        }
        do {
            return try resident.map(orders)
        } catch {
            RunningGroup.end()
            throw error
        }
    }

    /// A command that it can be asked to run.
    subscript(program: Int) -> Program { programs[program] }

    /// The last lines of what the last command wrote to standard error, if it was kept.
    func lastWords(lines: Int) -> [String] {
        guard let errors = errors?.descriptor else { return [] }
        let length = lseek(errors, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let read = unsafe pread(errors, &bytes, bytes.count, max(0, length - bytes.count))
        return String(decoding: bytes[..<max(0, read)], as: UTF8.self).split(separator: "\n").suffix(lines).map(
            String.init)
    }
}

/// What the small process does.
///
/// Made before that is forked, and used in it alone.
private final class LaunchSite: @unchecked Sendable {
    private let programs: [Program]
    private let null = unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
    private let showsOutput: Bool
    private let errors: Int32?
    private let event: EventCounter.Event?
    /// Ends what runs should this process end before.
    private var guardian: CommandGuard?
    private var hasFailed = false

    init(_ programs: [Program], showsOutput: Bool, errors: Int32?, event: EventCounter.Event?) {
        self.programs = programs
        self.showsOutput = showsOutput
        self.errors = errors
        self.event = event
    }

    /// Prepares the small process.
    func begin() throws {
        // Ctrl-C is for the command line: this process ends when that one has ended what runs.
        setpgid(0, 0)
        guardian = try CommandGuard()
    }

    /// Runs a command, unless one before it failed.
    func follow(_ order: Launcher.Order) -> Execution {
        if order.isFirst { hasFailed = false }
        if hasFailed { return Execution(refused: .notReached) }
        let run = launch(programs[order.program], timeout: order.timeout)
        if order.mustSucceed, !run.succeeded { hasFailed = true }
        return run
    }

    private func launch(_ program: Program, timeout: Int) -> Execution {
        if let errors { ftruncate(errors, 0) }
        RunningGroup.set(RunningGroup.starting)
        defer { RunningGroup.set(RunningGroup.none) }
        do throws(SystemError) {
            let counter = try event.map { event throws(SystemError) in try EventCounter(event) }
            let start = now()
            let process = try CommandProcess(
                path: program.path, arguments: program.arguments, input: null,
                output: showsOutput ? STDOUT_FILENO : null, errors: showsOutput ? STDERR_FILENO : errors ?? null,
                guarded: guardian)
            RunningGroup.set(process.pid)
            let isDone = timeout < 0 || wait(for: process, until: start + timeout)
            if !isDone { process.kill(SIGKILL) }
            let usage = process.reap()
            let wall = now() - start
            // What it left behind ends here.
            process.killGroup()
            let run = record(usage, wall, timedOut: !isDone, instructions: counter?.count)
            // Nor does it leave anybody who has left its group.
            if let guardian {
                guardian.release(process)
                if !guardian.hasNoStrays(beside: []) { guardian.endAll([]) { true } }
            }
            return run
        } catch {
            return Execution(refused: error.call == "execve" ? .notStarted(error.code) : .refused(error.code))
        }
    }

    /// Waits until the command has ended, or a time has come; returns whether it has ended.
    private func wait(for process: CommandProcess, until deadline: Int) -> Bool {
        var entry = pollfd(fd: process.descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            // A millisecond more, so that what is left never rounds to nothing.
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
