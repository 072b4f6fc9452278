// SPDX-License-Identifier: Apache-2.0
#if Command
/// The decision of a check: judges the measurements after each look, and says what to measure next.
struct CheckDecision {
    private var states: [ComparisonState]
    private let gate: PairedGate
    private let withCanary: Bool
    /// Whether commands that mostly wait are judged by wall time too, while the machine is quiet.
    private let judgesWaiting: Bool
    /// Whether the metric is a count that hardly changes from run to run.
    private let isExact: Bool
    private var isOver = false
    /// How many looks were made.
    private var looks = 0

    init(
        _ states: [ComparisonState], _ gate: PairedGate, withCanary: Bool, judgesWaiting: Bool = false,
        isExact: Bool = false
    ) {
        self.states = states
        self.gate = gate
        self.withCanary = withCanary
        self.judgesWaiting = judgesWaiting
        self.isExact = isExact
    }

    /// The comparisons that more runs can decide; a head that is slower by one metric is slower.
    private var open: [ComparisonState] {
        states.filter { state in
            !state.isDecided(withCanary: withCanary)
                && !states.contains { $0.head == state.head && $0.verdict == .slower }
        }
    }

    /// The numbers of pairs after which to look.
    ///
    /// Of exact counts one pair tells, and a second one confirms a slower head.
    private var schedule: [Int] { (isExact ? [1, 2] : []) + PairedGate.looks }

    /// The number of pairs at the next look; nil if everything is decided.
    var next: Int? {
        guard !isOver, !open.isEmpty, looks < schedule.count else { return nil }
        return schedule[looks]
    }

    /// The commands to run, grouped by comparison.
    var groups: [[Int]] {
        // Several metrics may judge the same commands.
        open.reduce(into: []) { groups, state in
            if !groups.contains(state.commands) { groups.append(state.commands) }
        }
    }

    /// Judges all comparisons.
    ///
    /// - Parameters:
    ///   - measured: The measurements so far.
    ///   - isQuiet: Whether the machine had little other work, so that wall times can be trusted.
    ///   - isLast: Whether there is no time for more runs.
    mutating func look(_ measured: [MeasuredCommand], isQuiet: Bool = false, isLast: Bool) {
        looks += 1
        isOver = isLast
        let isLast = isLast || looks == schedule.count
        if judgesWaiting { chooseMetrics(measured, isQuiet: isQuiet) }
        for (number, verdict) in verdicts(measured, isLast: isLast).enumerated() {
            states[number].record(believable(verdict, of: states[number], in: measured))
            // The canary must be found with the strictest error, that of all comparisons together.
            let strict = gate(of: states[number], comparisons: states.count)
            let ratio = ratio(states[number], measured, states[number].metric, error: strict.errorPerLook)
            if withCanary { states[number].tryCanary(ratio, strict) }
        }
    }

    private func verdicts(_ measured: [MeasuredCommand], isLast: Bool) -> [PairedGate.Verdict] {
        if isExact, looks <= 2 { return states.map { exactVerdict($0, measured, isLast: isLast) } }
        if states.allSatisfy(\.isPaired) {
            let ratios = states.map { measured[$0.head].ratios(to: $0.base(in: measured), $0.metric) }
            return gate.judge(ratios, limits: states.map { $0.limit ?? gate.limit }, isLast: isLast)
        }
        return states.map { state in
            let strict = gate(of: state, comparisons: states.count)
            let interval = state.ratio(in: measured, by: state.metric, error: strict.errorPerLook).interval
            return strict.judge(interval, after: measured[state.head].runs.count, isLast: isLast)
        }
    }

    /// Judges exact counts after one pair or two.
    private func exactVerdict(
        _ state: ComparisonState, _ measured: [MeasuredCommand], isLast: Bool
    ) -> PairedGate.Verdict {
        let verdict = gate(of: state).judge(
            ratio(state, measured, state.metric, error: 0).interval, after: looks, isLast: isLast)
        // Before the end, a slower head needs a second pair, in which the counts are the same.
        let isSure = isLast || looks == 2 && state.repeats(in: measured)
        return verdict == .slower && !isSure ? .more(looks + 1) : verdict
    }

    private func gate(of state: ComparisonState, comparisons: Int = 1) -> PairedGate {
        PairedGate(limit: state.limit ?? gate.limit, error: gate.error, comparisons: comparisons)
    }

    private func ratio(
        _ state: ComparisonState, _ measured: [MeasuredCommand], _ metric: Metric, error: Double
    ) -> Ratio {
        guard isExact, measured[state.head].runs.count < PairedGate.looks[0] else {
            return state.ratio(in: measured, by: metric, error: error)
        }
        let (head, base) = (measured[state.head], state.base(in: measured))
        return Ratio(
            exact: state.isPaired
                ? head.ratios(to: base, metric)
                : head.values(metric).map { $0 / max(1, base.summary(metric).median) })
    }

    /// Adds wall time as a second metric of commands that mostly wait, or removes it where the machine is too busy for it.
    private mutating func chooseMetrics(_ measured: [MeasuredCommand], isQuiet: Bool) {
        if !isQuiet { states.removeAll { $0.isAdded && !$0.isDecided(withCanary: withCanary) } }
        guard isQuiet else { return }
        states = states.flatMap { state in
            let isKnown = state.metric == .wall || states.contains { $0.metric == .wall && $0.head == state.head }
            return isKnown || !state.waits(in: measured) ? [state] : [state, state.byWallTime]
        }
    }

    /// Makes "passed" inconclusive if the peak memory of base is hidden by that of the launcher, and so looks too large.
    private func believable(
        _ verdict: PairedGate.Verdict, of state: ComparisonState, in measured: [MeasuredCommand]
    ) -> PairedGate.Verdict {
        state.metric == .rss && verdict == .passed && state.base(in: measured).memoryIsHidden ? .inconclusive : verdict
    }

    /// Makes the comparisons with their decisions.
    func comparisons(_ measured: [MeasuredCommand]) -> [Comparison] {
        states.map { state in
            let error = gate.errorPerLook
            var comparison = Comparison(
                measured[state.head], to: state.base(in: measured), state.metric,
                ratio(state, measured, state.metric, error: error), error: error, isPaired: state.isPaired,
                Comparison.Decision(
                    limit: state.limit ?? gate.limit, verdict: state.verdict,
                    canary: withCanary ? state.findsCanary : nil))
            comparison.title = state.title
            // While callgrind counts, times are those of callgrind.
            if !isExact { comparison.others = others(state, measured) }
            return comparison
        }
    }

    /// Computes what the quantities say that do not judge the commands of a comparison.
    private func others(_ state: ComparisonState, _ measured: [MeasuredCommand]) -> [Comparison.Other] {
        let judging = states.filter { $0.head == state.head }.map(\.metric)
        let limit = state.limit ?? gate.limit
        return [Metric.cpu, .wall, .rss].filter { !judging.contains($0) }.compactMap { metric in
            if metric == .rss, state.base(in: measured).memoryIsHidden { return nil }
            let ratio = state.ratio(in: measured, by: metric, error: gate.errorPerLook)
            guard let interval = ratio.interval else { return nil }
            let contradicts =
                switch state.verdict {
                case .passed, .more, .inconclusive: interval.lowerBound > limit
                // Memory is another matter than time.
                case .slower: interval.upperBound <= limit && metric != .rss && state.metric != .rss
                }
            return Comparison.Other(metric: metric, ratio: ratio, contradicts: contradicts)
        }
    }
}
#endif
