// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// Runs commands round by round, and keeps the records of their runs.
final class Measurement {
    /// A command to measure, and the commands that run around it.
    struct Entry {
        let name: String
        let command: Program
        var parameters: [(name: String, value: String)] = []
        /// Runs once before all runs (`setup`), before each run (`prepare`), and once after all runs (`cleanup`).
        var setup: Program?
        var prepare: Program?
        var cleanup: Program?
        /// The comparison that it belongs to.
        ///
        /// If a run fails, the others of the comparison are skipped, and other comparisons go on. If nil, the measurement ends.
        var group: Int?

        fileprivate var programs: [Program] { [command] + [setup, prepare, cleanup].compactMap { $0 } }
    }

    /// The settings for every run.
    struct Settings {
        /// The file that is the standard input of measured commands; nil for an empty one.
        var input: String?
        /// Where the standard output of measured commands goes.
        var output = OutputTarget.null
        /// The most nanoseconds for a run; nil for no limit.
        var timeout: Int?
        var ignoresFailure = false
        /// What counts instructions; nil if they are not counted.
        var counter: InstructionCounter?
    }

    private(set) var measured: [MeasuredCommand]
    /// Why the comparisons failed that did, by their numbers.
    private(set) var failures: [Int: MeasurementError] = [:]
    /// The processor time of all commands and of the launcher, in seconds.
    var processorTime: Double { Double(commandTime + launcherTime) / 1e9 }

    /// A status line; there is none if the commands themselves write to the terminal, where it would be in their way.
    var statusLine: StatusLine { StatusLine(isWanted: settings.output != .inherit) }

    private let entries: [Entry]
    private let settings: Settings
    private let launcher: Launcher
    /// The launcher's number for the first program of each entry.
    private let first: [Int]
    /// How many runs of each entry began: those that are kept, and those that are not.
    private var begun: [(kept: Int, warmUp: Int)]
    private var commandTime = 0
    private var launcherTime = 0

    /// Starts a launcher for commands.
    ///
    /// - Throws: `MeasurementError.pool` if the system refuses a process.
    init(_ entries: [Entry], _ settings: Settings) throws(MeasurementError) {
        self.entries = entries
        self.settings = settings
        measured = entries.map { MeasuredCommand(name: $0.name, label: $0.command.label, parameters: $0.parameters) }
        begun = entries.map { _ in (0, 0) }
        first = entries.indices.map { number in entries[..<number].reduce(0) { $0 + $1.programs.count } }
        do {
            launcher = try Launcher(
                entries.flatMap(\.programs), input: settings.input, output: settings.output, counting: settings.counter)
        } catch {
            throw .pool(error)
        }
    }

    /// Runs the `setup` commands.
    func setUp() throws(MeasurementError) { try run(\.setup, "--setup") }

    /// Runs the `cleanup` commands.
    func cleanUp() throws(MeasurementError) { try run(\.cleanup, "--cleanup") }

    /// Runs commands.
    ///
    /// - Parameters:
    ///   - order: The numbers of the commands, in the order to run them.
    ///   - keeps: Whether the records are kept.
    /// - Throws: `MeasurementError` if a command fails, unless failures are ignored, or cannot start.
    func run(_ order: [Int], keeps: Bool) throws(MeasurementError) {
        let steps = order.flatMap { number in
            (entries[number].prepare == nil ? [] : [step(number, \.prepare, "--prepare")])
                + [Step(entry: number, program: first[number], part: nil)]
        }
        try run(steps, keeps: keeps)
    }

    /// Makes the runs so far warm-up runs.
    func forgetRuns() {
        for number in measured.indices {
            measured[number].runs = []
            begun[number] = (0, begun[number].kept + begun[number].warmUp)
        }
    }

    /// A program to run: the measured command of an entry (`part` is nil), or the command of an option.
    private struct Step {
        let entry: Int
        let program: Int
        let part: String?
    }

    private func run(_ part: KeyPath<Entry, Program?>, _ name: String) throws(MeasurementError) {
        for (number, entry) in entries.enumerated() where entry[keyPath: part] != nil {
            try run([step(number, part, name)], keeps: false)
        }
    }

    private func step(_ number: Int, _ part: KeyPath<Entry, Program?>, _ name: String) -> Step {
        let before = [\Entry.setup, \Entry.prepare, \Entry.cleanup].prefix { $0 != part }
            .count { entries[number][keyPath: $0] != nil }
        return Step(entry: number, program: first[number] + 1 + before, part: name)
    }

    private func run(_ steps: [Step], keeps: Bool) throws(MeasurementError) {
        let runs: [Execution]
        do {
            runs = try launcher.run(
                steps.map { step in
                    Launcher.Step(
                        program: step.program, mustSucceed: mustSucceed(step), isMeasured: step.part == nil,
                        group: entries[step.entry].group ?? -1)
                },
                timeout: settings.timeout)
        } catch {
            throw .pool(error)
        }
        for (step, run) in zip(steps, runs) {
            commandTime += run.user + run.system
            launcherTime = max(launcherTime, run.launcherTime)
            let group = entries[step.entry].group
            if let group, failures[group] != nil { continue }
            if step.part == nil {
                if keeps { begun[step.entry].kept += 1 } else { begun[step.entry].warmUp += 1 }
            }
            do {
                try check(run, step, keeps: keeps)
            } catch {
                guard let group, error.isOfCommand else { throw error }
                failures[group] = error
                continue
            }
            if keeps, step.part == nil { measured[step.entry].runs.append(run) }
        }
    }

    private func mustSucceed(_ step: Step) -> Bool { step.part != nil || !settings.ignoresFailure }

    private func check(_ run: Execution, _ step: Step, keeps: Bool) throws(MeasurementError) {
        let program = launcher[step.program]
        if case .notStarted(let code) = run.end {
            throw .program(.refused(String(decoding: program.path, as: UTF8.self), code))
        }
        if case .refused(let code) = run.end { throw .refused(code) }
        if run.succeeded, settings.counter != nil, run.instructions == nil { throw .notCounted(program.label) }
        guard !run.succeeded else { return }
        let name = entries[step.entry].name
        let count = begun[step.entry]
        let failure = FailedRun(
            number: step.part == nil ? (keeps ? count.kept : count.warmUp) : nil, isWarmUp: !keeps, run: run,
            timeout: settings.timeout, errorLines: launcher.lastErrorLines(of: step.program, lines: 5))
        if mustSucceed(step) {
            throw .failed(step.part.map { "\($0) of \(name)" } ?? name, program.label, failure)
        }
        if keeps { measured[step.entry].lastFailure = failure }
    }

    /// Subtracts the start of the shell, the runs of an entry, from all commands.
    func subtract(_ start: ShellStart) {
        for number in measured.indices { measured[number].shellStart = start }
    }
}

/// The reason why a measurement ended early.
enum MeasurementError: Error {
    case program(ProgramError)
    /// The system refused a process: errno.
    case refused(Int32)
    /// A command failed: its name and its command line.
    case failed(String, String, FailedRun)
    /// Nothing counted the instructions of a command.
    case notCounted(String)
    /// The launcher process ended.
    case pool(ForkPool.Failure)

    /// Whether it is a matter of one command, and not of the system.
    var isOfCommand: Bool {
        switch self {
        case .program, .failed, .notCounted: true
        case .refused, .pool: false
        }
    }

    /// What is wrong.
    var sentence: String {
        switch self {
        case .program(let error): error.description
        case .refused(let code): "the system refused a process: \(systemMessage(code))"
        case .pool(let failure): "\(failure)"
        case .notCounted(let label): "the instructions of \(label) were not counted; use --metric cpu"
        case .failed(let name, let label, let failure): "\(failure.place)\(name) (\(label)) \(failure.ending)"
        }
    }

    /// The run that failed; nil if none did.
    var run: FailedRun? {
        if case .failed(_, _, let failure) = self { failure } else { nil }
    }

    /// Prints what is wrong, and the last lines of standard error of a command that failed.
    func report() {
        StandardError.report(sentence)
        if let run { StandardError.write(run.written) }
    }
}
#endif
