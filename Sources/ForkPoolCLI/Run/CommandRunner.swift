// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ForkPool
import Glibc

/// Runs a command for each item, several at once, each in its own process group, and prints their outputs.
///
/// The runner is one loop on the main thread. It sleeps until a job ends, a deadline passes, or an item or a signal
/// arrives.
final class CommandRunner {
    /// A job that runs in a slot.
    struct RunningJob {
        let job: RunJob
        let words: [[UInt8]]
        let process: CommandProcess
        let output: Capture?
        let errors: Capture?
        /// When it started, in nanoseconds: by the real-time clock, and by the monotonic clock.
        let date: Int
        let start: Int
        /// When it gets SIGTERM; after that, when it gets SIGKILL.
        var deadline: Int?
        /// The reason for its SIGTERM; nil if it got none.
        var stopReason: JobResult.Status?
        /// Why it could not be ended by SIGKILL.
        var refusal: SystemError?
        /// When it was seen to have ended, if it was not reaped at once.
        var ended: Int?
    }

    /// A job that waits to start; if it ran before, with the result and the captures of its last attempt.
    struct PendingJob {
        let job: RunJob
        var last: FinishedJob?
        var captures: [Capture] = []
    }

    /// How many finished jobs may wait for an earlier one, per slot.
    private static let window = 8

    let settings: RunSettings
    let source: ItemSource
    let log: JobLog?
    let earlier: ResumeLog?
    let guarded: CommandGuard
    let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    var running: [RunningJob?]
    /// Jobs that are to start again, or that could not start yet.
    var pending: [PendingJob] = []
    /// Captures that are empty.
    var emptyCaptures: [Capture] = []
    /// Captures of finished jobs, to which a process that a job left running may still write.
    var usedCaptures: [Capture] = []
    var search = ProgramSearch()
    var reorderBuffer: ReorderBuffer
    var tally = JobTally()
    var status: RunStatusLine
    /// Whether no more jobs start.
    var isStopping = false
    private var lastPosition = 0
    private let wakePipe: Int32
    private(set) lazy var output = OutputWriter(STDOUT_FILENO, name: OutputError.standardOutput) { [unowned self] in
        try checkEventsWhileWriting()
    }
    private(set) lazy var errors = OutputWriter(STDERR_FILENO, name: "standard error") { [unowned self] in
        try checkEventsWhileWriting()
    }

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - settings: The settings from the command line.
    ///   - source: The items.
    ///   - log: The log for finished jobs.
    ///   - earlier: The log of the run to resume.
    /// - Throws: `SystemError` if the system refuses the guard process.
    init(_ settings: RunSettings, source: ItemSource, log: JobLog?, earlier: ResumeLog?) throws {
        self.settings = settings
        self.source = source
        self.log = log
        self.earlier = earlier
        wakePipe = RunSignals.listen()
        guarded = try CommandGuard()
        running = Array(repeating: nil, count: settings.jobs)
        reorderBuffer = ReorderBuffer(keepsOrder: settings.order == .keep)
        status = RunStatusLine()
        log?.whileWaiting = { [unowned self] in try checkEventsWhileWriting() }
    }

    /// Runs all jobs.
    ///
    /// - Returns: The exit code.
    /// - Throws: `OutputError`, `InputError`, `Interrupted`, `LogMismatch`; no job is left running then.
    func run() throws -> Int32 {
        do {
            while true {
                try checkEvents()
                try leaveUnended()
                try startJobs()
                guard !isDone else { break }
                try flush()
                try wait()
            }
            for finished in reorderBuffer.drain() { try print(finished) }
            try flush()
            status.clear()
            endLeftoverProcesses()
            return tally.exitCode
        } catch {
            status.clear()
            guarded.endAll(running.compactMap { $0?.process }) { RunSignals.endings > 1 }
            throw error
        }
    }

    private var isDone: Bool {
        running.allSatisfy { $0 == nil } && (isStopping || pending.isEmpty && source.isAtEnd)
    }

    /// Whether every item had its job.
    var hasRunAll: Bool { !isStopping && source.isAtEnd }

    /// Takes the next job; nil if there is none yet.
    func nextJob() throws -> PendingJob? {
        if !pending.isEmpty { return pending.removeFirst() }
        while settings.order != .keep || lastPosition - reorderBuffer.next < Self.window * settings.jobs {
            guard let values = source.take() else { return nil }
            lastPosition += 1
            let job = RunJob(number: source.number, position: lastPosition, values: values)
            guard let earlier, let item = earlier.done[job.number] else { return PendingJob(job: job) }
            guard item == job.item else { throw LogMismatch(number: job.number, path: earlier.path) }
            tally.skip()
            for finished in reorderBuffer.add(lastPosition, nil) { try print(finished) }
        }
        return nil
    }

    /// Sleeps until an event (`poll`), and handles it.
    private func wait() throws {
        let awaited = isStopping ? nil : source.awaited
        let deadline = running.reduce(nil as Int?) { first, each in
            guard let next = each?.deadline else { return first }
            return min(first ?? next, next)
        }
        let pause = deadline.map { Int32(clamping: max(0, $0 - now() + 999_999) / 1_000_000) } ?? -1
        try unsafe withUnsafeTemporaryAllocation(of: pollfd.self, capacity: running.count + 2) { entries in
            // No more entries than descriptors: the kernel refuses more than the process may have open.
            var count = 0
            func add(_ descriptor: Int32) {
                unsafe entries[count] = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                count += 1
            }
            for case let each? in running { add(each.process.descriptor) }
            add(wakePipe)
            if let awaited { add(awaited) }
            guard unsafe poll(entries.baseAddress, nfds_t(count), pause) > 0 else { return }
            var next = 0
            func isReady() -> Bool {
                defer { next += 1 }
                return unsafe entries[next].revents != 0
            }
            for slot in running.indices where running[slot] != nil && isReady() { try end(slot) }
            if isReady() { RunSignals.drain(wakePipe) }
            if awaited != nil, isReady() { try source.read() }
        }
    }

    /// Handles what no descriptor announces: signals, deadlines, outputs that are too long, the status line.
    ///
    /// - Throws: `Interrupted`.
    func checkEvents() throws {
        if RunSignals.takeStop() { suspend() }
        if let number = RunSignals.endingSignal {
            throw Interrupted(number: number, running: running.count { $0 != nil }, printed: tally.printed)
        }
        checkLimits()
        let (tally, running) = (tally, running.count { $0 != nil })
        status.show(tally, running: running, total: source.isWhole ? source.found : nil)
    }

    /// Checks events during a write that waits for its reader: the wait must not add to the time of a job that ended.
    private func checkEventsWhileWriting() throws {
        for slot in running.indices where running[slot]?.ended == nil && hasEnded(slot) { running[slot]?.ended = now() }
        try checkEvents()
    }

    /// Returns whether the job in a slot has ended and waits to be reaped (`poll`).
    func hasEnded(_ slot: Int) -> Bool {
        guard let each = running[slot] else { return false }
        var entry = pollfd(fd: each.process.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) == 1
    }

    /// Suspends this process and all jobs until SIGCONT.
    private func suspend() {
        status.clear()
        let start = now()
        for each in running { each?.process.kill(SIGSTOP) }
        RunSignals.stop()
        for slot in running.indices {
            running[slot]?.process.kill(SIGCONT)
            if let deadline = running[slot]?.deadline { running[slot]?.deadline = deadline + now() - start }
        }
    }

    /// Writes the collected output, then the log: a job counts as done once its output is written.
    func flush() throws {
        if output.isPending || errors.isPending { status.clearIfShared() }
        try output.flush()
        try errors.flush()
        try log?.flush()
    }

    private func endLeftoverProcesses() {
        let count = guarded.endAll([])
        if count > 0 {
            StandardError.report("stopped \(counted(count, "process", "processes")) that jobs left running")
        }
    }
}

/// A signal ended the run.
struct Interrupted: Error {
    let number: Int32
    /// How many jobs ran at that time.
    let running: Int
    /// How many jobs had their output printed.
    let printed: Int
}

/// The log to resume has another item for a job.
struct LogMismatch: Error {
    let number: Int
    let path: String
}
#endif
