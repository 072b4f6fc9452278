// SPDX-License-Identifier: Apache-2.0
#if Command
extension CheckReport {
    /// The verdicts as JUnit XML: a test case for each decision, which fails if head is slower.
    ///
    /// A benchmark that was not measured is one test case with an error.
    var junit: String {
        let words = decisions.map(\.decision.verdict.word)
        let slower = words.count { $0 == "slower" }
        let open = words.count { $0 == "inconclusive" } + results.failures.count
        let counts =
            "tests=\"\(words.count + results.failures.count)\" failures=\"\(slower)\" errors=\"\(open)\" "
            + "time=\"\(fixed(results.seconds, 3))\""
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"forkpool\" \(counts)>\n"
        text += "<testsuite name=\"forkpool check\" \(counts) skipped=\"0\">\n"
        for (comparison, decision) in decisions { text += testCase(comparison, decision) }
        for failure in results.failures {
            text += Self.testCase(
                failure.title, results.metric, seconds: 0,
                [
                    Self.element("error", failure.word, failure.error.sentence, failure.written)
                ])
        }
        text += Self.output(results.notes + [results.noise.sentence].compactMap { $0 })
        return text + "</testsuite>\n</testsuites>\n"
    }

    private func testCase(_ comparison: Comparison, _ decision: Comparison.Decision) -> String {
        let sentence = sentence(comparison, decision)
        let seconds = Double(comparison.head.runs.reduce(0) { $0 + $1.wall }) / 1e9
        let details = ([comparison.ratio.text] + comparison.remarks).joined(separator: "\n")
        let content =
            switch decision.verdict {
            case .passed: Self.output(comparison.remarks)
            case .slower: Self.element("failure", "slower", sentence, details)
            case .more, .inconclusive: Self.element("error", "inconclusive", sentence, details)
            }
        return Self.testCase(comparison.title ?? comparison.head.name, comparison.metric, seconds: seconds, [content])
    }

    private static func testCase(_ title: String, _ metric: Metric, seconds: Double, _ content: [String]) -> String {
        let name = Chart.escaped("\(title) by \(metric.name)")
        let start = "<testcase classname=\"forkpool.check\" name=\"\(name)\" time=\"\(fixed(seconds, 3))\""
        let inside = content.joined()
        return start + (inside.isEmpty ? "/>\n" : ">\n\(inside)</testcase>\n")
    }

    /// What is wrong with a test case.
    private static func element(_ name: String, _ type: String, _ message: String, _ details: String) -> String {
        "<\(name) type=\"\(type)\" message=\"\(Chart.escaped(message))\">\(escapedLines(details))</\(name)>\n"
    }

    /// Lines for a reader, which change no verdict; empty without one.
    private static func output(_ lines: [String]) -> String {
        lines.isEmpty ? "" : "<system-out>\(escapedLines(lines.joined(separator: "\n")))</system-out>\n"
    }

    /// Escapes a text, but for its line breaks.
    private static func escapedLines(_ text: String) -> String {
        text.split(separator: "\n").map { Chart.escaped(String($0)) }.joined(separator: "\n")
    }
}
#endif
