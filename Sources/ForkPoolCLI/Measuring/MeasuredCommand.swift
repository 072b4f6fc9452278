// SPDX-License-Identifier: Apache-2.0
#if Command
/// A command, and the records of its runs.
struct MeasuredCommand {
    /// Its name in comparisons: "A", "base".
    let name: String
    let label: String
    /// The values that `-L` put into it.
    var parameters: [(name: String, value: String)] = []
    var runs: [Execution] = []

    func values(_ metric: Metric) -> [Double] { runs.map(metric.value) }

    func summary(_ metric: Metric) -> Summary { Summary(values(metric)) }

    /// Computes the median of a value over its runs.
    func median(_ value: (Execution) -> Int) -> Double {
        ForkPoolCLI.median(runs.map { Double(value($0)) })
    }

    /// Whether its peak memory cannot be told apart from that of the process that started it.
    var memoryIsHidden: Bool { runs.allSatisfy { $0.peakMemory <= $0.memoryFloor } }

    /// Computes the ratios to another command, round by round.
    func ratios(to base: MeasuredCommand, _ metric: Metric) -> [Double] {
        // If the clock did not advance, take a nanosecond.
        zip(values(metric), base.values(metric)).map { max($0, 1e-9) / max($1, 1e-9) }
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

    let base: MeasuredCommand
    let head: MeasuredCommand
    let metric: Metric
    let ratio: Ratio
    /// The probability that the interval misses the true ratio.
    let error: Double
    /// Whether a run of head and one of base are a pair.
    var isPaired = true
    var decision: Decision?

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
