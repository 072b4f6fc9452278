// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor
import ForkPool

/// The rows of `overhead` whose results are coded: strings, dictionaries and structs.
struct CodedRows {
    private let pool = ForkPool(workers: 2)
    private let python: PythonPeer?

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// Returns all rows.
    func all() -> [Row] {
        rows("100 000 strings of 105 bytes", "item", 100_000, CFORKFLOOR_STRING, "strings", codedString, StringJob())
            + rows(
                "1000 dictionaries of 100", "entry", 1000, units: 100, CFORKFLOOR_TABLE, "tables", codedTable,
                TableJob())
            + rows(
                "20 000 structs of 8 fields", "item", 20_000, CFORKFLOOR_RECORD, "records", CodedRecord.init,
                RecordJob())
    }

    private func rows<Job: ForkPool.Job>(
        _ name: String, _ unit: String, _ count: Int, units: Int = 1, _ kind: cforkfloor_value, _ python: String,
        _ make: @escaping @Sendable (Int) -> Job.Output, _ job: Job
    ) -> [Row] where Job.Input == Int, Job.Output: Sendable {
        let perSecond = 1e6 / Double(count * units)
        func row(_ words: String, _ cells: [Cell]) -> Row {
            Row(name: words + name, unit: "µs/\(unit)", perSecond: perSecond, rounds: 21, cells: cells)
        }
        let floor = Cell(.floor) { seconds { cforkfloor_coded(kind, Int64(count)) } }
        return [
            row(
                "",
                [Cell(.oneShot) { try seconds { blackHole(try pool.map(0..<count, make)) } }, floor]
                    + peers(count, rounds: 7, make) + pythons(self.python, python)),
            row(
                "warm, ",
                [
                    Cell(.resident, on: try pool.resident(make)) { resident in
                        try seconds { blackHole(try resident.map(0..<count)) }
                    },
                    Cell(.exec, on: try pool.resident(job, start: .exec)) { resident in
                        try seconds { blackHole(try resident.map(0..<count)) }
                    },
                    floor,
                ] + pythons(self.python, "warm " + python)),
        ]
    }
}
#endif
