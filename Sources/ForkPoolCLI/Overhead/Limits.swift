/// The most that rows of ours may cost, as ratios, and the most that scenes may do, as counts.
struct Limits {
    /// The most that a row may cost in one column, as a multiple of another one.
    struct Ratio {
        let most: Double
        let column: Column
        /// The column that it is compared with.
        let base: Column
        let row: String

        /// What is limited, in words.
        var name: String { "\(column.rawValue)\(base == .floor ? "" : " / \(base.rawValue)"): \(row)" }
    }

    /// The most that a scene may do for one item or call.
    struct Count {
        let most: Double
        let counted: Counted
        let unit: Scene.Unit
        let scene: String

        /// What is limited, in words.
        var name: String { "\(counted.rawValue) \(unit.rawValue): \(scene)" }
    }

    private(set) var ratios: [Ratio] = []
    private(set) var counts: [Count] = []

    /// Reads limits, a line each.
    ///
    /// - Parameter text: Lines such as `1.25 in place: map of 1 million no-ops`, a ratio to the floor;
    ///   `1.00 in place / concurrentPerform: map of 1 million no-ops`; `0.01 system calls an item: map of no-ops`. Empty
    ///   lines and `#` are passed over.
    /// - Throws: What is no limit.
    init(_ text: String) throws(OverheadError) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ", maxSplits: 1)
            let words = parts.last.map { $0.split(separator: ":", maxSplits: 1).map(trimmed) } ?? []
            guard parts.count == 2, words.count == 2, let most = Double(parts[0]), most > 0, most.isFinite else {
                throw .threshold(String(line))
            }
            if let (counted, unit) = Self.count(words[0]) {
                counts.append(Count(most: most, counted: counted, unit: unit, scene: words[1]))
            } else if let (column, base) = Self.columns(words[0]) {
                ratios.append(Ratio(most: most, column: column, base: base, row: words[1]))
            } else {
                throw .threshold(String(line))
            }
        }
    }

    /// What "system calls an item" counts.
    private static func count(_ words: String) -> (Counted, Scene.Unit)? {
        for counted in Counted.allCases {
            for unit in Scene.Unit.allCases where words == "\(counted.rawValue) \(unit.rawValue)" {
                return (counted, unit)
            }
        }
        return nil
    }

    /// What "in place / concurrentPerform" compares.
    private static func columns(_ words: String) -> (Column, Column)? {
        let columns = words.split(separator: "/").map { Column(rawValue: trimmed($0)) }
        guard columns.count <= 2, let column = columns.first ?? nil, column.isOurs,
            let base = columns.count == 2 ? columns[1] : .floor
        else { return nil }
        return (column, base)
    }

    /// Whether there is no limit.
    var isEmpty: Bool { ratios.isEmpty && counts.isEmpty }

    /// Only the limits of rows and scenes whose name contains a text.
    func containing(_ text: String) -> Limits {
        var limits = self
        limits.ratios.removeAll { !$0.row.contains(text) }
        limits.counts.removeAll { !$0.scene.contains(text) }
        return limits
    }

    /// Makes sure that each limit is for something: one for a row that was renamed would be kept for ever.
    func check(_ rows: [Row], _ scenes: [Scene]) throws(OverheadError) {
        for limit in ratios {
            let cells = rows.first { $0.name == limit.row }?.cells.map(\.column) ?? []
            guard cells.contains(limit.column), cells.contains(limit.base) else {
                throw .unknown(limit.name)
            }
        }
        for limit in counts {
            let scene = scenes.first { $0.name == limit.scene && $0.unit == limit.unit }
            guard let scene, scene.counted.contains(limit.counted) else {
                throw .unknown(limit.name)
            }
        }
    }

    /// The columns of a row that are compared, or nil if it has no limit.
    func part(of row: Row) -> Row? {
        let columns = ratios.filter { $0.row == row.name }.flatMap { [$0.column, $0.base] }
        guard !columns.isEmpty else { return nil }
        return Row(
            name: row.name, unit: row.unit, perSecond: row.perSecond, rounds: row.rounds,
            cells: row.cells.filter { columns.contains($0.column) })
    }
}

/// A part of a line without the spaces around it.
private func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }).trimmedEnd
}
