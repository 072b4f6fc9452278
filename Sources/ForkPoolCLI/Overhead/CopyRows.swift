// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The rows of `overhead` in which the caller of warm workers gets copies: arrays in memory of their own.
///
/// The floor copies too, into fresh memory, and frees it.
struct CopyRows {
    private static let mebibyte = 1 << 20
    private static let million = 1_000_000
    private let pool = ForkPool(workers: 2)
    private let python: PythonPeer?

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// Returns all rows; `Rows` must have allocated the memory of the floor before.
    func all() -> [Row] {
        [
            map(1, rounds: 31, peers(Self.million, noOp) + pythons(python, "warm million")), map(10, rounds: 11, []),
            bigResults,
        ]
    }

    private func map(_ millions: Int, rounds: Int, _ more: [Cell]) -> Row {
        let count = millions * Self.million
        return Row(
            name: "warm map of \(millions) million no-ops, copied", unit: "ns/item", perSecond: 1e9 / Double(count),
            rounds: rounds,
            cells: [
                Cell(.resident, on: (try pool.resident(noOp), Array(0..<count))) { resident, inputs in
                    try afterRest { blackHole(try resident.map(inputs)) }
                },
                Cell(.exec, on: (try pool.resident(NoOpJob(), start: .exec), Array(0..<count))) { resident, inputs in
                    try afterRest { blackHole(try resident.map(inputs)) }
                },
                Cell(.floor, on: (WarmFloor(workers: 2), Array(0..<Int64(count)))) { floor, inputs in
                    try afterRest { try floor.copiedMap(inputs, chunk: 1000) }
                },
            ] + more)
    }

    private var bigResults: Row {
        let size = Self.mebibyte
        return Row(
            name: "200 results of 1 MiB into arrays, warm", unit: "ms", perSecond: 1e3, rounds: 21,
            cells: [
                Cell(.resident, on: try pool.resident { bytes($0, count: size) }) { resident in
                    try afterRest { blackHole(try resident.map(0..<200)) }
                },
                Cell(.exec, on: try pool.resident(BytesJob(count: size), start: .exec)) { resident in
                    try afterRest { blackHole(try resident.map(0..<200)) }
                },
                Cell(.floor, on: WarmFloor(workers: 2)) { floor in
                    try afterRest { try floor.copiedFill(200, size: size) }
                },
            ] + pythons(python, "warm results"))
    }
}
#endif
