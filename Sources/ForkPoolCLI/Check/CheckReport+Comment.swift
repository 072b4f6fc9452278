// SPDX-License-Identifier: Apache-2.0
#if Command
extension CheckReport {
    /// A comment in Markdown for a pull request: the verdicts first, and the figures to unfold.
    ///
    /// Its first line is the same for every check, so that a workflow finds the comment to replace.
    var comment: String {
        var text = "<!-- forkpool check -->\n### \(headline)\n\n"
        text += "| | Benchmark | base | head | head / base | Limit |\n|:---|:---|---:|---:|:---|---:|\n"
        for (comparison, decision) in told {
            let cells = [
                Self.mark(decision.verdict), Results.cell(comparison.title ?? comparison.head.name),
                Self.value(comparison.base, comparison.metric), Self.value(comparison.head, comparison.metric),
                "\(comparison.ratio.text) by \(comparison.metric.name)", fixed(decision.limit, 3),
            ]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        for (comparison, decision) in told where !decision.verdict.isKnown {
            text += "\n\(Results.cell(sentence(comparison, decision)))\n"
        }
        for remark in told.flatMap({ remarks($0.comparison) }) { text += "\n\(Results.cell(remark))\n" }
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
        for (comparison, decision) in told {
            let worst = verdicts[comparison.head.name]
            let isWorse = worst == nil || decision.verdict == .slower || worst == .passed
            if isWorse { verdicts[comparison.head.name] = decision.verdict }
        }
        func count(_ word: String) -> Int { verdicts.values.count { $0.word == word } }
        let all = counted(verdicts.count, "benchmark")
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

    /// The verdicts as JUnit XML: a test case for each decision, which fails if head is slower.
    var junit: String {
        let words = told.map(\.decision.verdict.word)
        let (slower, open) = (words.count { $0 == "slower" }, words.count { $0 == "inconclusive" })
        let counts =
            "tests=\"\(words.count)\" failures=\"\(slower)\" errors=\"\(open)\" "
            + "time=\"\(fixed(results.seconds, 3))\""
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"forkpool\" \(counts)>\n"
        text += "<testsuite name=\"forkpool check\" \(counts) skipped=\"0\">\n"
        for (comparison, decision) in told {
            let title = comparison.title ?? comparison.head.name
            let name = Chart.escaped("\(title) by \(comparison.metric.name)")
            text += "<testcase classname=\"forkpool.check\" name=\"\(name)\" time=\"\(fixed(comparison.seconds, 3))\""
            let sentence = Chart.escaped(sentence(comparison, decision))
            let details = Chart.escaped(([comparison.ratio.text] + remarks(comparison)).joined(separator: "\n"))
            switch decision.verdict {
            case .passed: text += "/>\n"
            case .slower:
                text += ">\n<failure type=\"slower\" message=\"\(sentence)\">\(details)</failure>\n</testcase>\n"
            case .more, .inconclusive:
                text += ">\n<error type=\"inconclusive\" message=\"\(sentence)\">\(details)</error>\n</testcase>\n"
            }
        }
        return text + "</testsuite>\n</testsuites>\n"
    }
}

extension Comparison {
    /// The seconds that all runs of head took.
    fileprivate var seconds: Double { Double(head.runs.reduce(0) { $0 + $1.wall }) / 1e9 }
}
#endif
