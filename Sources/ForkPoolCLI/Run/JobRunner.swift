import ForkPool
import ForkPoolLaunch
import Glibc

/// Runs a command for each item: so many at once, each in a process group of its own, and prints what they write.
///
/// One loop on the main thread. It sleeps until a job ends, its time is up, an item or a signal arrives.
final class JobRunner {
    /// A job that runs.
    struct Running {
        let job: Job
        let words: [[UInt8]]
        let process: CommandProcess
        let output: Capture?
        let errors: Capture?
        /// When it began, by the clock on the wall and by the one that never jumps, in nanoseconds.
        let date: Int
        let start: Int
        /// When it is told to end, or, once it was, when it is killed.
        var deadline: Int?
        /// Why it was told to end.
        var verdict: JobEnd.Reason?
        /// When it was seen to have ended, if that was before it is taken from its place.
        var ended: Int?
    }

    /// A job that is to be begun, and how it ended the last time, if it began before, with where it wrote.
    struct Begin {
        let job: Job
        var last: Finished?
        var captures: [Capture] = []
    }

    /// How many finished jobs may wait for an earlier one, for each job that runs.
    private static let window = 8

    let settings: RunSettings
    let source: ItemSource
    let log: JobLog?
    let earlier: ResumeLog?
    let guarded: CommandGuard
    let null = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    var running: [Running?]
    /// Jobs that are to be begun again, or could not be yet.
    var retries: [Begin] = []
    /// Captures that are empty, and those that a job left, to which somebody may still write.
    var spares: [Capture] = []
    var used: [Capture] = []
    var search = ProgramSearch()
    var ordered: OrderedJobs
    var tally = JobTally()
    var status: RunStatus
    /// Whether nothing more is begun.
    var isStopping = false
    private var lastNumber = 0
    private let bell: Int32
    private(set) lazy var output = OutputStream(STDOUT_FILENO, name: OutputRefusal.standardOutput) { [unowned self] in
        try attendWhileWriting()
    }
    private(set) lazy var errors = OutputStream(STDERR_FILENO, name: "standard error") { [unowned self] in
        try attendWhileWriting()
    }

    /// - Parameters:
    ///   - settings: What was asked for.
    ///   - source: The items.
    ///   - log: Where each job is noted.
    ///   - earlier: What an earlier run did.
    /// - Throws: What the system refused.
    init(_ settings: RunSettings, source: ItemSource, log: JobLog?, earlier: ResumeLog?) throws {
        self.settings = settings
        self.source = source
        self.log = log
        self.earlier = earlier
        bell = RunSignals.listen()
        guarded = try CommandGuard()
        running = Array(repeating: nil, count: settings.jobs)
        ordered = OrderedJobs(keepsOrder: settings.order == .keep)
        status = RunStatus()
        log?.whileWaiting = { [unowned self] in try attendWhileWriting() }
    }

    /// Runs everything.
    ///
    /// - Returns: The exit code.
    /// - Throws: `OutputRefusal`, `ReadRefusal`, `Interrupted`, `OtherRun`; nothing runs any more then.
    func run() throws -> Int32 {
        do {
            while true {
                try attend()
                try launch()
                guard !isDone else { break }
                try flush()
                try wait()
            }
            for finished in ordered.drain() { try print(finished) }
            try flush()
            status.clear()
            endWhatIsLeft()
            return tally.exitCode
        } catch {
            status.clear()
            guarded.endAll(running.compactMap { $0?.process }) { RunSignals.endings > 1 }
            throw error
        }
    }

    private var isDone: Bool {
        running.allSatisfy { $0 == nil } && (isStopping || retries.isEmpty && source.isAtEnd)
    }

    /// The next job that is to run, if there is one by now.
    func nextJob() throws -> Begin? {
        if !retries.isEmpty { return retries.removeFirst() }
        while settings.order != .keep || lastNumber - ordered.next < Self.window * settings.jobs {
            guard let values = source.take() else { return nil }
            lastNumber += 1
            let job = Job(number: lastNumber, values: values)
            guard let earlier, let item = earlier.done[job.number] else { return Begin(job: job) }
            guard item == job.item else { throw OtherRun(number: job.number, path: earlier.path) }
            tally.skip()
            for finished in ordered.add(lastNumber, nil) { try print(finished) }
        }
        return nil
    }

    /// Sleeps until something happens, and does what there is to do then.
    private func wait() throws {
        let slots = running.indices.filter { running[$0] != nil }
        var entries = slots.map { pollfd(fd: running[$0]!.process.descriptor, events: Int16(POLLIN), revents: 0) }
        entries.append(pollfd(fd: bell, events: Int16(POLLIN), revents: 0))
        let awaited = isStopping ? nil : source.awaited
        if let awaited { entries.append(pollfd(fd: awaited, events: Int16(POLLIN), revents: 0)) }
        let deadline = running.reduce(nil as Int?) { first, each in
            guard let next = each?.deadline else { return first }
            return min(first ?? next, next)
        }
        let pause = deadline.map { Int32(clamping: max(0, $0 - now() + 999_999) / 1_000_000) } ?? -1
        guard unsafe poll(&entries, nfds_t(entries.count), pause) > 0 else { return }
        if entries[slots.count].revents != 0 { RunSignals.drain(bell) }
        for (slot, entry) in zip(slots, entries) where entry.revents != 0 { try end(slot) }
        if awaited != nil, entries.last?.revents != 0 { try source.read() }
    }

    /// Looks at what does not wait: signals, time that is up, outputs that are too long, the line on the terminal.
    ///
    /// - Throws: `Interrupted`.
    func attend() throws {
        if RunSignals.takeStop() { rest() }
        if let number = RunSignals.endingSignal {
            throw Interrupted(number: number, running: running.count { $0 != nil }, printed: tally.printed)
        }
        checkLimits()
        let (tally, running) = (tally, running.count { $0 != nil })
        status.show(tally, running: running, total: source.isWhole ? source.found : nil)
    }

    /// The same while a reader is waited for: jobs that end meanwhile have not taken longer for that.
    private func attendWhileWriting() throws {
        for slot in running.indices where running[slot]?.ended == nil && hasEnded(slot) { running[slot]?.ended = now() }
        try attend()
    }

    /// Whether a job has ended and was not taken from its place yet (`poll`).
    func hasEnded(_ slot: Int) -> Bool {
        guard let each = running[slot] else { return false }
        var entry = pollfd(fd: each.process.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) == 1
    }

    /// Stops with all jobs until somebody says to go on.
    private func rest() {
        status.clear()
        let start = now()
        for each in running { each?.process.kill(SIGSTOP) }
        RunSignals.stop()
        for slot in running.indices {
            running[slot]?.process.kill(SIGCONT)
            if let deadline = running[slot]?.deadline { running[slot]?.deadline = deadline + now() - start }
        }
    }

    /// Writes what was collected, and notes it in the log after that: a job is done when its output is written.
    func flush() throws {
        if output.isPending || errors.isPending { status.clearIfShared() }
        try output.flush()
        try errors.flush()
        try log?.flush()
    }

    private func endWhatIsLeft() {
        let count = guarded.endAll([])
        if count > 0 {
            StandardError.complain("\(counted(count, "process", "processes")) that jobs left behind: ended")
        }
    }
}

/// A signal is to end the run.
struct Interrupted: Error {
    let number: Int32
    /// How many jobs ran, and of how many the output was printed.
    let running: Int
    let printed: Int
}

/// The log to resume from has another item for a job.
struct OtherRun: Error {
    let number: Int
    let path: String
}
