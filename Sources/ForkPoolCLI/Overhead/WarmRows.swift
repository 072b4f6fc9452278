import ForkPool
import Glibc

/// The work that `overhead` measures of workers that stay; the floor's stay too.
///
/// Whoever ran in the column before may still look for work without a pause, so each run begins with a rest.
struct WarmRows {
    private static let mebibyte = 1 << 20
    private let pool = ForkPool(workers: 2)
    private let singles = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
    private let python: PythonPeer?
    private static let million = 1_000_000

    /// - Parameter python: The peer, if there is one.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// All rows; those of `Rows` have prepared the floor's memory.
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
                Cell(.resident, on: try pool.resident(same)) { call in try pace.seconds { keep(try call(1)) } },
                Cell(.exec, on: try pool.resident(SameJob(), start: .exec)) { call in
                    try pace.seconds { keep(try call(1)) }
                },
                Cell(.floor, on: WarmFloor(workers: 1)) { floor in pace.seconds { floor.call() } },
            ] + (pace == .inARow ? pythons(python, "call") : []))
    }

    private func mapOfTwo(_ pace: Pace) -> Row {
        Row(
            name: "warm map of 2 no-ops" + pace.words, unit: "µs", perSecond: 1e6, rounds: pace.rounds,
            cells: [
                Cell(.resident, on: try pool.resident(same)) { resident in
                    try pace.seconds { keep(try resident.map([0, 1])) }
                },
                Cell(.exec, on: try pool.resident(SameJob(), start: .exec)) { resident in
                    try pace.seconds { keep(try resident.map([0, 1])) }
                },
                Cell(.floor, on: WarmFloor(workers: 2)) { floor in pace.seconds { floor.map([0, 1], chunk: 1) } },
            ] + (pace == .inARow ? peers(2, same) + pythons(python, "warm map2") : []))
    }

    private var mapOfMillion: Row {
        maps(
            "warm map of 1 million no-ops", pool, floorChunk: 1000,
            [
                Cell(.exec, rounds: 5, on: (try pool.resident(SameJob(), start: .exec), inputs())) { resident, inputs in
                    try afterRest { keep(try resident.map(inputs)) }
                }
            ] + peers(Self.million, same) + pythons(python, "warm million"))
    }

    /// A map of a million no-ops, each of which has its input, and what is to be seen beside it.
    private func maps(_ name: String, _ pool: ForkPool, floorChunk: Int, _ more: [Cell]) -> Row {
        Row(
            name: name, unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 31,
            cells: [
                Cell(.resident, on: (try pool.resident(same), inputs())) { resident, inputs in
                    try afterRest { keep(try resident.map(inputs)) }
                },
                Cell(.residentInPlace, on: (try pool.resident(same), inputs())) { resident, inputs in
                    try afterRest { try resident.withMapped(inputs) { keep($0[0]) } }
                },
                Cell(.floor, on: (WarmFloor(workers: 2), inputs().map(Int64.init))) { floor, inputs in
                    afterRest { floor.map(inputs, chunk: floorChunk) }
                },
            ] + more)
    }

    /// A million numbers, made when they are needed: what this process holds weighs on every fork.
    private func inputs() -> [Int] { Array(0..<Self.million) }

    private var bigResults: Row {
        let size = Self.mebibyte
        let all = SharedArray<UInt8>(count: 200 * size)
        return Row(
            name: "200 results of 1 MiB, warm", unit: "ms", perSecond: 1e3, rounds: 21,
            cells: [
                Cell(.resident, on: try pool.resident { bytes($0, count: size) }) { resident in
                    try afterRest { keep(try resident.map(0..<200)) }
                },
                Cell(.residentInPlace, on: try pool.resident { fill(all, $0, size: size) }) { resident in
                    try afterRest {
                        try resident.forEach(0..<200)
                        keep(all.withSpan(touch))
                    }
                },
                Cell(.exec, on: try pool.resident(BytesJob(count: size), start: .exec)) { resident in
                    try afterRest { keep(try resident.map(0..<200)) }
                },
                Cell(.floor, on: WarmFloor(workers: 2)) { floor in afterRest { floor.fill(200, size: size) } },
            ] + pythons(python, "warm results"))
    }

    private var start: Row {
        Row(
            name: "start a resident pool of 2, one call, close", unit: "µs", perSecond: 1e6, rounds: 51,
            cells: [
                Cell(.resident) {
                    try seconds {
                        let resident = try pool.resident(same)
                        keep(try resident(1))
                        resident.close()
                    }
                },
                Cell(.exec) {
                    try seconds {
                        let resident = try pool.resident(SameJob(), start: .exec)
                        keep(try resident(1))
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

    /// From a call that kills the only worker until the end of the next one: the floor kills, reaps and forks.
    private var replacement: Row {
        let pool = ForkPool(workers: 1)
        return Row(
            name: "replace a dead worker, the only one", unit: "µs", perSecond: 1e6, rounds: 51,
            cells: [
                Cell(.resident, on: try pool.resident(sameOrDie), killing),
                Cell(.exec, on: try pool.resident(SameJob(), start: .exec), killing),
                Cell(.floor, on: WarmFloor(workers: 1)) { floor in
                    afterRest(microseconds: Self.spareTime) {
                        floor.replace()
                        floor.call()
                    }
                },
            ])
    }

    /// As long as it takes to start the process that is to wait for the next death.
    private static let spareTime: UInt32 = 20_000

    /// Lets a pool's only worker kill itself, and calls the pool again.
    private func killing(_ call: ForkPool.Resident<Int, Int>) throws -> Double {
        try afterRest(microseconds: Self.spareTime) {
            guard (try? call(-1)) == nil else { throw OverheadError.noCrash }
            keep(try call(1))
        }
    }
}

/// How calls of warm workers follow each other.
private enum Pace: CaseIterable {
    /// One at once after the other.
    case inARow
    /// Each after a rest in which workers go to sleep, and processors too.
    case rested

    /// The end of the row's name.
    var words: String { self == .rested ? ", after 1 ms of rest" : "" }

    var rounds: Int { self == .rested ? 201 : 101 }

    /// The seconds of a call.
    func seconds(_ call: () throws -> Void) rethrows -> Double {
        guard self == .inARow else { return try afterRest(call) }
        let count = 100
        _ = try afterRest(call)
        return try ForkPoolCLI.seconds { for _ in 0..<count { try call() } } / Double(count)
    }
}

/// Times one run to which workers come from their sleep: before it they are left alone for some microseconds.
private func afterRest(microseconds: UInt32 = 1000, _ body: () throws -> Void) rethrows -> Double {
    usleep(microseconds)
    return try seconds(body)
}
