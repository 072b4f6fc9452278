/// A command, and what its runs gave.
struct Measured {
    /// What a comparison calls it: "A", "base".
    let name: String
    let label: String
    /// What was put into it, by `-L`.
    var parameters: [(name: String, value: String)] = []
    var runs: [Execution] = []

    func values(_ metric: Metric) -> [Double] { runs.map(metric.value) }

    func summary(_ metric: Metric) -> Summary { Summary(values(metric)) }

    /// A middle value of its runs.
    func median(_ value: (Execution) -> Int) -> Double {
        ForkPoolCLI.median(runs.map { Double(value($0)) })
    }

    /// Whether a command's own peak memory cannot be told from that of the process that started it.
    var memoryIsHidden: Bool { runs.allSatisfy { $0.peakMemory <= $0.memoryFloor } }

    /// Ratios to another, round by round.
    func ratios(to base: Measured, _ metric: Metric) -> [Double] {
        // A clock that stands still is at least a nanosecond.
        zip(values(metric), base.values(metric)).map { max($0, 1e-9) / max($1, 1e-9) }
    }

    /// A letter for each command, and numbers when there are no letters left.
    static func name(_ number: Int) -> String {
        guard number < 26, let letter = Unicode.Scalar(UInt32(65 + number)) else { return "#\(number + 1)" }
        return String(letter)
    }
}

/// How one command compares with another.
struct Comparison {
    /// What is decided of it, where something is.
    struct Decision {
        /// The most that head may take, as a multiple of base.
        let limit: Double
        let verdict: PairedGate.Verdict
        /// Whether the gate would find a head that is slower by twice what is allowed; nil if nobody asked.
        let canary: Bool?
    }

    let base: Measured
    let head: Measured
    let metric: Metric
    let ratio: Ratio
    /// The probability with which the interval may miss.
    let error: Double
    /// Whether a run of head and one of base are a pair.
    var isPaired = true
    var decision: Decision?

    /// Compares pairs of runs, at 95 % confidence.
    init(_ head: Measured, to base: Measured, _ metric: Metric) {
        self.base = base
        self.head = head
        self.metric = metric
        error = 0.05
        ratio = Ratio(pairs: head.ratios(to: base, metric), error: error)
    }

    /// Says what was decided.
    init(
        _ head: Measured, to base: Measured, _ metric: Metric, _ ratio: Ratio, error: Double, isPaired: Bool,
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
