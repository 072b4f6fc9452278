// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch

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

        fileprivate var programs: [Program] { [command] + [setup, prepare, cleanup].compactMap { $0 } }
    }

    /// The settings for every run.
    struct Settings {
        var showsOutput = false
        /// The most nanoseconds for a run; nil for no limit.
        var timeout: Int?
        var ignoresFailure = false
        var event: EventCounter.Event?
    }

    private(set) var measured: [MeasuredCommand]
    /// The processor time of all commands and of the launcher, in seconds.
    var processorTime: Double { Double(commandTime + launcherTime) / 1e9 }

    private let entries: [Entry]
    private let settings: Settings
    private let launcher: Launcher
    /// The launcher's number for the first program of each entry.
    private let first: [Int]
    private var commandTime = 0
    private var launcherTime = 0

    /// Starts a launcher for commands.
    ///
    /// - Throws: `MeasurementError.pool` if the system refuses a process.
    init(_ entries: [Entry], _ settings: Settings) throws(MeasurementError) {
        self.entries = entries
        self.settings = settings
        measured = entries.map { MeasuredCommand(name: $0.name, label: $0.command.label, parameters: $0.parameters) }
        first = entries.indices.map { number in entries[..<number].reduce(0) { $0 + $1.programs.count } }
        do {
            launcher = try Launcher(
                entries.flatMap(\.programs), showsOutput: settings.showsOutput, counting: settings.event)
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
        try run(steps) { step, run in
            if keeps, step.part == nil { measured[step.entry].runs.append(run) }
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
            try run([step(number, part, name)]) { _, _ in }
        }
    }

    private func step(_ number: Int, _ part: KeyPath<Entry, Program?>, _ name: String) -> Step {
        let before = [\Entry.setup, \Entry.prepare, \Entry.cleanup].prefix { $0 != part }
            .count { entries[number][keyPath: $0] != nil }
        return Step(entry: number, program: first[number] + 1 + before, part: name)
    }

    private func run(_ steps: [Step], _ note: (Step, Execution) -> Void) throws(MeasurementError) {
        let runs: [Execution]
        do {
            runs = try launcher.run(steps.map { ($0.program, mustSucceed($0)) }, timeout: settings.timeout)
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

    private func mustSucceed(_ step: Step) -> Bool { step.part != nil || !settings.ignoresFailure }

    private func check(_ run: Execution, _ step: Step) throws(MeasurementError) {
        let program = launcher[step.program]
        if case .notStarted(let code) = run.end {
            throw .program(.refused(String(decoding: program.path, as: UTF8.self), code))
        }
        if case .refused(let code) = run.end { throw .refused(code) }
        guard !run.succeeded, mustSucceed(step) else { return }
        let name = entries[step.entry].name
        throw .failed(
            step.part.map { "\($0) of \(name)" } ?? name, program.label, run, timeout: settings.timeout,
            lastErrorLines: launcher.lastErrorLines(lines: 5))
    }
}

/// The reason why a measurement ended early.
enum MeasurementError: Error {
    case program(ProgramError)
    /// The system refused a process: errno.
    case refused(Int32)
    /// A command failed: its name, its command line, the record, the timeout in nanoseconds, and the end of its
    /// standard error.
    case failed(String, String, Execution, timeout: Int?, lastErrorLines: [String])
    /// The launcher process ended.
    case pool(ForkPool.Failure)

    /// Prints a line that says what is wrong, and the last lines of standard error of a command that failed.
    func report() {
        switch self {
        case .program(let error): StandardError.report(error.description)
        case .refused(let code): StandardError.report("the system refused a process: \(systemMessage(code))")
        case .pool(let failure): StandardError.report("\(failure)")
        case .failed(let name, let label, let run, let timeout, let lastErrorLines):
            StandardError.report("\(name) (\(label)) \(Self.ending(run, timeout))")
            for line in lastErrorLines { StandardError.write("  stderr: \(printable(line))\n") }
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
#endif
