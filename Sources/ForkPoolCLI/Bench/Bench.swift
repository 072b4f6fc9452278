// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The verb `forkpool bench`: times commands, and compares them.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", _superCommandName: "forkpool",
        abstract: "Time commands, side by side.",
        discussion: """
            Runs the commands in turn, in blocks of random order (A B B A), and discards the first block. So a \
            machine that becomes slower slows all commands alike. Each figure is a median with its 95 % confidence \
            interval; each ratio is the median of the ratios of neighbouring runs. Without -n, bench stops when \
            the ratios (for one command, the median) are known to 1 %, or after --max-time.

            A command line is split into words as a shell does it, but no shell runs it: shell syntax is an error \
            without --shell. Commands have an empty standard input, and their output is discarded. Processes that a \
            command leaves running are killed. Ctrl-C ends everything at once, without --cleanup. Peak memory is \
            that of the largest process of a command; ≤ means that it is hidden by the process that starts commands.

            EXAMPLES
              forkpool bench 'sort big.txt' 'sort --parallel=1 big.txt'
              forkpool bench -n 20 --json old.json -- ./program --fast 'a file'
              forkpool bench -L jobs=1,2,4 --prepare 'make clean' 'make -j{jobs}'
              forkpool bench --shell --svg chart.svg 'sort <a | uniq' 'sort -u <a'

            EXIT CODES
              0    measured
              4    a command failed, and --ignore-failure was not given
              64   the command line is wrong
              70   the system refused a process or memory
              74   the results cannot be written
              126  a program cannot be started
              127  a program does not exist
            """)

    @Argument(
        help: ArgumentHelp(
            "Command lines, each quoted as one argument; after --, the words of one command.", valueName: "command"))
    var commands: [String] = []

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("How often to run each command.", valueName: "count"))
    var runs: Int?

    @Option(
        help: ArgumentHelp(
            "When to stop, after at least 10 runs of each command (default: 10s).",
            valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var maxTime: DurationArgument?

    @Option(help: ArgumentHelp("How many rounds to discard first.", valueName: "count"))
    var warmup = 2

    @Option(help: ArgumentHelp("A command to run once, before the runs of each command.", valueName: "command"))
    var setup: String?

    @Option(help: ArgumentHelp("A command to run before each run.", valueName: "command"))
    var prepare: String?

    @Option(help: ArgumentHelp("A command to run once, after the runs of each command.", valueName: "command"))
    var cleanup: String?

    @Option(
        name: [.customShort("L"), .customLong("list")],
        help: ArgumentHelp(
            "Run with each of these values in place of {name}; with several lists, every combination.",
            valueName: "name=a,b"),
        transform: ParameterList.init(parsing:))
    var lists: [ParameterList] = []

    @Flag(help: "Also measure commands that fail.")
    var ignoreFailure = false

    @OptionGroup var options: MeasurementOptions
    @OptionGroup var output: ResultOptions

    func validate() throws {
        if commands.isEmpty { throw ValidationError("there is no command to run.") }
        if let runs, !(1...1_000_000).contains(runs) {
            throw ValidationError("--runs must be from 1 to 1000000, not \(runs).")
        }
        if runs != nil, maxTime != nil { throw ValidationError("give either --runs or --max-time.") }
        if !(0...1000).contains(warmup) { throw ValidationError("--warmup must be from 0 to 1000, not \(warmup).") }
        try CommandLineText.check()
        try output.check(options)
        let names = lists.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw ValidationError("there are two lists with the name \(twice).")
        }
        let all = (commands + [setup, prepare, cleanup].compactMap { $0 })
        if let unused = names.first(where: { name in !all.contains { $0.contains("{\(name)}") } }) {
            throw ValidationError("{\(unused)} is in no command.")
        }
    }

    func run() throws {
        do {
            let entries = try self.entries()
            var files = try output.open()
            let results = try measure(entries)
            try output.write(results, &files, report: results.text(Style(for: STDOUT_FILENO)))
        } catch let error as MeasurementError {
            error.report()
            throw ExitCode(Self.code(error))
        }
    }

    private static func code(_ error: MeasurementError) -> Int32 {
        switch error {
        case .program(let error): error.code
        case .failed: Exit.commandFailed
        case .pool, .refused: Exit.internalError
        }
    }

    /// Finds every program before anything runs.
    private func entries() throws(MeasurementError) -> [Measurement.Entry] {
        var entries: [Measurement.Entry] = []
        do throws(ProgramError) {
            for parameters in ParameterList.combinations(lists) {
                func program(_ line: String?) throws(ProgramError) -> Program? {
                    guard let line else { return nil }
                    return try Program(line.filled(parameters), byShell: options.shell)
                }
                var programs: [Program] = []
                let words = AfterTerminator.words
                for line in commands.dropLast(words.count) {
                    programs += [try Program(line.filled(parameters), byShell: options.shell)]
                }
                if !words.isEmpty { programs += [try self.program(words.map { $0.filled(parameters) })] }
                for command in programs {
                    entries.append(
                        Measurement.Entry(
                            name: MeasuredCommand.name(entries.count), command: command, parameters: parameters,
                            setup: try program(setup), prepare: try program(prepare), cleanup: try program(cleanup)))
                }
            }
        } catch {
            throw .program(error)
        }
        return entries
    }

    /// Finds the program of a command that is given as words; for a shell they become one line.
    private func program(_ words: [String]) throws(ProgramError) -> Program {
        options.shell ? try Program(words.joined(separator: " "), byShell: true) : try Program(words)
    }

    private func measure(_ entries: [Measurement.Entry]) throws(MeasurementError) -> Results {
        var settings = options.settings
        settings.ignoresFailure = ignoreFailure
        let measurement = try Measurement(entries, settings)
        let seed = options.drawSeed()
        let noise = NoiseMeter()
        let start = ContinuousClock.now
        do throws(MeasurementError) {
            try measurement.setUp()
            try measure(by: measurement, seed, since: start)
        } catch {
            // Clean up what was set up, but report the first error.
            try? measurement.cleanUp()
            throw error
        }
        try measurement.cleanUp()
        let measured = measurement.measured
        let comparisons = measured.dropFirst().flatMap { head in
            [Metric.wall, .cpu].map { Comparison(head, to: measured[0], $0) }
        }
        return Results(
            verb: "bench", entries: measured, comparisons: comparisons,
            noise: noise.noise(besides: measurement.processorTime), seed: seed, warmup: warmup,
            seconds: start.secondsSince, metric: .wall)
    }

    private func measure(
        by measurement: Measurement, _ seed: UInt64, since start: ContinuousClock.Instant
    ) throws(MeasurementError) {
        let rule = StopRule(runs: runs, seconds: maxTime?.seconds ?? 10)
        var schedule = RunSchedule(seed: seed)
        var line = StatusLine()
        defer { line.clear() }
        let all = [Array(measurement.measured.indices)]
        line.show { "warming up \(counted(all[0].count, "command"))" }
        try measurement.run(schedule.rounds(warmup, of: all), keeps: false)
        var pacer = RoundPacer()
        var count = 0
        while true {
            let look = rule.look(after: count)
            let rounds = pacer.next(of: look - count)
            try measurement.run(schedule.rounds(rounds, of: all), keeps: true)
            count += rounds
            let isMet = rule.isMet(by: count, after: start.secondsSince, isLook: count == look) {
                Self.resolution(measurement.measured)
            }
            if isMet { return }
            line.show { Self.status(count, runs, measurement.measured, start.secondsSince) }
        }
    }

    /// Makes the text of the status line.
    private static func status(_ count: Int, _ runs: Int?, _ measured: [MeasuredCommand], _ seconds: Double) -> String {
        let runs = runs.map { "\(count) of \(counted($0, "run"))" } ?? counted(count, "run")
        let precision = resolution(measured).map { ", ±\(fixed($0 * 100, 1)) %" } ?? ""
        return "measuring \(counted(measured.count, "command")): \(runs)\(precision), \(fixed(seconds, 0)) s"
    }

    /// The resolution of the least certain figure: a ratio if there are several commands, else the median.
    private static func resolution(_ measured: [MeasuredCommand]) -> Double? {
        let resolutions =
            measured.count > 1
            ? measured.dropFirst().map { Comparison($0, to: measured[0], .wall).ratio.resolution }
            : measured.map { Ratio(pairs: $0.values(.wall), error: 0.05).resolution }
        return resolutions.contains { $0 == nil } ? nil : resolutions.compactMap { $0 }.max()
    }
}
#endif
