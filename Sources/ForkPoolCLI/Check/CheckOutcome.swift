/// What a check says in the end.
struct CheckOutcome {
    let results: Results
    let maxTime: Double

    private var decisions: [(comparison: Comparison, decision: Comparison.Decision)] {
        results.comparisons.compactMap { comparison in comparison.decision.map { (comparison, $0) } }
    }

    /// The exit code: that something is slower comes before that something is not known.
    var code: Int32 {
        if decisions.contains(where: { $0.decision.verdict == .slower }) { return Exit.partial }
        let isKnown = decisions.allSatisfy { $0.decision.verdict == .passed && $0.decision.canary != false }
        return isKnown ? 0 : Exit.inconclusive
    }

    /// A line for each comparison, and the reason where one is inconclusive.
    func text(_ style: Style) -> String {
        decisions.map { comparison, decision in
            let names = "\(comparison.head.name) is \(fixed(comparison.ratio.estimate, 3)) × \(comparison.base.name)"
            let limit = fixed(decision.limit, 3)
            var text: String
            switch decision.verdict {
            case .slower:
                text = "\(style.title("SLOWER")): \(names) by \(comparison.metric.name), above the limit of \(limit)"
            case .passed:
                text = "\(style.title("passed")): \(names) by \(comparison.metric.name), within the limit of \(limit)"
            case .more, .inconclusive: text = "\(style.title("inconclusive")): \(reason(comparison, limit))"
            }
            if let isFound = decision.canary, decision.verdict != .slower {
                let factor = fixed(2 * (decision.limit - 1) * 100, 1)
                text +=
                    isFound
                    ? "\ncanary: a head slower by \(factor) % would be found"
                    : "\ncanary: a head slower by \(factor) % would not be found here: the gate cannot fail; "
                        + "raise --limit or --max-time"
            }
            return text + "\n"
        }.joined()
    }

    private func reason(_ comparison: Comparison, _ limit: String) -> String {
        if comparison.metric == .rss, comparison.base.memoryIsHidden {
            let floor = Double(comparison.base.runs.map(\.memoryFloor).max() ?? 0)
            return "\(comparison.base.name) needs less memory than the process that starts it "
                + "(\(Scale.bytes(floor).text(floor))), so its peak is not known"
        }
        let what = comparison.isPaired ? "pair" : "run"
        if !comparison.isPaired, comparison.base.runs.count < PairedGate.looks.last ?? 0 {
            return "whether head is above the limit of \(limit) is not known by "
                + "\(counted(comparison.base.runs.count, "run")) of the baseline; forkpool bench -n 80 makes a better one"
        }
        return "whether \(comparison.head.name) is above the limit of \(limit) is not known after "
            + "\(counted(comparison.head.runs.count, what)) and \(fixed(results.seconds, 1)) s; "
            + "a longer --max-time, a quieter machine or a longer run of the command would tell"
    }
}
