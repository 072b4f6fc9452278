// SPDX-License-Identifier: Apache-2.0
#if Command
/// The report of a check.
struct CheckReport {
    let results: Results
    let maxTime: Double
    /// The seconds that the first look needs, if they are more than `maxTime`.
    var needed: Double?

    /// The comparisons with their decisions.
    var decisions: [(comparison: Comparison, decision: Comparison.Decision)] {
        results.comparisons.compactMap { comparison in comparison.decision.map { (comparison, $0) } }
    }

    /// The exit code: a failed command comes before a slower head, and this one before an inconclusive one.
    var code: Int32 {
        if results.failures.contains(where: { !$0.isCut }) { return Exit.commandFailed }
        if decisions.contains(where: { $0.decision.verdict == .slower }) { return Exit.partial }
        let isKnown =
            results.failures.isEmpty
            && decisions.allSatisfy { $0.decision.verdict == .passed && $0.decision.canary != false }
        return isKnown ? 0 : Exit.inconclusive
    }

    /// Formats a line for each comparison, with the reason if it is inconclusive.
    ///
    /// A single command that failed is an error alone, and has no report.
    func text(_ style: Style) -> String {
        if decisions.isEmpty, results.failures.count == 1 { return "" }
        return results.text(style) + verdicts(style)
    }

    private func verdicts(_ style: Style) -> String {
        let failures = results.failures.map { failure in
            let word = failure.isCut ? failure.word : failure.word.uppercased()
            return "\(style.title(word)): \(printable("\(failure.title): \(failure.error.sentence)"))\n"
        }
        return decisions.map { comparison, decision in
            let word = decision.verdict == .slower ? "SLOWER" : decision.verdict.word
            var text = "\(style.title(word)): \(sentence(comparison, decision))"
            text += comparison.remarks.map { "\n\($0)" }.joined()
            if let isFound = decision.canary, decision.verdict != .slower {
                let factor = fixed(2 * (decision.limit - 1) * 100, 1)
                text +=
                    isFound
                    ? "\ncanary: a head slower by \(factor) % would be found"
                    : "\ncanary: a head slower by \(factor) % would not be found here, so this gate can never fail; "
                        + "raise --limit or --max-time"
            }
            return text + "\n"
        }.joined() + failures.joined()
    }

    /// The decision in a sentence, without its verdict.
    func sentence(_ comparison: Comparison, _ decision: Comparison.Decision) -> String {
        let names = "\(comparison.head.name) is \(fixed(comparison.ratio.estimate, 3)) × \(comparison.base.name)"
        let limit = fixed(decision.limit, 3)
        return switch decision.verdict {
        case .slower: "\(names) by \(comparison.metric.name), above the limit of \(limit)"
        case .passed: "\(names) by \(comparison.metric.name), within the limit of \(limit)"
        case .more, .inconclusive: reason(comparison, limit)
        }
    }

    private func reason(_ comparison: Comparison, _ limit: String) -> String {
        if let needed {
            return "10 pairs, the fewest that are judged, take about \(fixed(needed.rounded(.up), 0)) s here, and "
                + "--max-time is \(Scale.seconds(maxTime).text(maxTime)); "
                + "a longer --max-time or a shorter run of the command would help"
        }
        if comparison.metric == .rss, comparison.base.memoryIsHidden {
            let floor = Double(comparison.base.runs.map(\.memoryFloor).max() ?? 0)
            return "\(comparison.base.name) needs less memory than the process that starts it "
                + "(\(Scale.bytes(floor).text(floor))), so its peak cannot be measured"
        }
        let what = comparison.isPaired ? "pair" : "run"
        if !comparison.isPaired, comparison.base.runs.count < PairedGate.looks.last ?? 0 {
            return "cannot tell by \(comparison.metric.name) whether head is above the limit of \(limit) with "
                + "\(counted(comparison.base.runs.count, "run")) of the baseline; forkpool bench -n 80 makes a better one"
        }
        return
            "cannot tell by \(comparison.metric.name) whether \(comparison.head.name) is above the limit of \(limit) "
            + "after \(counted(comparison.head.runs.count, what)) and \(fixed(results.seconds, 1)) s; "
            + "a longer --max-time, a quieter machine or a longer run of the command would help"
    }
}
#endif
