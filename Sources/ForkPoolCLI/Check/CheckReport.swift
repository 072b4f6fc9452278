// SPDX-License-Identifier: Apache-2.0
#if Command
/// The report of a check.
struct CheckReport {
    let results: Results
    let maxTime: Double

    private var decisions: [(comparison: Comparison, decision: Comparison.Decision)] {
        results.comparisons.compactMap { comparison in comparison.decision.map { (comparison, $0) } }
    }

    /// The exit code; a slower head takes precedence over an inconclusive comparison.
    var code: Int32 {
        if decisions.contains(where: { $0.decision.verdict == .slower }) { return Exit.partial }
        let isKnown = decisions.allSatisfy { $0.decision.verdict == .passed && $0.decision.canary != false }
        return isKnown ? 0 : Exit.inconclusive
    }

    /// Formats a line for each comparison, with the reason if it is inconclusive.
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
                    : "\ncanary: a head slower by \(factor) % would not be found here, so this gate can never fail; "
                        + "raise --limit or --max-time"
            }
            return text + "\n"
        }.joined()
    }

    private func reason(_ comparison: Comparison, _ limit: String) -> String {
        if comparison.metric == .rss, comparison.base.memoryIsHidden {
            let floor = Double(comparison.base.runs.map(\.memoryFloor).max() ?? 0)
            return "\(comparison.base.name) needs less memory than the process that starts it "
                + "(\(Scale.bytes(floor).text(floor))), so its peak cannot be measured"
        }
        let what = comparison.isPaired ? "pair" : "run"
        if !comparison.isPaired, comparison.base.runs.count < PairedGate.looks.last ?? 0 {
            return "cannot tell whether head is above the limit of \(limit) with "
                + "\(counted(comparison.base.runs.count, "run")) of the baseline; forkpool bench -n 80 makes a better one"
        }
        return "cannot tell whether \(comparison.head.name) is above the limit of \(limit) after "
            + "\(counted(comparison.head.runs.count, what)) and \(fixed(results.seconds, 1)) s; "
            + "a longer --max-time, a quieter machine or a longer run of the command would help"
    }
}
#endif
