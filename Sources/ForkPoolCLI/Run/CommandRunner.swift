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
        /// What puts the item in front of its lines.
        let tags: JobTags?
        /// When it started, in nanoseconds: by the real-time clock, and by the monotonic clock, which a suspension moves.
        let date: Int
        var start: Int
        /// How long it may run.
        let timeout: Int?
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
        /// The earliest time to start it.
        var notBefore: Int?
    }

    /// How many failed jobs may wait for their next attempt, for each slot.
    private static let window = 8

    let settings: RunSettings
    let source: any JobSource
    let log: JobLog?
    let earlier: ResumeLog?
    /// What the folder of `--results` has.
    let results: ResultsIndex?
    let guarded: CommandGuard
    let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    /// The jobs that run, by slot; it grows up to `--jobs`.
    var running: [RunningJob?] = []
    /// Jobs that are to start again, or that could not start yet.
    var pending: [PendingJob] = []
    /// Captures that are empty.
    var emptyCaptures: [Capture] = []
    /// Captures of finished jobs, to which a process that a job left running may still write.
    var usedCaptures: [Capture] = []
    var search = ProgramSearch()
    var reorderBuffer: ReorderBuffer<WaitingJob>
    var memory: OutputMemory
    /// The pipes that processes have which jobs left running.
    var leftPipes: [CapturePipe] = []
    /// Where jobs wait that do not fit in memory.
    var storedOutputs: StoredOutputs?
    var tally = JobTally()
    let status: RunStatusLine
    /// Whether no more jobs start.
    var isStopping = false
    /// Whether a signal ends the run, and whether the job that is printed then misses a part of its outputs.
    var isEnding = false
    var isCut = false
    var throttle: RunThrottle
    /// The earliest time to start the next job, if it is later than now.
    var nextStart: Int?
    var medianWall = MedianTime()
    /// When the outputs of running jobs are printed next.
    var nextPrint = 0
    /// The numbers of jobs whose output is collected or partly written, and how many jobs' output is written.
    var unwritten: [Int] = []
    var written = 0
    private(set) var lastPosition = 0
    private let beginning = now()
    private let wakePipe: Int32
    private(set) lazy var output = OutputWriter(
        STDOUT_FILENO, name: OutputError.standardOutput,
        terminal: status.isOnTerminal && isatty(STDOUT_FILENO) == 1 ? status : nil
    ) { [unowned self] in try checkEventsWhileWriting() }
    private(set) lazy var errors = OutputWriter(
        STDERR_FILENO, name: "standard error", terminal: status.isOnTerminal ? status : nil
    ) { [unowned self] in try checkEventsWhileWriting() }

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - settings: The settings from the command line.
    ///   - source: The items.
    ///   - log: The log for finished jobs.
    ///   - earlier: The log of the run to resume.
    ///   - results: What the folder of `--results` has.
    /// - Throws: `SystemError` if the system refuses the guard process.
    init(
        _ settings: RunSettings, source: any JobSource, log: JobLog?, earlier: ResumeLog?, results: ResultsIndex?
    ) throws {
        self.settings = settings
        self.source = source
        self.log = log
        (self.earlier, self.results) = (earlier, results)
        wakePipe = RunSignals.listen()
        guarded = try CommandGuard()
        memory = OutputMemory(
            jobs: min(settings.jobs, source.total ?? settings.jobs), maxOutput: settings.limits.maxOutput)
        throttle = settings.throttle
        reorderBuffer = ReorderBuffer(keepsOrder: settings.order == .keep)
        status = RunStatusLine(settings.progress, isLive: settings.order == .live)
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
                try printRunning()
                try flush()
                try wait()
                try checkMemory()
            }
            for (_, waiting) in reorderBuffer.drain() { try print(waiting) }
            try flush()
            try output.end()
            try errors.end()
            try log?.end()
            status.clear()
            reportNeverBegun()
            endLeftoverProcesses()
            return tally.exitCode
        } catch {
            isEnding = error is Interrupted
            if isEnding { endFinished() }
            guarded.endAll(running.compactMap { $0?.process }) { RunSignals.endings > 1 }
            for case let each? in running { try? complete(each) }
            guard let interrupted = error as? Interrupted else {
                // What is printed up to here stays whole.
                if error is OutputError { try? flush() }
                status.beginLine()
                throw error
            }
            let unprinted = printUnfinished(interrupted)
            ReaderPatience.restart()
            status.beginLine()
            throw Interrupted(
                number: interrupted.number, running: interrupted.running, printed: written, unprinted: unprinted)
        }
    }

    private var isDone: Bool {
        running.allSatisfy { $0 == nil } && (isStopping || pending.isEmpty && source.isAtEnd)
    }

    /// Whether every item had its job.
    var hasRunAll: Bool { !isStopping && source.isAtEnd }

    /// Takes the next job; nil if there is none yet.
    func nextJob() throws -> PendingJob? {
        let time = pending.isEmpty ? 0 : now()
        if let ready = pending.firstIndex(where: { $0.notBefore ?? 0 <= time }) { return pending.remove(at: ready) }
        while pending.count < Self.window * settings.jobs, let next = source.takeJob() {
            lastPosition += 1
            var job = RunJob(
                number: source.number, position: lastPosition, values: next.values, records: next.records)
            if log != nil {
                job.input = settings.jobInput(of: job)
                job.input.results = results?.id
            }
            guard let earlier, let done = earlier.done[job.number] else { return PendingJob(job: job) }
            try earlier.check(done, job, settings)
            guard results?.has(job.number, of: done) ?? true else { return PendingJob(job: job) }
            tally.skip()
            reorderBuffer.add(lastPosition, nil)
            try printEnded()
        }
        return nil
    }

    /// The next time that the runner has something to do, whatever happens.
    private var nextTime: Int? {
        var first = nextStart
        func add(_ time: Int?) {
            if let time { first = min(first ?? time, time) }
        }
        for case let each? in running {
            add(each.deadline)
            add(memory.nextLook)
        }
        // Without a free slot, the end of a job is what counts.
        let isFull = running.count == settings.jobs && !running.contains { $0 == nil }
        if nextStart == nil, !isFull { pending.forEach { add($0.notBefore) } }
        return first
    }

    /// Sleeps until an event (`poll`), and handles it.
    private func wait() throws {
        let awaited = isStopping ? nil : source.awaited
        let pipes = memory.usesPipes ? self.pipes : []
        let pause = nextTime.map { Int32(clamping: max(0, $0 - now() + 999_999) / 1_000_000) } ?? -1
        let capacity = running.count + pipes.count + 2
        try unsafe withUnsafeTemporaryAllocation(of: pollfd.self, capacity: capacity) { entries in
            // No more entries than descriptors: the kernel refuses more than the process may have open.
            var count = 0
            func add(_ descriptor: Int32) {
                unsafe entries[count] = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                count += 1
            }
            for source in pipes { add(source.descriptor) }
            for case let each? in running { add(each.process.descriptor) }
            add(wakePipe)
            if let awaited { add(awaited) }
            guard unsafe poll(entries.baseAddress, nfds_t(count), pause) > 0 else { return }
            var next = 0
            func isReady() -> Bool {
                defer { next += 1 }
                return unsafe entries[next].revents != 0
            }
            for source in pipes where isReady() { try drain(source) }
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
        let total = source.total
        status.show(tally, total: total) { progress(total) }
    }

    /// What the progress shows now.
    private func progress(_ total: Int?) -> RunProgress {
        let longest = running.lazy.compactMap { $0 }.min { $0.start < $1.start }
        return RunProgress(
            tally: tally, running: running.count { $0 != nil }, total: total, seconds: Double(now() - beginning) / 1e9,
            longest: longest.map { job in
                let item = printable(String(decoding: job.job.item.prefix(80), as: UTF8.self))
                return (item.isEmpty ? "job \(job.job.number)" : item, Double(now() - job.start) / 1e9)
            }, waiting: throttle.reason)
    }

    /// Checks events during a write that waits for its reader: the wait must not add to the time of a job that ended.
    ///
    /// A signal to end leaves the reader some time, so that no output is torn.
    private func checkEventsWhileWriting() throws {
        for slot in running.indices where running[slot]?.ended == nil && hasEnded(slot) { running[slot]?.ended = now() }
        guard RunSignals.endingSignal != nil else {
            try checkEvents()
            try drainPipes()
            return try checkMemory()
        }
        if ReaderPatience.isOver { try checkEvents() }
    }

    /// Reaps the jobs that ended before a signal ended the run.
    private func endFinished() {
        ReaderPatience.restart()
        // What cannot be printed is reported later.
        for slot in running.indices where hasEnded(slot) { try? end(slot) }
    }

    /// Suspends this process and all jobs until SIGCONT.
    private func suspend() {
        status.clear()
        let start = now()
        for each in running { each?.process.kill(SIGSTOP) }
        RunSignals.stop()
        for slot in running.indices {
            running[slot]?.process.kill(SIGCONT)
            if running[slot]?.ended == nil { running[slot]?.start += now() - start }
            running[slot]?.deadline? += now() - start
        }
    }
}
#endif
