// SPDX-License-Identifier: Apache-2.0
#if Command
/// A chart of a history as SVG: a panel for each benchmark and metric, with a point for each line of the history.
///
/// The colours follow the viewer's theme, dark or light.
struct Trend {
    private static let width = 760.0
    private static let left = 70.0
    private static let right = 736.0
    private static let panel = 120.0
    private static let style = """
        :root { color-scheme: light dark; }
        text { font: 13px system-ui, sans-serif; fill: #1f2328; }
        .faint { fill: #59636e; font-size: 12px; }
        .grid { stroke: #59636e; stroke-opacity: 0.2; }
        .trend { fill: none; stroke: #0969da; stroke-width: 1.5; }
        .interval { stroke: #0969da; stroke-opacity: 0.35; stroke-width: 3; }
        .dot { fill: #0969da; } .slower { fill: #cf222e; } .inconclusive { fill: #9a6700; }
        .other { fill-opacity: 0.35; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3; } .faint { fill: #9198a1; } .grid { stroke: #9198a1; }
          .trend, .interval { stroke: #58a6ff; } .dot { fill: #58a6ff; }
          .slower { fill: #ff7b72; } .inconclusive { fill: #d29922; }
        }
        """

    /// What a panel shows.
    private struct Series {
        let name: String
        let metric: Metric
        var points: [(line: HistoryLine, figure: HistoryLine.Figure)] = []
    }

    private var body = ""
    private var height = 16.0

    /// Draws the lines of a history.
    static func draw(_ lines: [HistoryLine]) -> String {
        var all: [Series] = []
        for line in lines {
            for figure in line.figures {
                let place = all.firstIndex { $0.name == figure.name && $0.metric == figure.metric }
                if let place {
                    all[place].points.append((line, figure))
                } else {
                    all.append(Series(name: figure.name, metric: figure.metric, points: [(line, figure)]))
                }
            }
        }
        var trend = Trend()
        // Points of other machines are faint: their figures cannot be compared.
        for series in all { trend.draw(series, machine: lines.last?.machine ?? "") }
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(trend.height))" \
            width="\(number(width))" height="\(number(trend.height))" role="img">
            <title>\(counted(lines.count, "measurement")) of \(counted(all.count, "benchmark"))</title>
            <style>\(style)</style>
            \(trend.body)</svg>

            """
    }

    private mutating func draw(_ series: Series, machine: String) {
        guard let last = series.points.last else { return }
        let scale = series.metric.scale(for: last.figure.value)
        text("", Self.left, height + 14, "start", "\(series.name) by \(series.metric.name)")
        let note = "\(scale.text(last.figure.value)), \(counted(series.points.count, "point"))"
        text("faint", Self.right, height + 14, "end", note)
        let top = height + 26
        let bounds = series.points.flatMap { point in
            [point.figure.value, point.figure.interval?.lowerBound, point.figure.interval?.upperBound].compactMap { $0 }
        }
        let axis = Axis(bounds.min() ?? 0, bounds.max() ?? 1)
        func y(_ value: Double) -> Double { top + Self.panel * (1 - axis.position(value)) }
        func x(_ number: Int) -> Double {
            let count = series.points.count
            return count == 1
                ? (Self.left + Self.right) / 2
                : Self.left + 8 + (Self.right - Self.left - 16) * Double(number) / Double(count - 1)
        }
        let ticks = axis.ticks
        // Of many ticks the first, the middle and the last.
        let shown = ticks.count <= 4 ? ticks : [ticks[0], ticks[ticks.count / 2], ticks[ticks.count - 1]]
        for tick in shown {
            body += line("grid", Self.left, y(tick), Self.right, y(tick))
            text("faint", Self.left - 6, y(tick) + 4, "end", scale.text(tick))
        }
        let path = series.points.enumerated().map { number, point in
            "\(Self.number(x(number))),\(Self.number(y(point.figure.value)))"
        }
        body += "<polyline class=\"trend\" points=\"\(path.joined(separator: " "))\"/>\n"
        for (number, point) in series.points.enumerated() {
            let place = x(number)
            if let interval = point.figure.interval {
                body += line("interval", place, y(interval.lowerBound), place, y(interval.upperBound))
            }
            let verdict = point.figure.verdict.flatMap { $0 == "passed" ? nil : $0 } ?? ""
            let kind = "dot \(Chart.escaped(verdict)) \(point.line.machine == machine ? "" : "other")"
            let name = [point.line.label, point.line.time, scale.text(point.figure.value), point.figure.verdict]
            body += "<circle class=\"\(kind)\" cx=\"\(Self.number(place))\" "
            body += "cy=\"\(Self.number(y(point.figure.value)))\" r=\"4\">"
            body += "<title>\(Chart.escaped(name.compactMap { $0 }.joined(separator: ", ")))</title></circle>\n"
        }
        height = top + Self.panel
        label(series.points[0].line, Self.left, "start")
        if series.points.count > 1 { label(last.line, Self.right, "end") }
        height += 44
    }

    private mutating func label(_ line: HistoryLine, _ x: Double, _ anchor: String) {
        text("faint", x, height + 18, anchor, line.label.map { String($0.prefix(40)) } ?? line.time)
    }

    private mutating func text(_ style: String, _ x: Double, _ y: Double, _ anchor: String, _ text: String) {
        let short = text.count > 80 ? text.prefix(79) + "…" : text[...]
        body += "<text class=\"\(style)\" x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\">"
        body += "\(Chart.escaped(String(short)))</text>\n"
    }

    private func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        let ends = [("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)].map { "\($0)=\"\(Self.number($1))\"" }
        return "<line class=\"\(style)\" \(ends.joined(separator: " "))/>\n"
    }

    private static func number(_ value: Double) -> String { fixed(value, 1) }
}
#endif
