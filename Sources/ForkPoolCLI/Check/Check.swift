// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ArgumentParser
import ForkPool
import Glibc

/// The verb `forkpool check`: a gate for CI that decides whether head is slower than base.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", _superCommandName: "forkpool",
        abstract: "Fail if a command is slower than another.",
        discussion: """
            Runs base and head in turn, as forkpool bench does. After 10, 20, 40 and 80 pairs of runs it looks at \
            the confidence interval of the ratio head / base: above the limit means slower, below it passed, and \
            around it more pairs. A head within the limit is called slower in at most 1 of 20 checks, over all looks \
            and all comparisons together (Holm). The default metric is CPU time: on a busy machine, wall time \
            depends more on the machine than on the command.

            With --baseline, head is compared with runs from forkpool bench --json on the same host. A machine that \
            became slower or faster since then looks like a change of the command.

            With --canary, the decision is repeated as if head were slower by twice the limit. If the gate does not \
            find that, the check is inconclusive.

            EXAMPLES
              forkpool check --base './old input' --head './new input'
              forkpool check --base 'git grep x' --head 'rg x' --limit 10% --metric wall
              forkpool check --base 'old a' --head 'new a' --base 'old b' --head 'new b'
              forkpool bench --json main.json -- ./program
              forkpool check --baseline main.json -- ./program

            EXIT CODES
              0    passed: head is within the limit
              1    head is slower
              3    inconclusive after --max-time or 80 pairs, or one run exceeds --max-time
              4    a command failed, or a program does not exist
              5    there is no baseline, it is from another host, or its runs failed
              64   the command line is wrong
              70   the system refused a process, memory or the instruction counter
              74   the results cannot be written
            """)

    @Option(
        help: ArgumentHelp(
            "The command to compare with; repeat --base and --head for more comparisons.", valueName: "command")
    )
    var base: [String] = []

    @Option(help: ArgumentHelp("The command that must not be slower than --base.", valueName: "command"))
    var head: [String] = []

    @Option(
        help: ArgumentHelp("Compare with the runs in a file from forkpool bench --json.", valueName: "file"),
        completion: .file())
    var baseline: String?

    @Argument(
        help: ArgumentHelp(
            "With --baseline: the command line of head, or its words after --.", valueName: "command"))
    var command: [String] = []

    @Option(
        help: ArgumentHelp("How much slower head may be (default: 5%).", valueName: "percentage"),
        transform: Percentage.init(parsing:))
    var limit = Percentage(part: 0.05)

    @Option(help: ArgumentHelp("The quantity to compare.", valueName: "metric"))
    var metric = Metric.cpu

    @Option(
        help: ArgumentHelp("When to give up (default: 60s); at least one pair runs.", valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var maxTime = DurationArgument(nanoseconds: 60_000_000_000)

    @Flag(help: "Verify that the gate would find a head that is slower by twice the limit.")
    var canary = false

    @OptionGroup var options: MeasurementOptions
    @OptionGroup var output: ResultOptions

    func validate() throws {
        if baseline == nil {
            guard !base.isEmpty || !head.isEmpty else {
                throw ValidationError(
                    "there is nothing to compare: give --base and --head, or --baseline and a command.")
            }
            guard command.isEmpty else { throw ValidationError("a command without --base or --head needs --baseline.") }
            guard base.count == head.count else {
                throw ValidationError("each --base needs a --head, and each --head a --base.")
            }
        } else {
            guard base.isEmpty, head.isEmpty else {
                throw ValidationError("give either --baseline or --base and --head.")
            }
            let isOne =
                AfterTerminator.words.isEmpty ? command.count == 1 : command.count == AfterTerminator.words.count
            guard isOne else {
                throw ValidationError("with --baseline give one command, quoted as a whole or after --.")
            }
        }
        try CommandLineText.check()
        try output.check(options)
        guard limit.part > 0, limit.part <= 10 else {
            throw ValidationError("--limit must be more than 0% and at most 1000%.")
        }
        guard maxTime.nanoseconds > 0 else { throw ValidationError("--max-time must be more than 0.") }
    }

    func run() throws {
        do {
            let (entries, states) = try plan()
            if metric == .instructions { _ = try EventCounter(.instructions) }
            var files = try output.open()
            let outcome = try measure(entries, states)
            let style = Style(for: STDOUT_FILENO)
            try output.write(outcome.results, &files, report: outcome.results.text(style) + outcome.text(style))
            if outcome.code != 0 { throw ExitCode(outcome.code) }
        } catch let error as MeasurementError {
            error.report()
            throw ExitCode(code(error))
        } catch let error as Baseline.LoadError {
            StandardError.report(error.sentence)
            throw ExitCode(Exit.noBaseline)
        } catch let refusal as SystemError {
            StandardError.report(Self.sentence(refusal))
            throw ExitCode(Exit.internalError)
        }
    }

    private func code(_ error: MeasurementError) -> Int32 {
        switch error {
        case .program(.line): Exit.usage
        case .failed(_, _, let run, _, _) where run.end == .timedOut && options.timeout == nil: Exit.inconclusive
        case .program, .failed: Exit.commandFailed
        case .pool, .refused: Exit.internalError
        }
    }

    private static func sentence(_ refusal: SystemError) -> String {
        switch refusal.code {
        case EACCES, EPERM:
            "instructions cannot be counted: this process has no permission (/proc/sys/kernel/perf_event_paranoid is "
                + "\(TextFile.line("/proc/sys/kernel/perf_event_paranoid") ?? "unknown"), 2 is enough); use --metric cpu"
        default:
            "instructions cannot be counted: this machine has no counter for them "
                + "(\(systemMessage(refusal.code))); use --metric cpu"
        }
    }

    /// Finds every program and reads the baseline, before anything runs.
    private func plan() throws -> ([Measurement.Entry], [ComparisonState]) {
        if let baseline {
            let program = try self.program(command, isLine: AfterTerminator.words.isEmpty)
            let base = try Baseline(baseline).command(program.label, metric, from: baseline)
            return ([Measurement.Entry(name: "head", command: program)], [ComparisonState(head: 0, base: .file(base))])
        }
        var entries: [Measurement.Entry] = []
        for (number, lines) in zip(base, head).enumerated() {
            let suffix = base.count > 1 ? " \(number + 1)" : ""
            entries.append(Measurement.Entry(name: "base\(suffix)", command: try program([lines.0], isLine: true)))
            entries.append(Measurement.Entry(name: "head\(suffix)", command: try program([lines.1], isLine: true)))
        }
        return (entries, base.indices.map { ComparisonState(head: 2 * $0 + 1, base: .command(2 * $0)) })
    }

    private func program(_ words: [String], isLine: Bool) throws(MeasurementError) -> Program {
        do {
            if isLine { return try Program(words[0], byShell: options.shell) }
            return options.shell ? try Program(words.joined(separator: " "), byShell: true) : try Program(words)
        } catch {
            throw .program(error)
        }
    }

    private func measure(
        _ entries: [Measurement.Entry], _ states: [ComparisonState]
    ) throws(MeasurementError) -> CheckReport {
        var settings = options.settings
        // A run that takes longer than --max-time is killed.
        settings.timeout = settings.timeout ?? maxTime.nanoseconds
        settings.event = metric == .instructions ? .instructions : nil
        let measurement = try Measurement(entries, settings)
        let seed = options.drawSeed()
        let noise = NoiseMeter()
        let start = ContinuousClock.now
        var decision = CheckDecision(states, PairedGate(limit: 1 + limit.part), metric, withCanary: canary)
        let warmedUp = try measure(by: measurement, &decision, seed, since: start)
        let measured = measurement.measured
        let results = Results(
            verb: "check", entries: measured, comparisons: decision.comparisons(measured),
            noise: noise.noise(besides: measurement.processorTime), seed: seed, warmup: warmedUp,
            seconds: start.secondsSince, metric: metric)
        return CheckReport(results: results, maxTime: maxTime.seconds)
    }

    /// Measures until everything is decided, or until the time left is too short for another round.
    ///
    /// - Returns: How many warm-up rounds were discarded.
    private func measure(
        by measurement: Measurement, _ decision: inout CheckDecision, _ seed: UInt64,
        since start: ContinuousClock.Instant
    ) throws(MeasurementError) -> Int {
        var schedule = RunSchedule(seed: seed)
        var line = StatusLine()
        defer { line.clear() }
        line.show { "warming up" }
        // The first rounds find cold caches.
        var warmedUp = 0
        repeat {
            try measurement.run(schedule.rounds(1, of: decision.groups), keeps: false)
            warmedUp += 1
        } while warmedUp < Self.warmup && start.secondsSince < maxTime.seconds
        var pacer = RoundPacer()
        var pairs = 0
        while let look = decision.next {
            let before = start.secondsSince
            let possible = Int((maxTime.seconds - before) / before * Double(warmedUp + pairs))
            let rounds = min(pacer.next(of: look - pairs), max(1, possible))
            try measurement.run(schedule.rounds(rounds, of: decision.groups), keeps: true)
            pairs += rounds
            let isLast = start.secondsSince * Double(warmedUp + pairs + 1) / Double(warmedUp + pairs) > maxTime.seconds
            if isLast || pairs == look { decision.look(measurement.measured, isLast: isLast) }
            line.show {
                "\(counted(pairs, "pair")), next look after \(decision.next ?? pairs), \(fixed(start.secondsSince, 0)) s"
            }
        }
        return warmedUp
    }

    /// How many rounds to discard, if there is time.
    private static let warmup = 2
}
#endif
