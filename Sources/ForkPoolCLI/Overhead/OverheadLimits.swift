// SPDX-License-Identifier: Apache-2.0
#if Command
/// The limits of the performance gate: ratios of measured times, and counts of events.
struct OverheadLimits {
    /// A limit for the time of a row in one column, as a multiple of another column.
    struct Ratio {
        let most: Double
        let column: Column
        /// The column to compare with.
        let base: Column
        let row: String

        /// The name of the limit, as in the file.
        var name: String { "\(column.rawValue)\(base == .floor ? "" : " / \(base.rawValue)"): \(row)" }
    }

    /// A limit for the events per item or call of a workload.
    struct Count {
        let most: Double
        let counted: CountedEvent
        let unit: Workload.Unit
        let workload: String

        /// The name of the limit, as in the file.
        var name: String { "\(counted.rawValue) \(unit.rawValue): \(workload)" }
    }

    private(set) var ratios: [Ratio] = []
    private(set) var counts: [Count] = []

    /// Reads limits, one per line.
    ///
    /// - Parameter text: Lines such as `1.25 in place: map of 1 million no-ops`, a ratio to the floor;
    ///   `1.00 in place / concurrentPerform: map of 1 million no-ops`; `0.01 system calls an item: map of no-ops`. Empty
    ///   lines and lines that begin with `#` are skipped.
    /// - Throws: `OverheadError.limit` for a line that is no limit.
    init(_ text: String) throws(OverheadError) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            let words = parts.last.map { $0.split(separator: ":", maxSplits: 1).map(trimmed) } ?? []
            guard parts.count == 2, words.count == 2, let most = Double(parts[0]), most > 0, most.isFinite else {
                throw .limit(String(line))
            }
            if let (counted, unit) = Self.count(words[0]) {
                counts.append(Count(most: most, counted: counted, unit: unit, workload: words[1]))
            } else if let (column, base) = Self.columns(words[0]) {
                ratios.append(Ratio(most: most, column: column, base: base, row: words[1]))
            } else {
                throw .limit(String(line))
            }
        }
    }

    /// Reads the event and the unit of "system calls an item".
    private static func count(_ words: String) -> (CountedEvent, Workload.Unit)? {
        for counted in CountedEvent.allCases {
            for unit in Workload.Unit.allCases where words == "\(counted.rawValue) \(unit.rawValue)" {
                return (counted, unit)
            }
        }
        return nil
    }

    /// Reads the columns of "in place / concurrentPerform".
    private static func columns(_ words: String) -> (Column, Column)? {
        let columns = words.split(separator: "/").map { Column(rawValue: trimmed($0)) }
        guard columns.count <= 2, let column = columns.first ?? nil, column.isOurs,
            let base = columns.count == 2 ? columns[1] : .floor
        else { return nil }
        return (column, base)
    }

    /// Whether there are no limits.
    var isEmpty: Bool { ratios.isEmpty && counts.isEmpty }

    /// Returns the limits of rows and workloads whose name contains a text.
    func containing(_ text: String) -> OverheadLimits {
        var limits = self
        limits.ratios.removeAll { !$0.row.contains(text) }
        limits.counts.removeAll { !$0.workload.contains(text) }
        return limits
    }

    /// Checks that each limit names a row or workload: a limit for a renamed row would never fail.
    func check(_ rows: [Row], _ workloads: [Workload]) throws(OverheadError) {
        for limit in ratios {
            let cells = rows.first { $0.name == limit.row }?.cells.map(\.column) ?? []
            guard cells.contains(limit.column), cells.contains(limit.base) else {
                throw .unknown(limit.name)
            }
        }
        for limit in counts {
            let workload = workloads.first { $0.name == limit.workload && $0.unit == limit.unit }
            guard let workload, workload.counted.contains(limit.counted) else {
                throw .unknown(limit.name)
            }
        }
    }

    /// Returns a row with only the columns that have limits; nil if there are none.
    func limitedColumns(of row: Row) -> Row? {
        let columns = ratios.filter { $0.row == row.name }.flatMap { [$0.column, $0.base] }
        guard !columns.isEmpty else { return nil }
        return Row(
            name: row.name, unit: row.unit, perSecond: row.perSecond, rounds: row.rounds,
            cells: row.cells.filter { columns.contains($0.column) }, needs: row.needs)
    }
}

/// Removes the spaces around a text.
private func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }).trimmedEnd
}
#endif
