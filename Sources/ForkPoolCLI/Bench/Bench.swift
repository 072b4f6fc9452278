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
            without --shell. With it, the start of the shell is measured in the same rounds, and subtracted. \
            Commands have an empty standard input, and their output is discarded, unless options say otherwise. \
            The report says if runs are far above the others, or fall into two groups. Processes that a \
            command leaves running are killed. Ctrl-C ends everything at once, without --cleanup. Peak memory is \
            that of the largest process of a command; ≤ means that it is hidden by the process that starts commands.

            EXAMPLES
              forkpool bench 'sort big.txt' 'sort --parallel=1 big.txt'
              forkpool bench -n 20 --json old.json -- ./program --fast 'a file'
              forkpool bench -P jobs=1..4 --prepare 'make clean' 'make -j{jobs}'
              forkpool bench -N old -N new --input big.txt './old' './new'
              forkpool bench --shell --svg chart.svg 'sort <a | uniq' 'sort -u <a'

            EXIT CODES
              0    measured
              4    a command failed; with --ignore-failure, each of its runs
              64   the command line is wrong
              66   the file of --input cannot be read
              70   the system refused a process or memory
              74   the results cannot be written
              126  a program cannot be started
              127  a program does not exist
            """)

    @Argument(
        help: ArgumentHelp(
            "Command lines, each quoted as one argument; after --, the words of one command.", valueName: "command"),
        completion: .file())
    var commands: [String] = []

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("How often to run each command.", valueName: "count"))
    var runs: Int?

    @Option(
        help: ArgumentHelp(
            "When to stop, after at least 10 runs of each command (default: 10s).",
            valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var maxTime: DurationArgument?

    @Option(
        name: [.customShort("m"), .long],
        help: ArgumentHelp("The fewest runs of each command (default: 10).", valueName: "count"))
    var minRuns: Int?

    @Option(name: [.customShort("M"), .long], help: ArgumentHelp("The most runs of each command.", valueName: "count"))
    var maxRuns: Int?

    @Option(
        name: [.customShort("w"), .long], help: ArgumentHelp("How many rounds to discard first.", valueName: "count"))
    var warmup = 2

    @Option(
        name: [.customShort("N"), .customLong("name")],
        help: ArgumentHelp(
            "The name of a command in the report, in their order; repeat it. What hyperfine's -N does is the default.",
            valueName: "name"))
    var names: [String] = []

    @Option(
        help: ArgumentHelp(
            "The command to compare the others with (default: the first); it runs too.", valueName: "command"))
    var reference: String?

    /// The order of the report.
    enum Order: String, CaseIterable, ExpressibleByArgument {
        case command
        case time
    }

    @Option(help: ArgumentHelp("The order of the report: as given, or the fastest first.", valueName: "order"))
    var sort = Order.command

    @Option(help: ArgumentHelp("A command to run once, before the runs of each command.", valueName: "command"))
    var setup: String?

    @Option(help: ArgumentHelp("A command to run before each run.", valueName: "command"))
    var prepare: String?

    @Option(help: ArgumentHelp("A command to run once, after the runs of each command.", valueName: "command"))
    var cleanup: String?

    @Option(
        name: [.customShort("L"), .customLong("list")],
        help: ArgumentHelp(
            "Run with each of these values in place of {name}; \\, is a comma. With several lists, every combination.",
            valueName: "name=a,b"),
        transform: ParameterList.init(parsing:))
    var lists: [ParameterList] = []

    @Option(
        name: [.customShort("P"), .customLong("scan")],
        help: ArgumentHelp(
            "Run with each number from first to last in place of {name}, such as jobs=1..8 or size=0..2..0.5.",
            valueName: "name=first..last"),
        transform: ParameterList.init(scan:))
    var scans: [ParameterList] = []

    @Flag(help: "Go on when a run fails; it counts for no figure.")
    var ignoreFailure = false

    @OptionGroup var options: MeasurementOptions
    @OptionGroup var output: ResultOptions

    func validate() throws {
        if let advice = HyperfineOptions.nameAdvice(for: names) { throw ValidationError(advice) }
        if commands.isEmpty { throw ValidationError("there is no command to run.") }
        if let runs, !(1...1_000_000).contains(runs) {
            throw ValidationError("--runs must be from 1 to 1000000, not \(runs).")
        }
        if runs != nil, maxTime != nil { throw ValidationError("give either --runs or --max-time.") }
        if runs != nil, minRuns != nil || maxRuns != nil {
            throw ValidationError("give either --runs, or --min-runs and --max-runs.")
        }
        for (name, value) in [("--min-runs", minRuns), ("--max-runs", maxRuns)] {
            guard let value, !(1...1_000_000).contains(value) else { continue }
            throw ValidationError("\(name) must be from 1 to 1000000, not \(value).")
        }
        if let minRuns, let maxRuns, minRuns > maxRuns {
            throw ValidationError("--min-runs must not be more than --max-runs.")
        }
        if !(0...1000).contains(warmup) { throw ValidationError("--warmup must be from 0 to 1000, not \(warmup).") }
        try CommandLineText.check()
        try output.check(options, reading: [("--input", options.input)])
        try checkParameters()
        let count = commands.count - AfterTerminator.words.count + (AfterTerminator.words.isEmpty ? 0 : 1)
        if names.count > count {
            throw ValidationError("there are \(counted(names.count, "name")), and \(counted(count, "command")).")
        }
    }

    private func checkParameters() throws {
        let parameters = (lists + scans).map(\.name)
        if let twice = parameters.first(where: { name in parameters.count { $0 == name } > 1 }) {
            throw ValidationError("there are two lists with the name \(twice).")
        }
        let all = (commands + [setup, prepare, cleanup].compactMap { $0 })
        if let unused = parameters.first(where: { name in !all.contains { $0.contains("{\(name)}") } }) {
            throw ValidationError("{\(unused)} is in no command.")
        }
        guard let reference else { return }
        if let used = parameters.first(where: { reference.contains("{\($0)}") }) {
            throw ValidationError("--reference is one command, so it cannot have {\(used)}; give it the value itself.")
        }
        let around = commands.contains(reference) ? [] : [setup, prepare, cleanup].compactMap { $0 }
        if let used = parameters.first(where: { name in around.contains { $0.contains("{\(name)}") } }) {
            throw ValidationError(
                "--reference has no value for {\(used)}, which --setup, --prepare or --cleanup has; make it one of the commands."
            )
        }
    }

    func run() throws {
        do {
            let plan = try BenchPlan(self)
            if let twice = Dictionary(grouping: plan.entries, by: \.name).first(where: { $1.count > 1 })?.key {
                throw ValidationError("there are two commands with the name \(twice).")
            }
            try options.checkFiles()
            let files = try output.open()
            let results = try measure(plan)
            try output.write(results, files, report: results.ordered.text(Style(for: STDOUT_FILENO)))
            let failed = results.entries.filter { $0.countedRuns.isEmpty }
            for entry in failed { StandardError.report("no run of \(entry.name) (\(entry.label)) succeeded") }
            if !failed.isEmpty { throw ExitCode(Exit.commandFailed) }
        } catch let error as MeasurementError {
            error.report()
            throw ExitCode(Self.code(error))
        }
    }

    private static func code(_ error: MeasurementError) -> Int32 {
        switch error {
        case .program(let error): error.code
        case .failed: Exit.commandFailed
        case .pool, .refused, .notCounted: Exit.internalError
        }
    }

    private func measure(_ plan: BenchPlan) throws(MeasurementError) -> Results {
        var settings = options.settings
        settings.ignoresFailure = ignoreFailure
        let measurement = try Measurement(plan.entries, settings)
        // Without the start of the shell, which is the last entry.
        let commands = plan.shell ?? plan.entries.count
        let seed = options.drawSeed()
        let noise = NoiseMeter()
        let start = ContinuousClock.now
        do throws(MeasurementError) {
            try measurement.setUp()
            try measure(by: measurement, of: commands, seed, since: start)
        } catch {
            // Clean up what was set up, but report the first error.
            try? measurement.cleanUp()
            throw error
        }
        try measurement.cleanUp()
        let shellStart = plan.shell.flatMap { ShellStart(measurement.measured[$0]) }
        if let shellStart { measurement.subtract(shellStart) }
        let measured = Array(measurement.measured.prefix(commands))
        let comparisons = measured.dropFirst().flatMap { head in
            [Metric.wall, .cpu].map { Comparison(head, to: measured[0], $0) }
        }
        return Results(
            verb: "bench", entries: measured, comparisons: comparisons,
            noise: noise.noise(besides: measurement.processorTime), seed: seed, warmup: warmup,
            seconds: start.secondsSince, metric: .wall, notes: shellStart.map { [$0.sentence] } ?? [],
            conditions: Conditions(options), shellStart: shellStart, isSorted: sort == .time)
    }

    private func measure(
        by measurement: Measurement, of commands: Int, _ seed: UInt64, since start: ContinuousClock.Instant
    ) throws(MeasurementError) {
        let fewest = minRuns ?? min(10, maxRuns ?? 10)
        let rule = StopRule(runs: runs, seconds: maxTime?.seconds ?? 10, fewest: fewest, most: maxRuns ?? .max)
        var schedule = RunSchedule(seed: seed)
        var line = measurement.statusLine
        defer { line.clear() }
        let all = [Array(measurement.measured.indices)]
        line.show { "warming up \(counted(commands, "command"))" }
        try measurement.run(schedule.rounds(warmup, of: all), keeps: false)
        var pacer = RoundPacer()
        var count = 0
        while true {
            let look = rule.look(after: count)
            let rounds = pacer.next(of: look - count)
            try measurement.run(schedule.rounds(rounds, of: all), keeps: true)
            count += rounds
            let isMet = rule.isMet(by: count, after: start.secondsSince, isLook: count == look) {
                Self.resolution(Array(measurement.measured.prefix(commands)))
            }
            if isMet { return }
            line.show { Self.status(count, runs, Array(measurement.measured.prefix(commands)), start.secondsSince) }
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
