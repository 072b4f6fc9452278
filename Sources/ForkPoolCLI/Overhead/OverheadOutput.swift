import ForkPool

/// How `overhead` shows what it measured.
enum OverheadOutput {
    /// A table of medians, each of ours with its ratio to the floor.
    static func table(_ lines: [OverheadLine], python: String?) -> String {
        let columns = Column.allCases.filter { column in lines.contains { $0[column] != nil } }
        var cells = [["", "unit"] + columns.map(\.rawValue)]
        for line in lines {
            cells.append([line.row.name, line.row.unit] + columns.map { cell(line, $0) })
        }
        let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        let text = cells.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index < 2 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ").trimmedEnd
        }
        return text.joined(separator: "\n") + "\n\n" + footer(python)
    }

    private static func footer(_ python: String?) -> String {
        var text = "Medians of interleaved runs; ± is half the 95 % interval; × is the ratio to the C floor.\n"
        text += "Processors that this process may use: \(ForkPool.availableProcessors)."
        if let python { text += " Python \(python), a Pool made and closed for each map." }
        return text
    }

    private static func cell(_ line: OverheadLine, _ column: Column) -> String {
        guard let sample = line[column] else { return "–" }
        let scale = line.row.perSecond
        let half = (sample.interval.upperBound - sample.interval.lowerBound) / 2 * scale
        var text = "\(short(sample.median * scale)) ±\(short(half))"
        if column.isOurs, let floor = line[.floor] { text += " ×\(fixed(sample.ratio(to: floor), 2))" }
        return text
    }

    /// Three digits that matter.
    private static func short(_ value: Double) -> String {
        fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
    }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        let scale = [1.0, 10, 100][digits]
        let rounded = (value * scale).rounded()
        guard rounded.magnitude < 1e15 else { return "\(value)" }
        let whole = Int(rounded) / Int(scale)
        guard digits > 0 else { return "\(whole)" }
        let rest = String(Int(rounded) % Int(scale))
        return "\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// One document: seconds as they were measured.
    static func json(_ lines: [OverheadLine], python: String?) -> String {
        let rows = lines.map { line in
            let cells = zip(line.row.cells, line.samples).map { cell, sample in
                let ratio = line[.floor].map { ", \"ratio_to_floor\": \(sample.ratio(to: $0))" } ?? ""
                let runs = sample.seconds.map { "\($0)" }.joined(separator: ", ")
                return "        {\"column\": \"\(cell.column.rawValue)\", \"median\": \(sample.median), "
                    + "\"low\": \(sample.interval.lowerBound), \"high\": \(sample.interval.upperBound)\(ratio), "
                    + "\"seconds\": [\(runs)]}"
            }
            return "    {\"row\": \"\(line.row.name)\", \"cells\": [\n\(cells.joined(separator: ",\n"))]}"
        }
        let version = python.map { "\"\($0)\"" } ?? "null"
        return "{\n  \"processors\": \(ForkPool.availableProcessors),\n  \"python\": \(version),\n"
            + "  \"rows\": [\n\(rows.joined(separator: ",\n"))\n  ]\n}"
    }
}

extension String {
    /// Without spaces at its end.
    fileprivate var trimmedEnd: String {
        lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
    }
}
