// SPDX-License-Identifier: Apache-2.0
#if Command
/// The state of one comparison of a check: its commands, its metric, its verdict, and whether the canary was found.
struct ComparisonState {
    /// The runs that head is compared with.
    enum Base {
        /// Runs of a command of the same measurement.
        case command(Int)
        /// Runs from a baseline file.
        case file(MeasuredCommand)
    }

    /// The number of the head command in the measurement.
    let head: Int
    let base: Base
    let metric: Metric
    /// The most that head may take, as a multiple of base; nil for the limit of all comparisons.
    let limit: Double?
    /// What the comparison is called; nil without a name.
    let title: String?
    /// Whether it was added because wall time is far above CPU time; it goes if that is so no longer.
    let isAdded: Bool
    private(set) var verdict = PairedGate.Verdict.more(PairedGate.looks[0])
    private(set) var findsCanary = false
    /// The ratio at the look that decided; later looks are for another metric, or for the canary.
    private(set) var decidedRatio: Ratio?
    /// How much of base's wall time the CPU time is at most that head may take more, if it passed for that reason.
    private(set) var immaterialPart: Double?

    init(
        head: Int, base: Base, _ metric: Metric = .cpu, limit: Double? = nil, title: String? = nil,
        isAdded: Bool = false
    ) {
        self.head = head
        self.base = base
        self.metric = metric
        self.limit = limit
        self.title = title
        self.isAdded = isAdded
    }

    /// The same comparison by wall time, too.
    var byWallTime: ComparisonState {
        ComparisonState(head: head, base: base, .wall, limit: limit, title: title, isAdded: true)
    }

    /// Whether the runs of base and head are pairs.
    var isPaired: Bool {
        if case .command = base { true } else { false }
    }

    /// The numbers of the commands to run.
    var commands: [Int] {
        if case .command(let base) = base { [base, head] } else { [head] }
    }

    func base(in measured: [MeasuredCommand]) -> MeasuredCommand {
        switch base {
        case .command(let number): measured[number]
        case .file(let base): base
        }
    }

    /// Computes the ratio of head to base by a metric.
    func ratio(in measured: [MeasuredCommand], by metric: Metric, error: Double) -> Ratio {
        let (head, base) = (measured[head], base(in: measured))
        return isPaired
            ? Ratio(pairs: head.ratios(to: base, metric), error: error)
            : Ratio(of: head.values(metric), to: base.values(metric), error: error)
    }

    /// Whether the counts of each command are alike, so that they depend on nothing else.
    func repeats(in measured: [MeasuredCommand]) -> Bool {
        [measured[head], base(in: measured)].allSatisfy { Self.areAlike($0.values(metric)) }
    }

    /// Whether all counts of head and base are alike.
    func isAlike(in measured: [MeasuredCommand]) -> Bool {
        Self.areAlike(measured[head].values(metric) + base(in: measured).values(metric))
    }

    /// Returns whether counts are within 0.1 % of each other.
    private static func areAlike(_ counts: [Double]) -> Bool {
        (counts.max() ?? 0) <= (counts.min() ?? 0) * 1.001
    }

    /// Whether wall time can tell what CPU time cannot: a command mostly waits, or the ratio by wall time is far above that by CPU
    /// time, because less of the work is parallel.
    ///
    /// Other processes may explain a part of a wall time, and that part does not count.
    func isFarAbove(in measured: [MeasuredCommand], limit: Double, error: Double, _ noise: Noise) -> Bool {
        // The load of a pair is alike for both, but a baseline was measured under another one.
        let waits = isPaired || noise.isQuiet
        if waits, [measured[head], base(in: measured)].contains(where: { $0.waits(despite: noise.slowdown) }) {
            return true
        }
        guard let wall = ratio(in: measured, by: .wall, error: error).interval,
            let cpu = ratio(in: measured, by: .cpu, error: error).interval
        else { return false }
        return wall.lowerBound > limit && wall.lowerBound > Metric.farAbove * noise.slowdown * cpu.upperBound
    }

    /// Returns whether more runs cannot change the result.
    func isDecided(withCanary: Bool) -> Bool {
        switch verdict {
        case .slower, .inconclusive: true
        case .passed: findsCanary || !withCanary
        case .more: false
        }
    }

    /// Returns whether its verdict is an answer, and one that the gate could have given otherwise.
    func tells(withCanary: Bool) -> Bool {
        verdict == .slower || verdict == .passed && (findsCanary || !withCanary)
    }

    /// Records a verdict and its ratio, unless there was a final one before.
    mutating func record(_ new: PairedGate.Verdict, _ ratio: Ratio) {
        guard case .more = verdict else { return }
        verdict = new
        if new.isKnown { decidedRatio = ratio }
    }

    /// Returns how much of base's wall time the CPU time is at most that head may take more; nil if they do not mostly wait.
    func partOfWaiting(in measured: [MeasuredCommand], _ ratio: Ratio, _ noise: Noise) -> Double? {
        let (head, base) = (measured[head], base(in: measured))
        guard metric == .cpu, let interval = ratio.interval,
            [head, base].allSatisfy({ $0.waits(despite: noise.slowdown) })
        else { return nil }
        return max(0, interval.upperBound - 1) * base.summary(.cpu).median / base.summary(.wall).median
    }

    /// Passes because the CPU time that head may take more is only a part of base's wall time.
    mutating func pass(asPart part: Double, _ ratio: Ratio) {
        guard case .more = verdict else { return }
        immaterialPart = part
        record(.passed, ratio)
    }

    /// Checks whether the gate would find a head that is slower than base by twice the limit, at the present noise.
    ///
    /// - Parameters:
    ///   - ratio: The measured ratio.
    ///   - gate: The gate.
    mutating func tryCanary(_ ratio: Ratio, _ gate: PairedGate) {
        guard !findsCanary, let interval = ratio.interval else { return }
        // Scale the interval as if head were as fast as base, then slower by twice the limit.
        let factor = gate.canary / ratio.estimate
        let slower = interval.lowerBound * factor...interval.upperBound * factor
        findsCanary = gate.judge(slower, after: 0, isLast: true) == .slower
    }
}
#endif
