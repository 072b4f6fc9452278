// SPDX-License-Identifier: Apache-2.0
#if Command
extension CheckReport {
    /// A comment in Markdown for a pull request: the verdicts first, and the figures to unfold.
    ///
    /// Its first line is the same for every check, so that a workflow finds the comment to replace.
    var comment: String {
        var text = "<!-- forkpool check -->\n### \(headline)\n\n"
        text += "| | Benchmark | base | head | head / base | Limit |\n|:---|:---|---:|---:|:---|---:|\n"
        for (comparison, decision) in decisions {
            let cells = [
                Self.mark(decision.verdict), Results.cell(comparison.title ?? comparison.head.name),
                Self.value(comparison.base, comparison.metric), Self.value(comparison.head, comparison.metric),
                "\(comparison.ratio.text) by \(comparison.metric.name)", fixed(decision.limit, 3),
            ]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        for failure in results.failures {
            text += "| \(failure.isCut ? "❔" : "❌") \(failure.word) | \(Results.cell(failure.title)) | | | | |\n"
        }
        for failure in results.failures { text += "\n\(Results.cell(failure.error.sentence))\n" }
        for (comparison, decision) in decisions where !decision.verdict.isKnown {
            text += "\n\(Results.cell(sentence(comparison, decision)))\n"
        }
        for remark in decisions.flatMap(\.comparison.remarks) { text += "\n\(Results.cell(remark))\n" }
        let host = Host.current
        return text + """

            <details><summary>Commands, figures and machine</summary>

            \(results.markdown)
            \(Results.cell(host.processor)), \(counted(host.processors, "processor")), Linux \(Results.cell(host.kernel)); \
            \(fixed(results.seconds, 1)) s, forkpool \(ForkPoolCommand.version)

            </details>

            """
    }

    /// What the check says of all benchmarks.
    private var headline: String {
        // A benchmark may have two verdicts, and the worst one counts.
        var verdicts: [String: PairedGate.Verdict] = [:]
        for (comparison, decision) in decisions {
            let worst = verdicts[comparison.head.name]
            let isWorse = worst == nil || decision.verdict == .slower || worst == .passed
            if isWorse { verdicts[comparison.head.name] = decision.verdict }
        }
        func count(_ word: String) -> Int {
            verdicts.values.count { $0.word == word } + results.failures.count { $0.word == word }
        }
        let all = counted(verdicts.count + results.failures.count, "benchmark")
        if count("failed") > 0 {
            let slower = count("slower") > 0 ? ", \(count("slower")) slower" : ""
            return "❌ forkpool: \(count("failed")) of \(all) failed\(slower)"
        }
        if count("slower") > 0 { return "❌ forkpool: \(count("slower")) of \(all) slower" }
        if count("inconclusive") > 0 { return "❔ forkpool: \(count("inconclusive")) of \(all) inconclusive" }
        return "✅ forkpool: \(all) within the limit"
    }

    private static func mark(_ verdict: PairedGate.Verdict) -> String {
        switch verdict {
        case .slower: "❌ slower"
        case .passed: "✅ passed"
        case .more, .inconclusive: "❔ inconclusive"
        }
    }

    private static func value(_ command: MeasuredCommand, _ metric: Metric) -> String {
        let median = command.summary(metric).median
        return metric.scale(for: median).text(median)
    }
}
#endif
