/// The decision of a check: looks at what was measured when it is time to, and says what is to be measured still.
struct CheckDecision {
    private var contests: [Contest]
    private let gate: PairedGate
    private let metric: Metric
    private let withCanary: Bool
    private var isOver = false
    /// How many looks there were.
    private var looks = 0

    init(_ contests: [Contest], _ gate: PairedGate, _ metric: Metric, withCanary: Bool) {
        self.contests = contests
        self.gate = gate
        self.metric = metric
        self.withCanary = withCanary
    }

    private var open: [Contest] { contests.filter { !$0.isDecided(withCanary: withCanary) } }

    /// After how many pairs it looks next; nil if all is decided.
    var next: Int? {
        guard !isOver, !open.isEmpty, looks < PairedGate.looks.count else { return nil }
        return PairedGate.looks[looks]
    }

    /// The commands to run, those of a comparison together.
    var groups: [[Int]] { open.map(\.commands) }

    /// Looks.
    ///
    /// - Parameters:
    ///   - measured: What was measured so far.
    ///   - isLast: Whether there is no time for more.
    mutating func look(_ measured: [Measured], isLast: Bool) {
        looks += 1
        isOver = isLast
        let isLast = isLast || looks == PairedGate.looks.count
        let verdicts: [PairedGate.Verdict]
        if contests.allSatisfy(\.isPaired) {
            let ratios = contests.map { measured[$0.head].ratios(to: $0.base(in: measured), metric) }
            verdicts = gate.judge(ratios, isLast: isLast)
        } else {
            verdicts = contests.map { contest in
                let interval = contest.ratio(in: measured, metric, error: gate.errorPerLook).interval
                return gate.judge(interval, after: measured[contest.head].runs.count, isLast: isLast)
            }
        }
        // A canary is to be found as the least certain of all comparisons.
        let strict = PairedGate(limit: gate.limit, error: gate.error, comparisons: contests.count)
        for (number, verdict) in verdicts.enumerated() {
            contests[number].note(believable(verdict, of: contests[number], in: measured))
            let ratio = contests[number].ratio(in: measured, metric, error: strict.errorPerLook)
            if withCanary { contests[number].tryCanary(ratio, strict) }
        }
    }

    /// What remains of a verdict where memory was compared: a base that needs less than its launcher looks larger than it is.
    private func believable(
        _ verdict: PairedGate.Verdict, of contest: Contest, in measured: [Measured]
    ) -> PairedGate.Verdict {
        metric == .rss && verdict == .passed && contest.base(in: measured).memoryIsHidden ? .inconclusive : verdict
    }

    /// What came of each comparison.
    func comparisons(_ measured: [Measured]) -> [Comparison] {
        contests.map { contest in
            let error = gate.errorPerLook
            return Comparison(
                measured[contest.head], to: contest.base(in: measured), metric,
                contest.ratio(in: measured, metric, error: error), error: error, isPaired: contest.isPaired,
                Comparison.Decision(
                    limit: gate.limit, verdict: contest.verdict,
                    canary: withCanary ? contest.findsCanary : nil))
        }
    }
}
