// SPDX-License-Identifier: Apache-2.0
#if Command
extension Results {
    /// Formats the report for people.
    func text(_ style: Style) -> String {
        var text = ""
        for entry in entries { text += block(entry, style) + "\n" }
        for comparison in comparisons where comparison.metric == metric || comparison.decision != nil {
            text += sentences(comparison, style)
        }
        text += resolution
        for note in notes { text += printable(note) + "\n" }
        if let sentence = noise.sentence { text += sentence + "\n" }
        return text
    }

    /// Formats the block of a command: the compared metric first.
    private func block(_ entry: MeasuredCommand, _ style: Style) -> String {
        guard !entry.countedRuns.isEmpty else {
            return "\(style.title(entry.name))  \(style.code(printable(entry.label)))\n   no run succeeded\n"
                + failures(entry)
        }
        let summary = entry.summary(metric)
        let scale = metric.scale(for: summary.median)
        let interval =
            summary.interval.map { " [\(scale.number($0.lowerBound)), \(scale.number($0.upperBound))]" } ?? ""
        let histogram = Histogram(summary.values)
        var text = "\(style.title(entry.name))  \(style.code(printable(entry.label)))\n"
        text += "   \(style.time(scale.text(summary.median)))\(interval)   min \(scale.number(summary.minimum))"
        if isSimulated { return text + "   \(counted(summary.values.count, "run"))\n" }
        if metric != .wall { text += "   wall \(Self.time(entry.median(\.wall)))" }
        text += "   user \(Self.time(entry.median(\.user)))   system \(Self.time(entry.median(\.system)))"
        if metric != .rss { text += "   memory \(entry.peakMemory)" }
        text += "\n   \(scale.number(histogram.low)) ▕\(histogram.bars)▏ \(scale.text(histogram.high))"
        text += "   \(counted(summary.values.count, "run"))"
        if histogram.beyond > 0 { text += ", \(histogram.beyond) above, up to \(scale.text(summary.maximum))" }
        text += "\n"
        for sentence in RunShape(summary.values).sentences(scale.text) { text += "   \(sentence)\n" }
        return text + failures(entry)
    }

    /// Says how many runs failed, and of the last one what it did and wrote.
    private func failures(_ entry: MeasuredCommand) -> String {
        guard let failure = entry.lastFailure else { return "" }
        let failed = entry.runs.count { !$0.succeeded }
        var text = "   \(failed) of \(counted(entry.runs.count, "run")) failed and count for no figure"
        text += "; \(failed > 1 ? "the last, " : "")run \(failure.number ?? 0), \(failure.ending)\n"
        for line in failure.written.split(separator: "\n") { text += "   \(line)\n" }
        return text
    }

    private static func time(_ nanoseconds: Double) -> String {
        Scale.seconds(nanoseconds / 1e9).text(nanoseconds / 1e9)
    }

    private func sentences(_ comparison: Comparison, _ style: Style) -> String {
        var text = "\(comparison.head.name) is \(style.title(comparison.ratio.text)) × \(comparison.base.name)"
        text += " by \(comparison.metric.name)"
        let others = comparisons.filter {
            $0.head.name == comparison.head.name && $0.base.name == comparison.base.name
                && $0.metric != comparison.metric && $0.decision == nil
        }
        text += others.map { ", \($0.ratio.text) by \($0.metric.name)" }.joined()
        text += comparison.others.map { ", \($0.ratio.text) by \($0.metric.name)" }.joined()
        if let limit = comparison.decision?.limit { text += ", limit \(fixed(limit, 3))" }
        text += "\n"
        if !isSimulated, let line = IntervalLine.draw(comparison.ratio, limit: comparison.decision?.limit) {
            text += "   \(line)\n"
        }
        return text
    }

    /// A sentence with the smallest difference that could be seen.
    private var resolution: String {
        guard !isSimulated else { return "" }
        let resolved = comparisons.filter { $0.metric == metric }.compactMap(\.ratio.resolution)
        guard let worst = resolved.max(), let runs = comparisons.first?.head.runs.count else { return "" }
        let what = comparisons.first?.isPaired == true ? "pair" : "run"
        return Self.resolution(worst, of: metric, counted(runs, what))
    }

    /// Says what difference can be seen, or that the times say nothing: those near 0 have ratios without a meaning.
    static func resolution(_ part: Double, of metric: Metric, _ runs: String) -> String {
        guard part <= 1 else {
            return "This machine cannot compare \(metric.name) here, even with \(runs); "
                + "a longer run of the commands would help.\n"
        }
        return "This machine resolves ±\(fixed(part * 100, 1)) % of \(metric.name) with \(runs).\n"
    }
}
#endif
