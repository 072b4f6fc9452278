// SPDX-License-Identifier: Apache-2.0
#if Command
/// A chart as SVG: a strip for each command with a dot for each run, and the ratios below.
///
/// The colours follow the viewer's theme, dark or light.
struct Chart {
    private static let width = 760.0
    private static let left = 24.0
    private static let right = 736.0
    private static let style = """
        :root { color-scheme: light dark; }
        text { font: 13px system-ui, sans-serif; fill: #1f2328; }
        .faint { fill: #59636e; font-size: 12px; }
        .line { stroke: #59636e; stroke-width: 1; }
        .grid { stroke: #59636e; stroke-opacity: 0.2; }
        .limit { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 5 3; }
        .dot { fill: #0969da; fill-opacity: 0.45; }
        .middle { stroke: #cf5c00; stroke-width: 2.5; }
        .interval { fill: #cf5c00; fill-opacity: 0.25; }
        .ratio { fill: #cf5c00; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3; } .faint { fill: #9198a1; } .line, .grid { stroke: #9198a1; }
          .limit { stroke: #ff7b72; } .dot { fill: #58a6ff; } .middle { stroke: #ffa657; }
          .interval, .ratio { fill: #ffa657; }
        }
        """

    private var body = ""
    private var height = 20.0

    /// Draws results.
    static func draw(_ results: Results) -> String {
        var chart = Chart()
        chart.strips(results)
        let comparisons = results.comparisons.filter { $0.metric == results.metric && $0.ratio.interval != nil }
        if !comparisons.isEmpty { chart.ratios(comparisons, results.metric) }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(chart.height))" \
            width="\(number(width))" height="\(number(chart.height))" role="img">
            <title>\(escaped("\(results.metric.name) of " + results.entries.map(\.label).joined(separator: ", ")))</title>
            <style>\(style)</style>
            \(chart.body)</svg>

            """
    }

    // MARK: - Strips

    private mutating func strips(_ results: Results) {
        let entries = results.entries.filter { !$0.countedRuns.isEmpty }
        guard !entries.isEmpty else { return }
        let summaries = entries.map { $0.summary(results.metric) }
        let low = summaries.map(\.minimum).min() ?? 0
        // As in the histogram: a few disturbed runs must not squeeze all others together.
        let high = summaries.map { Histogram($0.values).high }.max() ?? 1
        let axis = Axis(low, max(high, summaries.map { $0.interval?.upperBound ?? $0.median }.max() ?? high))
        let scale = results.metric.scale(for: summaries.map(\.median).max() ?? high)
        for (entry, summary) in zip(entries, summaries) {
            label(
                "\(entry.name)  \(entry.label)",
                "\(scale.text(summary.median)), \(counted(summary.values.count, "run"))")
            strip(summary, axis)
        }
        draw(axis, from: 20, "\(results.metric.name)\(scale.unit.isEmpty ? "" : " in \(scale.unit)")") {
            scale.number($0)
        }
    }

    private mutating func strip(_ summary: Summary, _ axis: Axis) {
        let middle = height + 26
        if let interval = summary.interval {
            let (first, last) = (x(interval.lowerBound, axis), x(interval.upperBound, axis))
            body += rectangle("interval", first, height + 4, max(last - first, 1), 44)
        }
        for (position, value) in summary.values.enumerated() {
            // Spread the dots by the golden ratio, so that positions do not repeat.
            let offset = (Double(position) * 0.618_034).truncatingRemainder(dividingBy: 1) * 32 - 16
            let place = x(value, axis)
            if place > Self.right {
                body += "<path class=\"dot\" d=\"M\(number(Self.right)) \(number(middle + offset - 4))l8 4l-8 4z\"/>\n"
            } else {
                body += "<circle class=\"dot\" cx=\"\(number(place))\" cy=\"\(number(middle + offset))\" r=\"3\"/>\n"
            }
        }
        let place = x(summary.median, axis)
        body += line("middle", place, height + 2, place, height + 50)
        height += 62
    }

    // MARK: - Ratios

    private mutating func ratios(_ comparisons: [Comparison], _ metric: Metric) {
        height += 16
        let top = height
        let intervals = comparisons.compactMap(\.ratio.interval)
        let limits = comparisons.compactMap { $0.decision?.limit }
        let marks = intervals.flatMap { [$0.lowerBound, $0.upperBound] } + limits + [1]
        let axis = Axis(marks.min() ?? 1, marks.max() ?? 1)
        for (comparison, interval) in zip(comparisons, intervals) {
            let verdict = comparison.decision.map { ", \($0.verdict.word)" } ?? ""
            label("\(comparison.head.name) / \(comparison.base.name)", "\(comparison.ratio.text)\(verdict)")
            let (first, last) = (x(interval.lowerBound, axis), x(interval.upperBound, axis))
            body += rectangle("interval", first, height + 6, max(last - first, 1), 12)
            body += "<circle class=\"ratio\" cx=\"\(number(x(comparison.ratio.estimate, axis)))\" "
            body += "cy=\"\(number(height + 12))\" r=\"5\"/>\n"
            if let limit = comparison.decision?.limit {
                body += line("limit", x(limit, axis), height, x(limit, axis), height + 24)
            }
            height += 34
        }
        body += line("line", x(1, axis), top, x(1, axis), height)
        let note = limits.isEmpty ? "" : "; dashed: the limit"
        draw(axis, from: height, "ratio by \(metric.name), with its interval\(note)") { fixed($0, 3) }
    }

    // MARK: - Parts

    private mutating func label(_ name: String, _ value: String) {
        height += 14
        let short = name.count > 70 ? name.prefix(69) + "…" : name[...]
        body += "<text x=\"\(number(Self.left))\" y=\"\(number(height))\">\(Self.escaped(String(short)))</text>\n"
        body += "<text class=\"faint\" x=\"\(number(Self.right))\" y=\"\(number(height))\" text-anchor=\"end\">"
        body += "\(Self.escaped(value))</text>\n"
        height += 4
    }

    private mutating func draw(_ axis: Axis, from top: Double, _ title: String, _ text: (Double) -> String) {
        body += line("line", Self.left, height, Self.right, height)
        for tick in axis.ticks {
            let place = x(tick, axis)
            if top < height { body += line("grid", place, top, place, height) }
            body += line("line", place, height, place, height + 5)
            body += "<text class=\"faint\" x=\"\(number(place))\" y=\"\(number(height + 19))\" text-anchor=\"middle\">"
            body += "\(text(tick))</text>\n"
        }
        body +=
            "<text class=\"faint\" x=\"\(number(Self.width / 2))\" y=\"\(number(height + 37))\" text-anchor=\"middle\">"
        body += "\(Self.escaped(title))</text>\n"
        height += 46
    }

    private func x(_ value: Double, _ axis: Axis) -> Double {
        Self.left + axis.position(value) * (Self.right - Self.left)
    }

    private func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        "<line class=\"\(style)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>\n"
    }

    private func rectangle(_ style: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double) -> String {
        "<rect class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\" "
            + "height=\"\(number(height))\"/>\n"
    }

    private func number(_ value: Double) -> String { Self.number(value) }
    private static func number(_ value: Double) -> String { fixed(value, 1) }

    /// Escapes markup and the characters that XML forbids.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for character in printable(text).unicodeScalars {
            switch character {
            case "&": result += "&amp;".unicodeScalars
            case "<": result += "&lt;".unicodeScalars
            case ">": result += "&gt;".unicodeScalars
            case "\"": result += "&quot;".unicodeScalars
            // XML has no noncharacters.
            case "\u{FFFE}", "\u{FFFF}": result.append("\u{FFFD}")
            default: result.append(character)
            }
        }
        return String(result)
    }
}
#endif
