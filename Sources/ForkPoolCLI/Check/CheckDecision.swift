// SPDX-License-Identifier: Apache-2.0
#if Command
/// The decision of a check: judges the measurements after each look, and says what to measure next.
struct CheckDecision {
    private var states: [ComparisonState]
    private let gate: PairedGate
    private let withCanary: Bool
    /// Whether commands whose wall time is far above their CPU time are judged by wall time too.
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

    /// Removes the comparisons of which a command failed.
    ///
    /// - Parameter heads: The numbers of their head commands.
    mutating func remove(_ heads: [Int]) {
        if !heads.isEmpty { states.removeAll { heads.contains($0.head) } }
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
    /// Of exact counts two pairs tell: the second one shows that the counts repeat.
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
    ///   - noise: The load from other processes, which adds to wall times.
    ///   - isLast: Whether there is no time for more runs.
    mutating func look(
        _ measured: [MeasuredCommand], _ noise: Noise = Noise(others: nil, pressure: nil, processors: 1), isLast: Bool
    ) {
        looks += 1
        isOver = isLast
        let isLast = isLast || looks == schedule.count
        if judgesWaiting { chooseMetrics(measured, noise) }
        for (number, verdict) in verdicts(measured, isLast: isLast).enumerated() {
            let state = states[number]
            let ratio = ratio(state, measured, state.metric, error: gate.errorPerLook)
            // Of a command that mostly waits, CPU time is too little to be told exactly, and matters little.
            if verdict == .inconclusive, judgesWaiting, let part = state.partOfWaiting(in: measured, ratio, noise),
                part <= (state.limit ?? gate.limit) - 1
            {
                states[number].pass(asPart: part, ratio)
            }
            states[number].record(believable(verdict, of: state, in: measured), ratio)
            // The canary must be found with the strictest error, that of all comparisons together.
            let strict = gate(of: state, comparisons: states.count)
            if withCanary {
                let ratio = self.ratio(state, measured, state.metric, error: strict.errorPerLook)
                states[number].tryCanary(ratio, strict)
            }
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

    /// Judges exact counts after one pair or two: a verdict needs counts that repeat.
    private func exactVerdict(
        _ state: ComparisonState, _ measured: [MeasuredCommand], isLast: Bool
    ) -> PairedGate.Verdict {
        let verdict = gate(of: state).judge(
            ratio(state, measured, state.metric, error: 0).interval, after: looks, isLast: isLast)
        let isSure =
            switch looks {
            // Without time for a second pair, a slower head is reported, and one like base confirms its count.
            case 1: isLast && (verdict == .slower || state.isAlike(in: measured))
            default: state.repeats(in: measured)
            }
        guard !isSure else { return verdict }
        return isLast ? .inconclusive : .more(looks + 1)
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

    /// Adds wall time as a second metric where it is far above CPU time, and removes it where it no longer is.
    private mutating func chooseMetrics(_ measured: [MeasuredCommand], _ noise: Noise) {
        let asked = states.filter { !$0.isAdded }
        states = asked.flatMap { state in
            let added = states.first { $0.isAdded && $0.head == state.head }
            if let added, added.tells(withCanary: withCanary) { return [state, added] }
            let limit = state.limit ?? gate.limit
            let isJudged = state.isFarAbove(in: measured, limit: limit, error: gate.errorPerLook, noise)
            return isJudged ? [state, added ?? state.byWallTime] : [state]
        }
    }

    /// Makes "passed" inconclusive if the peak memory of base is hidden by that of the launcher, and so looks too large.
    private func believable(
        _ verdict: PairedGate.Verdict, of state: ComparisonState, in measured: [MeasuredCommand]
    ) -> PairedGate.Verdict {
        state.metric == .rss && verdict == .passed && state.base(in: measured).memoryIsHidden ? .inconclusive : verdict
    }

    /// Returns the states whose verdicts count: where one of two metrics could not tell, that of the other one alone.
    ///
    /// But if it looks slower by one that could not tell, it does not pass by the other one.
    private func counting(_ measured: [MeasuredCommand]) -> [ComparisonState] {
        states.filter { state in
            let other = states.first { $0.head == state.head && $0.metric != state.metric }
            guard let other, !state.tells(withCanary: withCanary) else { return true }
            guard other.tells(withCanary: withCanary) else { return !state.isAdded }
            let estimate = state.ratio(in: measured, by: state.metric, error: gate.errorPerLook).estimate
            return other.verdict == .passed && estimate > state.limit ?? gate.limit
        }
    }

    /// Makes the comparisons with their decisions.
    func comparisons(_ measured: [MeasuredCommand]) -> [Comparison] {
        let counting = counting(measured)
        return counting.map { state in
            let error = gate.errorPerLook
            var comparison = Comparison(
                measured[state.head], to: state.base(in: measured), state.metric,
                state.decidedRatio ?? ratio(state, measured, state.metric, error: error), error: error,
                isPaired: state.isPaired,
                Comparison.Decision(
                    limit: state.limit ?? gate.limit, verdict: state.verdict,
                    canary: withCanary ? state.findsCanary : nil))
            comparison.title = state.title
            comparison.immaterialPart = state.immaterialPart
            let judging = counting.filter { $0.head == state.head }.map(\.metric)
            let tried = states.filter { $0.head == state.head }.map(\.metric)
            comparison.undecided = tried.filter { !judging.contains($0) }
            // While callgrind counts, times are those of callgrind.
            if !isExact { comparison.others = others(state, measured, besides: judging) }
            return comparison
        }
    }

    /// Computes what the quantities say that do not judge the commands of a comparison.
    private func others(
        _ state: ComparisonState, _ measured: [MeasuredCommand], besides judging: [Metric]
    ) -> [Comparison.Other] {
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
