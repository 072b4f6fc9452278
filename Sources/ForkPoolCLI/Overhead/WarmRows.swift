// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The rows of `overhead` with warm workers, in this library and in the C floor.
///
/// The workers of the column before may still spin, so each run starts after a rest.
struct WarmRows {
    private static let mebibyte = 1 << 20
    private let pool = ForkPool(workers: 2)
    private let singles = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
    private let python: PythonPeer?
    private static let million = 1_000_000

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// Returns all rows; `Rows` must have allocated the memory of the floor before.
    func all() -> [Row] {
        Pace.allCases.map(call) + Pace.allCases.map(mapOfTwo) + [
            start, replacement, mapOfMillion,
            maps("warm map of 1 million, one claim an item", singles, floorChunk: 1, []), bigResults,
        ]
    }

    private func call(_ pace: Pace) -> Row {
        let pool = ForkPool(workers: 1)
        return Row(
            name: "warm call" + pace.words, unit: "µs", perSecond: 1e6, rounds: pace.rounds,
            cells: [
                Cell(.resident, on: try pool.resident(noOp)) { call in try pace.seconds { blackHole(try call(1)) } },
                Cell(.exec, on: try pool.resident(NoOpJob(), start: .exec)) { call in
                    try pace.seconds { blackHole(try call(1)) }
                },
                Cell(.floor, on: WarmFloor(workers: 1)) { floor in pace.seconds { floor.call() } },
            ] + (pace == .inARow ? pythons(python, "call") : []))
    }

    private func mapOfTwo(_ pace: Pace) -> Row {
        Row(
            name: "warm map of 2 no-ops" + pace.words, unit: "µs", perSecond: 1e6, rounds: pace.rounds,
            cells: [
                Cell(.resident, on: try pool.resident(noOp)) { resident in
                    try pace.seconds { blackHole(try resident.map([0, 1])) }
                },
                Cell(.exec, on: try pool.resident(NoOpJob(), start: .exec)) { resident in
                    try pace.seconds { blackHole(try resident.map([0, 1])) }
                },
                Cell(.floor, on: WarmFloor(workers: 2)) { floor in pace.seconds { floor.map([0, 1], chunk: 1) } },
            ] + (pace == .inARow ? peers(2, noOp) + pythons(python, "warm map2") : []))
    }

    private var mapOfMillion: Row {
        maps(
            "warm map of 1 million no-ops", pool, floorChunk: 1000,
            [
                Cell(.exec, on: (try pool.resident(NoOpJob(), start: .exec), inputs())) { resident, inputs in
                    try afterRest { try resident.withMapped(inputs) { blackHole($0[0]) } }
                }
            ] + peers(Self.million, noOp) + pythons(python, "warm million"))
    }

    /// Makes a row for a map of a million no-ops with inputs.
    private func maps(_ name: String, _ pool: ForkPool, floorChunk: Int, _ more: [Cell]) -> Row {
        Row(
            name: name, unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 31,
            cells: [
                Cell(.residentInPlace, on: (try pool.resident(noOp), inputs())) { resident, inputs in
                    try afterRest { try resident.withMapped(inputs) { blackHole($0[0]) } }
                },
                Cell(.floor, on: (WarmFloor(workers: 2), inputs().map(Int64.init))) { floor, inputs in
                    afterRest { floor.map(inputs, chunk: floorChunk) }
                },
            ] + more)
    }

    /// Makes a million inputs only when needed, because memory of this process slows down every fork.
    private func inputs() -> [Int] { Array(0..<Self.million) }

    private var bigResults: Row {
        let size = Self.mebibyte
        let all = SharedArray<UInt8>(count: 200 * size)
        return Row(
            name: "200 results of 1 MiB, warm", unit: "ms", perSecond: 1e3, rounds: 21,
            cells: [
                Cell(.residentInPlace, on: try pool.resident { fill(all, $0, size: size) }) { resident in
                    try afterRest {
                        try resident.forEach(0..<200)
                        blackHole(all.withSpan(touch))
                    }
                },
                Cell(.floor, on: WarmFloor(workers: 2)) { floor in afterRest { floor.fill(200, size: size) } },
            ])
    }

    private var start: Row {
        Row(
            name: "start a resident pool of 2, one call, close", unit: "µs", perSecond: 1e6, rounds: 51,
            cells: [
                Cell(.resident) {
                    try seconds {
                        let resident = try pool.resident(noOp)
                        blackHole(try resident(1))
                        resident.close()
                    }
                },
                Cell(.exec) {
                    try seconds {
                        let resident = try pool.resident(NoOpJob(), start: .exec)
                        blackHole(try resident(1))
                        resident.close()
                    }
                },
                Cell(.floor) {
                    seconds {
                        let floor = WarmFloor(workers: 2)
                        floor.call()
                    }
                },
            ])
    }

    /// The time from a call that kills the only worker until the next call returns; the floor kills, reaps and forks.
    private var replacement: Row {
        let pool = ForkPool(workers: 1)
        return Row(
            name: "replace a dead worker, the only one", unit: "µs", perSecond: 1e6, rounds: 51,
            cells: [
                Cell(.resident, on: try pool.resident(noOpOrDie), killing),
                Cell(.exec, on: try pool.resident(NoOpJob(), start: .exec), killing),
                Cell(.floor, on: WarmFloor(workers: 1)) { floor in
                    afterRest(microseconds: Self.spareTime) {
                        floor.replace()
                        floor.call()
                    }
                },
            ])
    }

    /// The rest in which a pool starts the spare process for the next death, in microseconds.
    private static let spareTime: UInt32 = 20_000

    /// Makes the only worker of a pool kill itself, and calls the pool again.
    private func killing(_ call: ForkPool.Resident<Int, Int>) throws -> Double {
        try afterRest(microseconds: Self.spareTime) {
            guard (try? call(-1)) == nil else { throw OverheadError.noCrash }
            blackHole(try call(1))
        }
    }
}

/// The pause between calls to warm workers.
private enum Pace: CaseIterable {
    /// No pause.
    case inARow
    /// A rest in which workers go to sleep, and processors too.
    case rested

    /// The end of the name of the row.
    var words: String { self == .rested ? ", after 1 ms of rest" : "" }

    var rounds: Int { self == .rested ? 201 : 101 }

    /// Returns the seconds of a call.
    func seconds(_ call: () throws -> Void) rethrows -> Double {
        guard self == .inARow else { return try afterRest(call) }
        let count = 100
        _ = try afterRest(call)
        return try ForkPoolCLI.seconds { for _ in 0..<count { try call() } } / Double(count)
    }
}

/// Returns the seconds of a run after a rest, in which workers go to sleep.
func afterRest(microseconds: UInt32 = 1000, _ body: () throws -> Void) rethrows -> Double {
    usleep(microseconds)
    return try seconds(body)
}
#endif
