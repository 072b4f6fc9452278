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
                index < 2 ? left(cell.0, cell.1) : right(cell.0, cell.1)
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
        if column.isOurs, let floor = line[.floor] { text += " ×\(fixed(sample.ratios(to: floor).median, 2))" }
        return text
    }

    /// Three digits that matter.
    private static func short(_ value: Double) -> String {
        fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
    }

    /// One document: seconds as they were measured.
    static func json(_ lines: [OverheadLine], python: String?) -> JSON {
        .object([
            ("version", .string(ForkPoolCommand.version)),
            ("verb", .string("overhead")),
            ("processors", .integer(ForkPool.availableProcessors)),
            ("python", python.map { .string($0) } ?? .null),
            ("rows", .array(lines.map(json))),
        ])
    }

    private static func json(_ line: OverheadLine) -> JSON {
        let cells = zip(line.row.cells, line.samples).map { cell, sample in
            JSON.object([
                ("column", .string(cell.column.rawValue)),
                ("median", .number(sample.median)),
                ("low", .number(sample.interval.lowerBound)),
                ("high", .number(sample.interval.upperBound)),
                ("ratio_to_floor", line[.floor].map { .number(sample.ratios(to: $0).median) } ?? .null),
                ("seconds", .array(sample.seconds.map { .number($0) })),
            ])
        }
        return .object([("row", .string(line.row.name)), ("cells", .array(cells))])
    }
}

extension String {
    /// Without spaces at its end.
    fileprivate var trimmedEnd: String {
        lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
    }
}
