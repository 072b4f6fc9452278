// SPDX-License-Identifier: Apache-2.0
#if Command
/// The decision of a check: judges the measurements after each look, and says what to measure next.
struct CheckDecision {
    private var states: [ComparisonState]
    private let gate: PairedGate
    private let metric: Metric
    private let withCanary: Bool
    private var isOver = false
    /// How many looks were made.
    private var looks = 0

    init(_ states: [ComparisonState], _ gate: PairedGate, _ metric: Metric, withCanary: Bool) {
        self.states = states
        self.gate = gate
        self.metric = metric
        self.withCanary = withCanary
    }

    private var open: [ComparisonState] { states.filter { !$0.isDecided(withCanary: withCanary) } }

    /// The number of pairs at the next look; nil if everything is decided.
    var next: Int? {
        guard !isOver, !open.isEmpty, looks < PairedGate.looks.count else { return nil }
        return PairedGate.looks[looks]
    }

    /// The commands to run, grouped by comparison.
    var groups: [[Int]] { open.map(\.commands) }

    /// Judges all comparisons.
    ///
    /// - Parameters:
    ///   - measured: The measurements so far.
    ///   - isLast: Whether there is no time for more runs.
    mutating func look(_ measured: [MeasuredCommand], isLast: Bool) {
        looks += 1
        isOver = isLast
        let isLast = isLast || looks == PairedGate.looks.count
        let verdicts: [PairedGate.Verdict]
        if states.allSatisfy(\.isPaired) {
            let ratios = states.map { measured[$0.head].ratios(to: $0.base(in: measured), metric) }
            verdicts = gate.judge(ratios, isLast: isLast)
        } else {
            verdicts = states.map { state in
                let interval = state.ratio(in: measured, metric, error: gate.errorPerLook).interval
                return gate.judge(interval, after: measured[state.head].runs.count, isLast: isLast)
            }
        }
        // The canary must be found with the strictest error, that of all comparisons together.
        let strict = PairedGate(limit: gate.limit, error: gate.error, comparisons: states.count)
        for (number, verdict) in verdicts.enumerated() {
            states[number].record(believable(verdict, of: states[number], in: measured))
            let ratio = states[number].ratio(in: measured, metric, error: strict.errorPerLook)
            if withCanary { states[number].tryCanary(ratio, strict) }
        }
    }

    /// Makes "passed" inconclusive if the peak memory of base is hidden by that of the launcher, and so looks too large.
    private func believable(
        _ verdict: PairedGate.Verdict, of state: ComparisonState, in measured: [MeasuredCommand]
    ) -> PairedGate.Verdict {
        metric == .rss && verdict == .passed && state.base(in: measured).memoryIsHidden ? .inconclusive : verdict
    }

    /// Makes the comparisons with their decisions.
    func comparisons(_ measured: [MeasuredCommand]) -> [Comparison] {
        states.map { state in
            let error = gate.errorPerLook
            return Comparison(
                measured[state.head], to: state.base(in: measured), metric,
                state.ratio(in: measured, metric, error: error), error: error, isPaired: state.isPaired,
                Comparison.Decision(
                    limit: gate.limit, verdict: state.verdict,
                    canary: withCanary ? state.findsCanary : nil))
        }
    }
}
#endif
