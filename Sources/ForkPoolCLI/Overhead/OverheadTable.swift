// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The tables of `overhead`.
struct OverheadTable {
    let lines: [OverheadLine]
    let counts: [WorkloadCount]
    /// The version of Python; nil if it was not measured.
    let python: String?
    /// What a cluster that was measured consists of; nil if none was.
    var cluster: String?

    /// Tables of medians, with the ratio to the floor for columns of this library, and a table of counts.
    var text: String {
        let tables = (measured + [counted]).filter { $0.count > 1 }.map(Self.aligned)
        return (tables + [notes.joined(separator: "\n") + "\n"]).joined(separator: "\n")
    }

    /// The same tables in Markdown.
    var markdown: String {
        let tables = (measured + [counted]).filter { $0.count > 1 }.map(Self.markdown)
        return (tables + [notes.joined(separator: "\n") + "\n"]).joined(separator: "\n")
    }

    // MARK: Cells

    /// Two tables: the rows that start workers for each map, and the rows with warm workers.
    ///
    /// They are separate because few columns have both. The first row of a table has the names of the columns.
    private var measured: [[[String]]] {
        func isCold(_ line: OverheadLine) -> Bool { line[.oneShot] != nil || line[.inPlace] != nil }
        return [lines.filter(isCold), lines.filter { !isCold($0) }].map { lines in
            let columns = Column.allCases.filter { column in lines.contains { $0[column] != nil } }
            return [["", "unit"] + columns.map(\.rawValue)]
                + lines.map { line in [line.row.name, line.row.unit] + columns.map { Self.cell(line, $0) } }
        }
    }

    private static func cell(_ line: OverheadLine, _ column: Column) -> String {
        guard let sample = line[column] else { return "–" }
        let scale = line.row.perSecond
        let half = (sample.interval.upperBound - sample.interval.lowerBound) / 2 * scale
        var text = "\(short(sample.median * scale)) ±\(short(half))"
        if column.isOurs, let base = line.base(of: column) { text += " ×\(fixed(sample.ratios(to: base).median, 2))" }
        return text
    }

    /// Formats a value with three significant digits.
    private static func short(_ value: Double) -> String {
        fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
    }

    private var counted: [[String]] {
        let kinds = CountedEvent.allCases.filter { kind in
            !kind.isMemory || counts.contains { $0[kind] != nil }
        }
        return [["counted", "for"] + kinds.map(\.rawValue)]
            + counts.map { count in
                [count.workload.name, count.workload.unit.rawValue]
                    + kinds.map { count[$0].map { fixed($0, 3) } ?? "–" }
            }
    }

    private var notes: [String] {
        var notes: [String] = []
        if !lines.isEmpty {
            let floor = cluster == nil ? "C floor" : "other column"
            notes.append("Medians of interleaved runs; ± is half the 95 % interval; × is the ratio to the \(floor).")
            if lines.contains(where: { $0[.journal] != nil }) {
                notes.append(
                    "With a journal × is the ratio to the one-shot map without one; nothing waits for the disk.")
            }
            var machine = "Processors that this process may use: \(ForkPool.availableProcessors)."
            if let python {
                machine += " Python \(python): makes and closes a Pool for each map; in warm rows the Pool stays."
            }
            notes.append(cluster ?? machine)
        }
        if let reason = counts.lazy.compactMap(\.reason).first { notes.append("Not counted: \(reason).") }
        return notes
    }

    // MARK: Tables

    private static func aligned(_ cells: [[String]]) -> String {
        let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        return cells.map { row in
            zip(row, widths).enumerated().map { index, cell in
                index < 2 ? left(cell.0, cell.1) : right(cell.0, cell.1)
            }.joined(separator: "  ").trimmedEnd + "\n"
        }.joined()
    }

    private static func markdown(_ cells: [[String]]) -> String {
        let rule = cells[0].indices.map { $0 < 2 ? "---" : "---:" }
        return ([cells[0], rule] + cells.dropFirst()).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
    }

    // MARK: JSON

    /// The measurements, in seconds, and the counts as a document.
    var json: JSON {
        .object([
            ("version", .string(ForkPoolCommand.version)),
            ("verb", .string("overhead")),
            ("processors", .integer(ForkPool.availableProcessors)),
            ("python", python.map { .string($0) } ?? .null),
            ("cluster", cluster.map { .string($0) } ?? .null),
            ("rows", .array(lines.map(Self.json))),
            ("counts", .array(counts.map(Self.json))),
        ])
    }

    private static func json(_ line: OverheadLine) -> JSON {
        let cells = zip(line.row.cells, line.samples).map { cell, sample in
            let ratios = cell.column.isFloor ? nil : line.floor.map(sample.ratios)
            return JSON.object([
                ("column", .string(cell.column.rawValue)),
                ("median", .number(sample.median)),
                ("low", .number(sample.interval.lowerBound)),
                ("high", .number(sample.interval.upperBound)),
                ("ratio_to_floor", ratios.map { .number($0.median) } ?? .null),
                ("ratio_low", ratios.map { .number($0.interval.lowerBound) } ?? .null),
                ("ratio_high", ratios.map { .number($0.interval.upperBound) } ?? .null),
                ("seconds", .array(sample.seconds.map { .number($0) })),
            ])
        }
        return .object([("row", .string(line.row.name)), ("cells", .array(cells))])
    }

    private static func json(_ count: WorkloadCount) -> JSON {
        .object([
            ("workload", .string(count.workload.name)), ("for", .string(count.workload.unit.rawValue)),
            ("system_calls", count[.systemCalls].map { .number($0) } ?? .null),
            ("allocations", count[.allocations].map { .number($0) } ?? .null),
            ("instructions", count[.instructions].map { .number($0) } ?? .null),
            ("locked_instructions", count[.locked].map { .number($0) } ?? .null),
            ("private_kib", count[.privateMemory].map { .number($0) } ?? .null),
            ("shared_kib", count[.sharedMemory].map { .number($0) } ?? .null),
            ("page_tables_kib", count[.pageTables].map { .number($0) } ?? .null),
            ("reason", count.reason.map { .string($0) } ?? .null),
        ])
    }
}

extension String {
    /// The text without spaces at its end.
    var trimmedEnd: String {
        lastIndex { $0 != " " }.map { String(self[...$0]) } ?? ""
    }
}
#endif
