import ForkPool

/// Some work of the library that is counted: `overhead` runs it in a process of its own, so often and then twice as often.
struct Scene: Sendable {
    /// What a count is told of.
    enum Unit: String, CaseIterable {
        case item = "an item"
        case call = "a call"
    }

    let name: String
    let unit: Unit
    /// How often it is done at first: what a run costs once must not hide behind it, nor take long where each system call
    /// stops for its tracer.
    let count: Int
    /// How often it is done where each instruction is counted, nil where their number follows the clock.
    var stepped: Int?
    /// Does it so often.
    let run: @Sendable (_ count: Int) throws -> Void

    /// What is counted of it.
    var counted: [Counted] { Counted.allCases.filter { stepped != nil || !$0.isStepped } }

    static let all: [Scene] = [
        Scene(name: "map of no-ops", unit: .item, count: 50_000) { count in
            try pool.withMapped(0..<count, same) { (results: Span<Int>) in keep(results[0]) }
        },
        Scene(name: "map of no-ops, one claim for all", unit: .item, count: 50_000, stepped: 40) { count in
            let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(count)))
            try pool.withMapped(0..<count, same) { (results: Span<Int>) in keep(results[0]) }
        },
        Scene(name: "map of no-ops, one claim an item", unit: .item, count: 10_000, stepped: 10) { count in
            try singles.withMapped(0..<count, same) { (results: Span<Int>) in keep(results[0]) }
        },
        Scene(name: "map of strings of 40 bytes", unit: .item, count: 10_000) { count in
            keep(try pool.map(0..<count) { _ in "forty bytes, which are no small string.." })
        },
        Scene(name: "stream of no-ops", unit: .item, count: 2000) { count in
            try pool.stream(0..<count, same).forEach { _, output in keep(output) }
        },
        Scene(name: "map of 2 no-ops, 2 workers", unit: .call, count: 20) { count in
            for _ in 0..<count { keep(try pool.map(0..<2, same)) }
        },
        Scene(name: "warm call", unit: .call, count: 300) { count in
            try calls(try single.resident(same), count)
        },
        Scene(name: "warm call by exec", unit: .call, count: 300) { count in
            try calls(try single.resident(SameJob(), start: .exec), count)
        },
        Scene(name: "warm map of 2 no-ops", unit: .call, count: 200) { count in
            let resident = try pool.resident(same)
            for _ in 0..<count { keep(try resident.map([0, 1])) }
            resident.close()
        },
        Scene(name: "warm map of no-ops", unit: .item, count: 50_000) { count in
            let resident = try pool.resident(same)
            try resident.withMapped(Array(0..<count)) { keep($0[0]) }
            resident.close()
        },
    ]

    private static let pool = ForkPool(workers: 2)
    private static let single = ForkPool(workers: 1)
    private static let singles = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))

    private static func calls(_ resident: ForkPool.Resident<Int, Int>, _ count: Int) throws {
        for _ in 0..<count { keep(try resident(1)) }
        resident.close()
    }
}
