import ForkPool
import ForkPoolLaunch

/// Runs commands round by round, and keeps what their runs gave.
final class Measurement {
    /// A command to measure, and what runs around it.
    struct Entry {
        let name: String
        let command: Program
        var parameters: [(name: String, value: String)] = []
        /// Once before all of its runs, before each, and once after all of them.
        var setup: Program?
        var prepare: Program?
        var cleanup: Program?

        fileprivate var programs: [Program] { [command] + [setup, prepare, cleanup].compactMap { $0 } }
    }

    /// How every command is run.
    struct Manner {
        var showsOutput = false
        /// Nanoseconds for one run, or as long as it takes.
        var timeout: Int?
        var ignoresFailure = false
        var event: EventCounter.Event?
    }

    private(set) var measured: [Measured]
    /// The processor time of all that was run, and of its launcher, in seconds.
    var processorTime: Double { Double(commandTime + launcherTime) / 1e9 }

    private let entries: [Entry]
    private let manner: Manner
    private let launcher: Launcher
    /// The launcher's number of each entry's first program.
    private let first: [Int]
    private var commandTime = 0
    private var launcherTime = 0

    /// Prepares to run commands.
    ///
    /// - Throws: That the system refused a process.
    init(_ entries: [Entry], _ manner: Manner) throws(RunProblem) {
        self.entries = entries
        self.manner = manner
        measured = entries.map { Measured(name: $0.name, label: $0.command.label, parameters: $0.parameters) }
        first = entries.indices.map { number in entries[..<number].reduce(0) { $0 + $1.programs.count } }
        do {
            launcher = try Launcher(
                entries.flatMap(\.programs), showsOutput: manner.showsOutput, counting: manner.event)
        } catch {
            throw .pool(error)
        }
    }

    /// Runs what comes before everything.
    func setUp() throws(RunProblem) { try run(\.setup, "--setup") }

    /// Runs what comes after everything.
    func cleanUp() throws(RunProblem) { try run(\.cleanup, "--cleanup") }

    /// Runs commands.
    ///
    /// - Parameters:
    ///   - order: Their numbers.
    ///   - keeps: Whether the runs count.
    /// - Throws: That one failed, unless that is ignored, or was not started.
    func run(_ order: [Int], keeps: Bool) throws(RunProblem) {
        let steps = order.flatMap { number in
            (entries[number].prepare == nil ? [] : [step(number, \.prepare, "--prepare")])
                + [Step(entry: number, program: first[number], part: nil)]
        }
        try run(steps) { step, run in
            if keeps, step.part == nil { measured[step.entry].runs.append(run) }
        }
    }

    /// A command of an entry, and the option that it comes from if it is not what is measured.
    private struct Step {
        let entry: Int
        let program: Int
        let part: String?
    }

    private func run(_ part: KeyPath<Entry, Program?>, _ name: String) throws(RunProblem) {
        for (number, entry) in entries.enumerated() where entry[keyPath: part] != nil {
            try run([step(number, part, name)]) { _, _ in }
        }
    }

    private func step(_ number: Int, _ part: KeyPath<Entry, Program?>, _ name: String) -> Step {
        let before = [\Entry.setup, \Entry.prepare, \Entry.cleanup].prefix { $0 != part }
            .count { entries[number][keyPath: $0] != nil }
        return Step(entry: number, program: first[number] + 1 + before, part: name)
    }

    private func run(_ steps: [Step], _ note: (Step, Execution) -> Void) throws(RunProblem) {
        let runs: [Execution]
        do {
            runs = try launcher.run(steps.map { ($0.program, mustSucceed($0)) }, timeout: manner.timeout)
        } catch {
            throw .pool(error)
        }
        for (step, run) in zip(steps, runs) {
            commandTime += run.user + run.system
            launcherTime = max(launcherTime, run.launcherTime)
            try check(run, step)
            note(step, run)
        }
    }

    private func mustSucceed(_ step: Step) -> Bool { step.part != nil || !manner.ignoresFailure }

    private func check(_ run: Execution, _ step: Step) throws(RunProblem) {
        let program = launcher[step.program]
        if case .notStarted(let code) = run.end {
            throw .program(.refused(String(decoding: program.path, as: UTF8.self), code))
        }
        if case .refused(let code) = run.end { throw .refused(code) }
        guard !run.succeeded, mustSucceed(step) else { return }
        let name = entries[step.entry].name
        throw .failed(
            step.part.map { "\($0) of \(name)" } ?? name, program.label, run, timeout: manner.timeout,
            lastWords: launcher.lastWords(lines: 5))
    }
}

/// Why there is nothing measured.
enum RunProblem: Error {
    case program(ProgramProblem)
    /// The system refused a process: errno.
    case refused(Int32)
    /// A command failed: which, its line, how, how many nanoseconds it had, and what it said last.
    case failed(String, String, Execution, timeout: Int?, lastWords: [String])
    /// The launcher is gone.
    case pool(ForkPool.Failure)

    /// Says what is wrong: a line, and below it what a command that failed said last.
    func complain() {
        switch self {
        case .program(let problem): StandardError.complain(problem.description)
        case .refused(let code): StandardError.complain("the system refused a process: \(systemMessage(code))")
        case .pool(let failure): StandardError.complain("\(failure)")
        case .failed(let name, let label, let run, let timeout, let lastWords):
            StandardError.complain("\(name) (\(label)) \(Self.ending(run, timeout))")
            for line in lastWords { StandardError.write("  stderr: \(printable(line))\n") }
        }
    }

    private static func ending(_ run: Execution, _ timeout: Int?) -> String {
        switch run.end {
        case .killed(let signal): "was ended by signal \(signal)"
        case .timedOut:
            "took longer than \(Self.text(Double(timeout ?? run.wall) / 1e9)) and was killed"
        default: "exited with \(run.code)"
        }
    }

    private static func text(_ seconds: Double) -> String { Scale.seconds(seconds).text(seconds) }
}
