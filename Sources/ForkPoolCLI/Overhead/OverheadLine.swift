/// A measured row.
struct OverheadLine {
    let row: Row
    /// As many as there are cells, in their order.
    let samples: [Sample]

    /// Measures a row, its columns in turn; the first round, in which pages are touched first, is not counted.
    static func measure(_ row: Row, rounds: Int) throws -> OverheadLine {
        var samples = row.cells.map { _ in Sample() }
        let runs = try row.cells.map { try $0.start() }
        for round in 0...rounds {
            for (number, run) in runs.enumerated() where round <= row.cells[number].rounds {
                let seconds = try run()
                if round > 0 { samples[number].seconds.append(seconds) }
            }
        }
        return OverheadLine(row: row, samples: samples)
    }

    /// A column's sample.
    subscript(column: Column) -> Sample? {
        zip(row.cells, samples).first { $0.0.column == column }?.1
    }
}

/// A counted scene.
struct SceneCount {
    let scene: Scene
    /// What could be counted, for one item or call.
    let counts: [Counted: Double]
    /// Why the rest could not.
    let reason: String?

    init(scene: Scene, counts: [Counted: Double], reason: String?) {
        self.scene = scene
        self.counts = counts
        self.reason = scene.counted.allSatisfy { counts[$0] != nil } ? nil : reason
    }

    subscript(counted: Counted) -> Double? { counts[counted] }
}
