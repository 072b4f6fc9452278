// SPDX-License-Identifier: Apache-2.0
#if Command
/// A measured row.
struct OverheadLine {
    let row: Row
    /// A sample for each cell of the row, in the same order.
    let samples: [Sample]

    /// Measures a row, its columns in turn; discards the first round, which touches pages for the first time.
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

    /// What the ratios of a column in the tables refer to.
    func base(of column: Column) -> Sample? { column == .journal ? self[.oneShot] : floor }

    /// The sample of the column that the others are compared with; nil if there is none.
    var floor: Sample? {
        zip(row.cells, samples).first { $0.0.column.isFloor }?.1
    }

    /// The sample of a column.
    subscript(column: Column) -> Sample? {
        zip(row.cells, samples).first { $0.0.column == column }?.1
    }
}

/// The counts of a workload.
struct WorkloadCount {
    let workload: Workload
    /// The counts per item or call.
    let counts: [CountedEvent: Double]
    /// The reason why some counts are missing; nil if none are.
    let reason: String?

    init(workload: Workload, counts: [CountedEvent: Double], reason: String?) {
        self.workload = workload
        self.counts = counts
        self.reason = workload.counted.allSatisfy { counts[$0] != nil } ? nil : reason
    }

    subscript(counted: CountedEvent) -> Double? { counts[counted] }
}
#endif
