// SPDX-License-Identifier: Apache-2.0
#if Command
/// What a check runs and compares, of the options and of the file of `--file`.
struct CheckPlan {
    /// A base and a head.
    private struct Benchmark {
        let title: String
        let label: String
        /// Why it cannot run; nil if it can.
        var error: MeasurementError?
    }

    private let entries: [Measurement.Entry]
    private let states: [ComparisonState]
    /// All of them; the numbers of the groups of entries are their indices.
    private let benchmarks: [Benchmark]
    private let metric: MetricChoice
    /// How much slower a head may be, as a multiple of base.
    private let limit: Double
    /// The seconds after which to give up.
    private let maxTime: Double
    private let withCanary: Bool
    /// What counts instructions, if they are compared.
    private let counter: InstructionCounter?
    /// Sentences for the report.
    private let notes: [String]

    /// Finds every program, and reads the baseline or the file, before anything runs.
    ///
    /// - Throws: `MeasurementError`, `Baseline.LoadError`, `InstructionCounter.Missing`, or `ExitCode` after printing why the
    ///   file is wrong.
    init(_ check: Check) throws {
        let file = try check.file.map { try GateFile($0) }
        metric = check.metric ?? file?.metric ?? .auto
        limit = 1 + (check.limit ?? file?.limit ?? Percentage(part: 0.05)).part
        maxTime = (check.maxTime ?? file?.maxTime)?.seconds ?? 60
        withCanary = check.canary
        counter = try metric == .instructions ? InstructionCounter.find() : nil
        let instructions = counter.map { [$0.sentence] } ?? []
        if let path = check.baseline {
            let program = try Self.find {
                try AfterTerminator.words.isEmpty
                    ? check.options.program(check.command[0]) : check.options.program(check.command)
            }
            let baseline = try Baseline(
                path, successes: check.options.exitCodes.codes, Conditions(check.options))
            let base = try baseline.command(program.label, metric.metric, countedBy: counter, from: path)
            entries = [Measurement.Entry(name: "head", command: program, group: 0)]
            benchmarks = [Benchmark(title: "head", label: program.label)]
            states = [ComparisonState(head: 0, base: .file(base), metric.metric)]
            notes =
                (Baseline.difference(base, program.label, in: path).map { [$0] } ?? []) + baseline.notes + instructions
            return
        }
        let pairs =
            file?.benchmarks
            ?? zip(check.base, check.head).map { GateFile.Benchmark(base: .line($0), head: .line($1)) }
        var entries: [Measurement.Entry] = []
        var states: [ComparisonState] = []
        var benchmarks: [Benchmark] = []
        for (number, pair) in pairs.enumerated() {
            func name(_ side: String) -> String {
                pair.name.map { "\(printable($0)) (\(side))" } ?? (pairs.count > 1 ? "\(side) \(number + 1)" : side)
            }
            benchmarks.append(Benchmark(title: pair.name ?? name("head"), label: pair.head.label))
            do {
                let programs = try [pair.base, pair.head].map { command in
                    try Self.find {
                        switch command {
                        case .line(let line): try check.options.program(line)
                        case .words(let words): try check.options.program(words)
                        }
                    }
                }
                entries += zip(["base", "head"], programs).map { side, program in
                    Measurement.Entry(name: name(side), command: program, group: number)
                }
            } catch MeasurementError.program(let error) where error.code != Exit.usage {
                // The others can run.
                benchmarks[number].error = .program(error)
                continue
            }
            states.append(
                ComparisonState(
                    head: entries.count - 1, base: .command(entries.count - 2), metric.metric,
                    // An option is for all benchmarks.
                    limit: check.limit == nil ? pair.limit.map { 1 + $0.part } : nil, title: pair.name))
        }
        (self.entries, self.states, self.benchmarks, notes) = (entries, states, benchmarks, instructions)
    }

    private static func find(_ search: () throws -> Program) throws -> Program {
        do {
            return try search()
        } catch let error as ProgramError {
            throw MeasurementError.program(error)
        }
    }

    /// Measures, and decides.
    ///
    /// A benchmark of which a command fails is a failed one in the report.
    ///
    /// - Parameter options: How the commands run.
    /// - Returns: The report.
    /// - Throws: `MeasurementError` if the system refuses something.
    func measure(_ options: MeasurementOptions) throws(MeasurementError) -> CheckReport {
        var settings = options.settings
        // A run that takes longer than --max-time is killed.
        settings.timeout = settings.timeout ?? Int(maxTime * 1e9)
        settings.counter = counter
        let measurement = try Measurement(entries, settings)
        let seed = options.drawSeed()
        var noise = NoiseMeter()
        let start = ContinuousClock.now
        let isExact = counter.map { $0 != .processor } ?? false
        var decision = CheckDecision(
            states, PairedGate(limit: limit), withCanary: withCanary, judgesWaiting: metric == .auto,
            isExact: isExact)
        let rounds = try measure(by: measurement, &decision, &noise, seed, since: start, isExact: isExact)
        let measured = measurement.measured
        let isTimed = options.timeout == nil
        let failures = benchmarks.enumerated().compactMap { number, benchmark -> FailedBenchmark? in
            guard let error = benchmark.error ?? measurement.failures[number] else { return nil }
            return FailedBenchmark(
                title: benchmark.title, label: benchmark.label, error: error,
                isCut: isTimed && error.run?.run.end == .timedOut)
        }
        let whole = zip(entries, measured).filter { entry, _ in measurement.failures[entry.group ?? -1] == nil }
        let results = Results(
            verb: "check", entries: whole.map(\.1), comparisons: decision.comparisons(measured), failures: failures,
            noise: noise.noise(besides: measurement.processorTime), seed: seed, warmup: rounds.warmUp,
            seconds: start.secondsSince, metric: metric.metric, notes: notes, counter: counter,
            conditions: Conditions(options))
        return CheckReport(results: results, maxTime: maxTime, needed: rounds.needed)
    }

    /// Measures until everything is decided, or until the time left is too short for another round.
    ///
    /// - Returns: How many warm-up rounds were discarded, and the seconds that 10 pairs need if they do not fit.
    private func measure(
        by measurement: Measurement, _ decision: inout CheckDecision, _ noise: inout NoiseMeter, _ seed: UInt64,
        since start: ContinuousClock.Instant, isExact: Bool
    ) throws(MeasurementError) -> (warmUp: Int, needed: Double?) {
        var schedule = RunSchedule(seed: seed)
        var line = measurement.statusLine
        defer { line.clear() }
        line.show { "warming up" }
        var budget = TimeBudget(seconds: maxTime)
        // The first rounds find cold caches. They count only if there is no time for others. Exact counts have no caches.
        while !isExact, budget.rounds < Self.warmup, decision.next != nil {
            try measurement.run(schedule.rounds(1, of: decision.groups), keeps: true)
            decision.remove(heads(of: measurement.failures))
            noise.sample()
            budget.add(1, at: start.secondsSince)
            if !budget.hasRoom(for: 1) { break }
        }
        guard isExact || budget.hasRoom(for: PairedGate.looks[0]) else {
            decision.look(measurement.measured, isLast: true)
            return (0, budget.seconds(for: PairedGate.looks[0]))
        }
        measurement.forgetRuns()
        let warmedUp = budget.rounds
        var pacer = RoundPacer()
        var pairs = 0
        while let look = decision.next {
            let rounds = isExact ? 1 : min(pacer.next(of: look - pairs), max(1, budget.possible))
            try measurement.run(schedule.rounds(rounds, of: decision.groups), keeps: true)
            decision.remove(heads(of: measurement.failures))
            noise.sample()
            pairs += rounds
            budget.add(rounds, at: start.secondsSince)
            let isLast = budget.possible < 1
            if isLast || pairs == look {
                let noise = noise.noise(besides: measurement.processorTime)
                decision.look(measurement.measured, noise, isLast: isLast)
            }
            line.show {
                "\(counted(pairs, "pair")), next look after \(decision.next ?? pairs), \(fixed(start.secondsSince, 0)) s"
            }
        }
        return (warmedUp, nil)
    }

    /// The numbers of the head commands of failed comparisons.
    private func heads(of failures: [Int: MeasurementError]) -> [Int] {
        entries.indices.filter { failures[entries[$0].group ?? -1] != nil }
    }

    /// How many rounds to discard, if there is time.
    private static let warmup = 2
}
#endif
