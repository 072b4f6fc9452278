import Glibc

/// The project's own performance gate: the most that a row of ours may cost, as a ratio to the C floor.
struct OverheadGate {
    /// What the gate says of one measured row.
    enum Verdict: String {
        case passed
        /// Even the low end of the ratio's interval is above the limit.
        case slower = "SLOWER"
        /// The interval spans the limit: more rounds would tell.
        case inconclusive
    }

    /// A limit and the row that it is for.
    struct Limit {
        let ratio: Double
        let column: Column
        let row: String
    }

    let limits: [Limit]

    /// Reads limits, a line each.
    ///
    /// - Parameter text: Lines such as `1.25 in place: map of 1 million no-ops`. Empty lines and `#` are passed over.
    /// - Throws: What is no limit.
    init(_ text: String) throws(OverheadError) {
        var limits: [Limit] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            let names = parts.last.map { $0.split(separator: ":", maxSplits: 1) } ?? []
            guard parts.count == 2, names.count == 2, let ratio = Double(parts[0]), ratio > 0,
                let column = Column(rawValue: String(names[0])), column.isOurs
            else { throw .threshold(String(line)) }
            limits.append(Limit(ratio: ratio, column: column, row: String(names[1].drop { $0 == " " })))
        }
        self.limits = limits
    }

    /// The columns of a row that the gate compares, or nil if it has no limit for it.
    func part(of row: Row) -> Row? {
        let columns = limits.filter { $0.row == row.name }.map(\.column) + [.floor]
        guard columns.count > 1 else { return nil }
        return Row(
            name: row.name, unit: row.unit, perSecond: row.perSecond, rounds: row.rounds,
            cells: row.cells.filter { columns.contains($0.column) })
    }

    /// Judges what was measured, and tells it a line a row.
    ///
    /// - Parameter lines: The measured rows; each limit has one.
    /// - Returns: The lines, and the exit code: 0 if every row passed, 1 if one is slower, 3 if none is but one is inconclusive.
    func judge(_ lines: [OverheadLine]) -> (text: String, code: Int32) {
        var text = ""
        var verdicts: [Verdict] = []
        for limit in limits {
            guard let line = lines.first(where: { $0.row.name == limit.row }), let ours = line[limit.column],
                let floor = line[.floor]
            else { continue }
            let ratios = ours.ratios(to: floor)
            let verdict: Verdict =
                ratios.interval.lowerBound > limit.ratio
                ? .slower : ratios.median > limit.ratio ? .inconclusive : .passed
            verdicts.append(verdict)
            let bounds = "\(fixed(ratios.interval.lowerBound, 2)) to \(fixed(ratios.interval.upperBound, 2))"
            text +=
                "\(left(verdict.rawValue, 12)) ×\(fixed(ratios.median, 2)) (\(bounds)), at most "
                + "×\(fixed(limit.ratio, 2))  \(limit.row), \(limit.column.rawValue)\n"
        }
        if verdicts.contains(.slower) { return (text, Exit.partial) }
        return (text, verdicts.contains(.inconclusive) ? Exit.inconclusive : 0)
    }
}
