// SPDX-License-Identifier: Apache-2.0
#if Command
extension Results {
    /// CSV with a line for each command: the columns of hyperfine, then those of forkpool; in seconds and bytes.
    var csv: String {
        let parameters = entries.first?.parameters.map(\.name) ?? []
        let names =
            ["command", "mean", "stddev", "median", "user", "system", "min", "max"]
            + parameters.map { "parameter_\($0)" }
            + [
                "name", "runs", "median_low", "median_high", "cpu_median", "peak_memory", "ratio", "ratio_low",
                "ratio_high",
            ]
            + (isDecided ? ["limit", "verdict"] : []) + (isSimulated ? ["instructions"] : [])
        let rows = [names] + entries.map(row) + failures.map { row($0, of: names) }
        return rows.map { $0.map(Self.field).joined(separator: ",") + "\n" }.joined()
    }

    private var isDecided: Bool { !failures.isEmpty || comparisons.contains { $0.decision != nil } }

    /// The line of a failed benchmark, which has no figures.
    private func row(_ failure: FailedBenchmark, of names: [String]) -> [String] {
        let values = ["command": failure.label, "name": failure.title, "runs": "0", "verdict": failure.word]
        return names.map { values[$0] ?? "" }
    }

    private func row(_ entry: MeasuredCommand) -> [String] {
        let wall = entry.summary(.wall)
        let instructions = entry.summary(.instructions)
        let comparison = comparison(of: entry)
        let numbers: [Double?] = [
            wall.mean, wall.deviation, wall.median, Summary(entry.countedRuns.map { Double($0.user) / 1e9 }).mean,
            Summary(entry.countedRuns.map { Double($0.system) / 1e9 }).mean, wall.minimum, wall.maximum,
        ]
        let ours: [Double?] = [
            wall.interval?.lowerBound, wall.interval?.upperBound, entry.summary(.cpu).median,
            entry.summary(.rss).maximum, comparison?.ratio.estimate, comparison?.ratio.interval?.lowerBound,
            comparison?.ratio.interval?.upperBound,
        ]
        let decision = comparison?.decision
        // Under callgrind only the count is the command's own.
        if isSimulated {
            return [entry.label] + numbers.map { _ in "" } + entry.parameters.map(\.value)
                + [entry.name, String(entry.countedRuns.count)] + ours.prefix(4).map { _ in "" }
                + ours.suffix(3).map(Self.number) + [Self.number(decision?.limit), decision?.verdict.word ?? ""]
                + [Self.number(instructions.median)]
        }
        return [entry.label] + numbers.map(Self.number) + entry.parameters.map(\.value)
            + [entry.name, String(entry.countedRuns.count)] + ours.map(Self.number)
            + (isDecided ? [Self.number(decision?.limit), decision?.verdict.word ?? ""] : [])
    }

    /// Formats a number; nothing for nil and infinity, because CSV readers disagree on `inf`.
    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return "\(value)"
    }

    private static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { ",\"\n\r".utf8.contains($0) }) else { return text }
        let parts = text.unicodeScalars.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        return "\"" + parts.joined(separator: "\"\"") + "\""
    }

    /// Tables in Markdown, for the summary of a CI job.
    var markdown: String {
        var text = isSimulated ? simulatedTable : measuredTable
        if !comparisons.isEmpty {
            text += "\n| Comparison | By | Ratio |" + (isDecided ? " Limit | Verdict |" : "") + "\n|:---|:---|---:|"
            text += (isDecided ? "---:|:---|" : "") + "\n"
        }
        for comparison in comparisons {
            var cells = [
                Self.cell("\(comparison.head.name) / \(comparison.base.name)"), comparison.metric.name,
                comparison.ratio.text,
            ]
            if let decision = comparison.decision {
                cells += [fixed(decision.limit, 3), "**\(decision.verdict.word)**"]
            }
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        for failure in failures {
            text += "\n**\(failure.word)** \(Self.cell("\(failure.title): \(failure.error.sentence)"))\n"
            if !failure.written.isEmpty { text += "\n" + Self.block(failure.written) }
        }
        for sentence in comparisons.flatMap(\.remarks) + notes { text += "\n\(Self.cell(sentence))\n" }
        if let sentence = noise.sentence { text += "\n\(sentence)\n" }
        return text
    }

    private var measuredTable: String {
        var text = "| | Command | Wall time | CPU time | Peak memory | Runs |\n|---|:---|---:|---:|---:|---:|\n"
        for entry in entries {
            let cells = [
                Self.cell(entry.name), Self.code(entry.label), Self.cell(entry.summary(.wall)),
                Self.cell(entry.summary(.cpu)),
                entry.peakMemory, String(entry.countedRuns.count),
            ]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        return text
    }

    private var simulatedTable: String {
        var text = "| | Command | Instructions | Runs |\n|---|:---|---:|---:|\n"
        for entry in entries {
            let count = fixed(entry.summary(.instructions).median, 0)
            let cells = [Self.cell(entry.name), Self.code(entry.label), count, String(entry.countedRuns.count)]
            text += "| " + cells.joined(separator: " | ") + " |\n"
        }
        return text
    }

    private static func cell(_ summary: Summary) -> String {
        let scale = Scale.seconds(summary.median)
        guard let interval = summary.interval else { return scale.text(summary.median) }
        return
            "\(scale.text(summary.median)) [\(scale.number(interval.lowerBound)), \(scale.number(interval.upperBound))]"
    }

    /// Formats text for a table cell in Markdown: it is shown as it is.
    static func cell(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for character in printable(text).unicodeScalars {
            if "\\`*_<>|~&".unicodeScalars.contains(character) { result.append("\\") }
            result.append(character)
        }
        return String(result)
    }

    /// Formats lines as a block of code, which is indented, so that no line can end it.
    private static func block(_ text: String) -> String {
        text.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    /// Formats a command as code in a table cell; escapes | and `.
    private static func code(_ text: String) -> String {
        let line = printable(text).split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
        let longest = line.split { $0 != "`" }.map(\.count).max() ?? 0
        if longest == 0 { return "`\(line)`" }
        let fence = String(repeating: "`", count: longest + 1)
        return "\(fence) \(line) \(fence)"
    }
}

extension MeasuredCommand {
    /// The highest peak memory of all runs; with "≤" if it is hidden by that of the launcher.
    var peakMemory: String {
        let peak = summary(.rss).maximum
        return (memoryIsHidden ? "≤ " : "") + Scale.bytes(peak).text(peak)
    }
}
#endif
