import ArgumentParser
import ForkPool
import ForkPoolLaunch
import Glibc

/// The verb `forkpool check`: a gate for CI that tells whether head is slower than base.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", _superCommandName: "forkpool",
        abstract: "Fail if a command is slower than another.",
        discussion: """
            Runs base and head in turn, as forkpool bench does, and looks after 10, 20, 40 and 80 pairs whether the \
            interval of the ratio lies above the limit (slower), below it (passed), or around it (go on). All looks \
            together call a head that is not slower than the limit slower in 1 of 20 checks at most; of several \
            comparisons, too (Holm). CPU time is compared unless asked otherwise: on a busy machine wall time tells \
            more of the machine than of the command.

            With --baseline the runs that forkpool bench --json wrote are compared with, on the same host only. What \
            changes between two days is taken for a change of the command then.

            With --canary the decision is made once more as if head were slower by twice the limit; a gate that would \
            not find that is no gate, and the check is inconclusive.

            EXAMPLES
              forkpool check --base './old input' --head './new input'
              forkpool check --base 'git grep x' --head 'rg x' --limit 10% --metric wall
              forkpool check --base 'old a' --head 'new a' --base 'old b' --head 'new b'
              forkpool bench --json main.json -- ./program
              forkpool check --baseline main.json -- ./program

            EXIT CODES
              0    passed: head is not slower than the limit allows
              1    head is slower
              3    inconclusive after --max-time or 80 pairs, or one run takes longer
              4    a command failed, or there is no such program
              5    there is no baseline, it is of another host, or its runs failed
              64   the command line is wrong
              70   the system refused a process, memory or the counter of instructions
              74   the results cannot be written
            """)

    @Option(
        help: ArgumentHelp("The command to compare with; given again with --head, one more pair.", valueName: "command")
    )
    var base: [String] = []

    @Option(help: ArgumentHelp("The command that must not be slower than --base.", valueName: "command"))
    var head: [String] = []

    @Option(
        help: ArgumentHelp("Compare with runs that forkpool bench --json wrote.", valueName: "file"),
        completion: .file())
    var baseline: String?

    @Argument(
        help: ArgumentHelp(
            "With --baseline, the command line of head; or after --, its words.", valueName: "command"))
    var command: [String] = []

    @Option(
        help: ArgumentHelp("How much slower head may be (default: 5%).", valueName: "percentage"),
        transform: Percentage.init(parsing:))
    var limit = Percentage(part: 0.05)

    @Option(help: ArgumentHelp("What is compared.", valueName: "metric"))
    var metric = Metric.cpu

    @Option(
        help: ArgumentHelp("When to give up (default: 60s); one pair is run in any case.", valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var maxTime = DurationArgument(nanoseconds: 60_000_000_000)

    @Flag(help: "Prove that the gate would find a head that is slower by twice the limit.")
    var canary = false

    @OptionGroup var how: RunOptions
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
        try output.check(how)
        guard limit.part > 0, limit.part <= 10 else {
            throw ValidationError("--limit must be more than 0% and at most 1000%.")
        }
        guard maxTime.nanoseconds > 0 else { throw ValidationError("--max-time must be more than 0.") }
    }

    func run() throws {
        do {
            let (entries, contests) = try plan()
            if metric == .instructions { _ = try EventCounter(.instructions) }
            var files = try output.open()
            let outcome = try measure(entries, contests)
            let style = Style(for: STDOUT_FILENO)
            try output.write(outcome.results, &files, report: outcome.results.text(style) + outcome.text(style))
            if outcome.code != 0 { throw ExitCode(outcome.code) }
        } catch let problem as RunProblem {
            problem.complain()
            throw ExitCode(code(problem))
        } catch let problem as Baseline.Problem {
            StandardError.complain(problem.sentence)
            throw ExitCode(Exit.noBaseline)
        } catch let refusal as SystemError {
            StandardError.complain(Self.sentence(refusal))
            throw ExitCode(Exit.internalError)
        }
    }

    private func code(_ problem: RunProblem) -> Int32 {
        switch problem {
        case .program(.line): Exit.usage
        case .failed(_, _, let run, _, _) where run.end == .timedOut && how.timeout == nil: Exit.inconclusive
        case .program, .failed: Exit.commandFailed
        case .pool, .refused: Exit.internalError
        }
    }

    private static func sentence(_ refusal: SystemError) -> String {
        switch refusal.code {
        case EACCES, EPERM:
            "instructions cannot be counted: this process may not (/proc/sys/kernel/perf_event_paranoid is "
                + "\(TextFile.line("/proc/sys/kernel/perf_event_paranoid") ?? "unknown"), 2 is enough); use --metric cpu"
        default:
            "instructions cannot be counted: this machine gives no counter for them "
                + "(\(systemMessage(refusal.code))); use --metric cpu"
        }
    }

    /// Finds every program, and the baseline, before anything runs.
    private func plan() throws -> ([Measurement.Entry], [Contest]) {
        if let baseline {
            let program = try self.program(command, isLine: AfterTerminator.words.isEmpty)
            let base = try Baseline(baseline).command(program.label, metric, from: baseline)
            return ([Measurement.Entry(name: "head", command: program)], [Contest(head: 0, base: .file(base))])
        }
        var entries: [Measurement.Entry] = []
        for (number, lines) in zip(base, head).enumerated() {
            let suffix = base.count > 1 ? " \(number + 1)" : ""
            entries.append(Measurement.Entry(name: "base\(suffix)", command: try program([lines.0], isLine: true)))
            entries.append(Measurement.Entry(name: "head\(suffix)", command: try program([lines.1], isLine: true)))
        }
        return (entries, base.indices.map { Contest(head: 2 * $0 + 1, base: .command(2 * $0)) })
    }

    private func program(_ words: [String], isLine: Bool) throws(RunProblem) -> Program {
        do {
            if isLine { return try Program(words[0], byShell: how.shell) }
            return how.shell ? try Program(words.joined(separator: " "), byShell: true) : try Program(words)
        } catch {
            throw .program(error)
        }
    }

    private func measure(_ entries: [Measurement.Entry], _ contests: [Contest]) throws(RunProblem) -> CheckOutcome {
        var manner = how.manner
        // A run that takes longer than all of them may is not waited for.
        manner.timeout = manner.timeout ?? maxTime.nanoseconds
        manner.event = metric == .instructions ? .instructions : nil
        let measurement = try Measurement(entries, manner)
        let seed = how.drawSeed()
        let noise = NoiseMeter()
        let start = ContinuousClock.now
        var decision = CheckDecision(contests, PairedGate(limit: 1 + limit.part), metric, withCanary: canary)
        let warmedUp = try measure(by: measurement, &decision, seed, since: start)
        let measured = measurement.measured
        let results = Results(
            verb: "check", entries: measured, comparisons: decision.comparisons(measured),
            noise: noise.noise(besides: measurement.processorTime), seed: seed, warmup: warmedUp,
            seconds: start.secondsSince, metric: metric)
        return CheckOutcome(results: results, maxTime: maxTime.seconds)
    }

    /// Measures until all is decided or there is no time for another round, which the last one tells.
    ///
    /// - Returns: How many rounds were thrown away.
    private func measure(
        by measurement: Measurement, _ decision: inout CheckDecision, _ seed: UInt64,
        since start: ContinuousClock.Instant
    ) throws(RunProblem) -> Int {
        var plan = Plan(seed: seed)
        var line = StatusLine()
        defer { line.clear() }
        line.show { "warming up" }
        // They find caches cold.
        var warmedUp = 0
        repeat {
            try measurement.run(plan.rounds(1, of: decision.groups), keeps: false)
            warmedUp += 1
        } while warmedUp < Self.warmup && start.secondsSince < maxTime.seconds
        var batches = Batches()
        var pairs = 0
        while let look = decision.next {
            let before = start.secondsSince
            let possible = Int((maxTime.seconds - before) / before * Double(warmedUp + pairs))
            let rounds = min(batches.next(of: look - pairs), max(1, possible))
            try measurement.run(plan.rounds(rounds, of: decision.groups), keeps: true)
            pairs += rounds
            let isLast = start.secondsSince * Double(warmedUp + pairs + 1) / Double(warmedUp + pairs) > maxTime.seconds
            if isLast || pairs == look { decision.look(measurement.measured, isLast: isLast) }
            line.show {
                "\(counted(pairs, "pair")), next look after \(decision.next ?? pairs), \(fixed(start.secondsSince, 0)) s"
            }
        }
        return warmedUp
    }

    /// How many rounds are thrown away, if there is time.
    private static let warmup = 2
}
