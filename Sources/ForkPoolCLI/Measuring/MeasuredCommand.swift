// SPDX-License-Identifier: Apache-2.0
#if Command
/// A command, and the records of its runs.
struct MeasuredCommand {
    /// Its name in comparisons: "A", "base".
    let name: String
    let label: String
    /// The values that `-L` put into it.
    var parameters: [(name: String, value: String)] = []
    /// Every run, also those that failed.
    var runs: [Execution] = []
    /// The last run that failed; nil if none did.
    var lastFailure: FailedRun?

    /// What is subtracted from each run, if a shell runs the command.
    var shellStart: ShellStart?

    /// The runs that figures are made of: those that did not fail, without the start of the shell.
    var countedRuns: [Execution] { runs.filter(\.succeeded).map(withoutShell) }

    private func withoutShell(_ run: Execution) -> Execution { shellStart.map { run.without($0) } ?? run }

    func values(_ metric: Metric) -> [Double] { countedRuns.map(metric.value) }

    func summary(_ metric: Metric) -> Summary { Summary(values(metric)) }

    /// Computes the median of a value over its runs.
    func median(_ value: (Execution) -> Int) -> Double {
        ForkPoolCLI.median(countedRuns.map { Double(value($0)) })
    }

    /// Returns whether it mostly waits: its wall time is far above its CPU time, by more than other processes explain.
    ///
    /// - Parameter slowdown: How many times as long other processes may make it compute.
    /// - Returns: Whether it does.
    func waits(despite slowdown: Double) -> Bool {
        let (wall, cpu) = (summary(.wall).median, summary(.cpu).median * slowdown)
        // The start of any program waits a little.
        return wall > Metric.farAbove * cpu && wall - cpu > 0.001
    }

    /// Whether its peak memory cannot be told apart from that of the process that started it.
    var memoryIsHidden: Bool { countedRuns.allSatisfy { $0.peakMemory <= $0.memoryFloor } }

    /// Computes the ratios to another command, round by round; without the rounds in which a run failed.
    func ratios(to base: MeasuredCommand, _ metric: Metric) -> [Double] {
        zip(runs, base.runs).filter { $0.succeeded && $1.succeeded }.map { run, baseRun in
            // If the clock did not advance, take a nanosecond.
            max(metric.value(withoutShell(run)), 1e-9) / max(metric.value(base.withoutShell(baseRun)), 1e-9)
        }
    }

    /// Names a command: "A" to "Z", then "#27" and so on.
    static func name(_ number: Int) -> String {
        guard number < 26, let letter = Unicode.Scalar(UInt32(65 + number)) else { return "#\(number + 1)" }
        return String(letter)
    }
}

/// The comparison of one command with another.
struct Comparison {
    /// The decision of a check.
    struct Decision {
        /// The most that head may take, as a multiple of base.
        let limit: Double
        let verdict: PairedGate.Verdict
        /// Whether the gate would find a head that is slower by twice the limit; nil without `--canary`.
        let canary: Bool?
    }

    /// The ratio by a quantity that does not decide.
    struct Other {
        let metric: Metric
        let ratio: Ratio
        /// Whether it says the opposite of the decision: its whole interval is on the other side of the limit.
        let contradicts: Bool
    }

    let base: MeasuredCommand
    let head: MeasuredCommand
    let metric: Metric
    let ratio: Ratio
    /// The probability that the interval misses the true ratio.
    let error: Double
    /// Whether a run of head and one of base are a pair.
    var isPaired = true
    var decision: Decision?
    /// The name of a benchmark from a file; nil without one.
    var title: String?
    /// What the quantities say that do not decide; empty without a decision.
    var others: [Other] = []

    /// The metrics that judged the commands too, and could not tell.
    var undecided: [Metric] = []
    /// How much of the wall time the CPU time is at most that head may take more, if head passed for that reason.
    var immaterialPart: Double?

    /// What a reader must know besides the decision: which metrics contradict it, and which could not tell.
    var remarks: [String] {
        contradictions + (immaterialPart.map { [Self.immaterial($0)] } ?? [])
            + others.filter { !$0.contradicts && undecided.contains($0.metric) }.map { other in
                "\(other.metric.name) does not tell: by it \(head.name) is \(other.ratio.text) × \(base.name); "
                    + "--metric \(other.metric.rawValue) judges by it alone"
            }
    }

    private static func immaterial(_ part: Double) -> String {
        "CPU time cannot be told exactly of a command that mostly waits: what head may take more is at most "
            + "\(fixed(part * 100, 2)) % of the wall time"
    }

    /// A sentence for each quantity that says the opposite of the decision.
    private var contradictions: [String] {
        guard let decision else { return [] }
        return others.filter(\.contradicts).map { other in
            let side = decision.verdict == .slower ? "within" : "above"
            return "but by \(other.metric.name) \(head.name) is \(other.ratio.text) × \(base.name), \(side) the limit "
                + "of \(fixed(decision.limit, 3))"
        }
    }

    /// Compares pairs of runs with 95 % confidence.
    init(_ head: MeasuredCommand, to base: MeasuredCommand, _ metric: Metric) {
        self.base = base
        self.head = head
        self.metric = metric
        error = 0.05
        ratio = Ratio(pairs: head.ratios(to: base, metric), error: error)
    }

    /// Makes a comparison with its decision.
    init(
        _ head: MeasuredCommand, to base: MeasuredCommand, _ metric: Metric, _ ratio: Ratio, error: Double,
        isPaired: Bool,
        _ decision: Decision
    ) {
        self.base = base
        self.head = head
        self.metric = metric
        self.ratio = ratio
        self.error = error
        self.isPaired = isPaired
        self.decision = decision
    }
}
#endif
