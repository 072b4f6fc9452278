// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// Work of the library whose events are counted.
///
/// `overhead` runs it in a separate process, `count` times and then twice as often.
struct Workload: Sendable {
    /// The unit of a count.
    enum Unit: String, CaseIterable {
        case item = "an item"
        case call = "a call"
        case worker = "a worker"
    }

    let name: String
    let unit: Unit
    /// The number of items or calls.
    ///
    /// It is large enough to hide the fixed costs of a run, and small enough for a traced process, which stops at each
    /// system call.
    let count: Int
    /// The number of items or calls for counting instructions; nil if their number depends on time.
    var stepped: Int?
    /// Whether it prints the memory of its processes instead of having its events counted.
    var weighs = false
    /// Runs the work for a number of items, calls or workers.
    let run: @Sendable (_ count: Int) throws -> Void

    /// The events to count.
    var counted: [CountedEvent] {
        CountedEvent.allCases.filter { $0.isMemory == weighs && (stepped != nil || !$0.isStepped) }
    }

    static let all: [Workload] = mapsAndCalls + streamsAndCalls + journals + scale

    private static let mapsAndCalls: [Workload] = [
        Workload(name: "map of no-ops", unit: .item, count: 50_000) { count in
            try pool.withMapped(0..<count, noOp) { (results: Span<Int>) in blackHole(results[0]) }
        },
        Workload(name: "map of no-ops, one claim for all", unit: .item, count: 50_000, stepped: 40) { count in
            let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(count)))
            try pool.withMapped(0..<count, noOp) { (results: Span<Int>) in blackHole(results[0]) }
        },
        Workload(name: "map of no-ops, one claim an item", unit: .item, count: 10_000, stepped: 10) { count in
            try singles.withMapped(0..<count, noOp) { (results: Span<Int>) in blackHole(results[0]) }
        },
        Workload(name: "map of strings of 40 bytes", unit: .item, count: 10_000) { count in
            blackHole(try pool.map(0..<count) { _ in "forty bytes, which are no small string.." })
        },
        Workload(name: "map of structs of 8 fields", unit: .item, count: 5000, stepped: 40) { count in
            blackHole(try single.map(0..<count) { CodedRecord($0) })
        },
        Workload(name: "map of dictionaries of 100", unit: .item, count: 200, stepped: 10) { count in
            blackHole(try single.map(0..<count) { codedTable($0) })
        },
        Workload(name: "stream of no-ops", unit: .item, count: 20_000) { count in
            try pool.stream(0..<count, noOp).forEach { _, output in blackHole(output) }
        },
        Workload(name: "map of 2 no-ops, 2 workers", unit: .call, count: 20) { count in
            for _ in 0..<count { blackHole(try pool.map(0..<2, noOp)) }
        },
        Workload(name: "warm call", unit: .call, count: 300) { count in
            try calls(try single.resident(noOp), count)
        },
        // So many that a spare worker, which one of two runs may start, hardly counts.
        Workload(name: "warm call by exec", unit: .call, count: 3000) { count in
            try calls(try single.resident(NoOpJob(), start: .exec), count)
        },
        Workload(name: "warm map of 2 no-ops", unit: .call, count: 200) { count in
            let resident = try pool.resident(noOp)
            for _ in 0..<count { blackHole(try resident.map([0, 1])) }
            resident.close()
        },
        Workload(name: "warm map of no-ops", unit: .item, count: 50_000) { count in
            let resident = try pool.resident(noOp)
            try resident.withMapped(Array(0..<count)) { blackHole($0[0]) }
            resident.close()
        },
    ]

    private static let pool = ForkPool(workers: 2)
    private static let single = ForkPool(workers: 1)
    private static let singles = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))

    private static func calls(_ resident: ForkPool.Resident<Int, Int>, _ count: Int) throws {
        for _ in 0..<count { blackHole(try resident(1)) }
        resident.close()
    }
}
#endif
