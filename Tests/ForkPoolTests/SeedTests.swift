// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("A run with a seed")
struct SeedTests {
    /// The numbers of 200 items with the seed 42: those of the generators that anyone can make.
    static let expected = (0..<200).map { item in
        var generator = ForkPool.Generator(seed: 42, item: item)
        return generator.next()
    }

    /// Options with the seed of `expected`.
    static let seeded = ForkPool.Options(seed: 42)

    @Test("has the same numbers for each item with any number of workers, any chunk, and after crashes")
    func repeated() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                func numbers(_ workers: Int, _ options: ForkPool.Options) throws -> [UInt64] {
                    try ForkPool(workers: workers, options: options).map(0..<200) { item in
                        // Both the item and those that the worker had claimed with it run again.
                        if options.retries != nil, item % 50 == 33, ForkPool.worker?.attempt == 1 { abort() }
                        return Drawing.draw().item
                    }
                }
                for workers in [1, 2, 5] { #expect(try numbers(workers, Self.seeded) == Self.expected, "\(workers)") }
                #expect(try numbers(5, .init(chunk: .fixed(1), seed: 42)) == Self.expected)
                #expect(try numbers(2, .init(chunk: .fixed(7), seed: 42)) == Self.expected)
                #expect(try numbers(2, .init(retries: 1, seed: 42)) == Self.expected)
                #expect(try numbers(2, .init(itemsPerWorker: 3, seed: 42)) == Self.expected)
                #expect(try numbers(2, .init(seed: 43)) != Self.expected)
                #expect(Set(Self.expected).count == 200)
            }
        }
    }

    @Test("has them in each kind of map, in sync and in async code")
    func everyMap() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 3, options: Self.seeded)
                for _ in 0..<2 { #expect(try pool.map(0..<200) { _ in Drawing.draw().item } == Self.expected) }
                #expect(try pool.map(0..<200) { _ in [Drawing.draw().item] } == Self.expected.map { [$0] })
                #expect(
                    Array(try pool.fill(count: 200, slot: 1, of: UInt64.self) { $1[0] = Drawing.draw().item })
                        == Self.expected)
                #expect(
                    try pool.map(0..<200, state: { UseCount() }) { _, _ in Drawing.draw().item } == Self.expected)
                #expect(try Drain.inOrder(pool.stream(0..<200) { _ in Drawing.draw().item }) == Self.expected)
                let items = sequence(first: 0) { $0 < 199 ? $0 + 1 : nil }
                #expect(try Drain.inOrder(pool.stream(items, window: 9) { _ in Drawing.draw().item }) == Self.expected)
            }
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 3, options: Self.seeded)
                #expect(try await pool.map(0..<200) { _ in Drawing.draw().item } == Self.expected)
                #expect(
                    await pool.mapResults(0..<200) { _ in Drawing.draw().item }.map { try? $0.get() } == Self.expected)
                let items = AsyncStream<Int> { continuation in
                    for item in 0..<200 { continuation.yield(item) }
                    continuation.finish()
                }
                #expect(try await Drain.inOrder(pool.stream(items) { _ in Drawing.draw().item }) == Self.expected)
            }
        }
    }

    enum Resident: String, Codable, CaseIterable { case body, job, exec }

    @Test("has them in the first map of a resident pool, and others in each later one", arguments: Resident.allCases)
    func residents(_ kind: Resident) async {
        await #expect(processExitsWith: .success) { [kind] in
            Alone.run { () throws in
                func pool(_ workers: Int, retries: Int? = nil) throws -> ForkPool.Resident<Int, Drawing.Drawn> {
                    let pool = ForkPool(workers: workers, options: .init(retries: retries, seed: 42))
                    return switch kind {
                    case .body:
                        try pool.resident { (item: Int) in
                            if retries != nil, item == 33, ForkPool.worker?.attempt == 1 { abort() }
                            return Drawing.draw()
                        }
                    case .job: try pool.resident(Drawing(), start: .fork)
                    case .exec: try pool.resident(Drawing(), start: .exec)
                    }
                }
                var calls: [[[UInt64]]] = []
                for workers in [1, 2] {
                    let resident = try pool(workers)
                    calls.append([
                        try resident.map(0..<200).map(\.item), try resident.map(0..<200).map(\.item),
                        try Drain.inOrder(resident.stream(0..<200)).map(\.item), [try resident(0).item],
                        [try resident(0).item],
                    ])
                    resident.close()
                }
                #expect(calls[0] == calls[1])
                #expect(calls[0][0] == Self.expected)
                #expect(Set(calls[0].joined()).count == 602)
                let retried = try pool(2, retries: 1)
                #expect(try retried.map(0..<200).map(\.item) == Self.expected)
                retried.close()
            }
        }
    }

    @Test("has a seed of its own for each worker and each replacement, in every kind of pool")
    func workers() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                func expectOwnSeeds(_ drawn: [Drawing.Drawn], processes: Int) {
                    #expect(Set(drawn.map(\.pid)).count == processes)
                    #expect(Set(drawn.map { "\($0.pid) \($0.seed) \($0.worker)" }).count == processes)
                    #expect(Set(drawn.map(\.seed)).count == processes)
                    #expect(Set(drawn.map(\.worker)).count == processes)
                }
                let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1), itemsPerWorker: 4, seed: 42))
                let first = try pool.map(0..<12) { _ in Drawing.draw() }
                expectOwnSeeds(first, processes: 3)
                // One worker does all, so its seeds are the same in each run.
                #expect(try pool.map(0..<12) { _ in Drawing.draw() }.map(\.seed) == first.map(\.seed))
                for start in [ForkPool.Start.fork, .exec] {
                    let resident = try pool.resident(Drawing(), start: start)
                    let drawn = try resident.map(0..<12)
                    expectOwnSeeds(drawn, processes: 3)
                    #expect(drawn.map(\.seed) == first.map(\.seed))
                    resident.close()
                }
                let others = ForkPool(workers: 1, options: .init(seed: 43))
                #expect(try others.map([0]) { _ in Drawing.draw().seed } != [first[0].seed])
            }
        }
    }

    @Test("has the worker's generator outside of items, which a state goes on with")
    func states() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                #expect(ForkPool.worker == nil)
                let pool = ForkPool(workers: 1, options: Self.seeded)
                let seed = try pool.map([0]) { _ in ForkPool.worker!.seed }[0]
                var generator = ForkPool.Generator(seed: seed)
                let expected = [generator.next(), generator.next(), generator.next()]
                let ends = SharedArray<UInt64>(count: 1)
                let drawn = try pool.map(
                    0..<3, state: { ForkPool.worker!.itemGenerator },
                    tearDown: { _ in
                        var last = ForkPool.worker!.itemGenerator
                        let number = last.next()
                        ends.withMutableSpan { $0[0] = number }
                    }
                ) { generator, _ in generator.next() }
                #expect(drawn == expected)
                #expect(ends[0] == expected[0])
            }
        }
    }
}

@Suite("Without a seed")
struct NoSeedTests {
    @Test("each map, each resident pool and each stream has other numbers")
    func differ() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                var numbers: [UInt64] = []
                for _ in 0..<3 { numbers += try pool.map(0..<10) { _ in Drawing.draw().item } }
                for start in [ForkPool.Start.fork, .exec] {
                    let resident = try pool.resident(Drawing(), start: start)
                    numbers += try resident.map(0..<10).map(\.item)
                    resident.close()
                }
                numbers += try Drain.inOrder(pool.stream(0..<10) { _ in Drawing.draw().item })
                numbers += try ForkPool(workers: 2).map(0..<10) { _ in Drawing.draw().item }
                #expect(Set(numbers).count == 70)
            }
        }
    }

    @Test("an item that runs again has its numbers again")
    func retried() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let seen = SharedArray<UInt64>(count: 2)
                let pool = ForkPool(workers: 1, options: .init(retries: 1))
                try pool.forEach([0]) { _ in
                    let attempt = ForkPool.worker!.attempt
                    let number = Drawing.draw().item
                    seen.withMutableSpan { $0[attempt - 1] = number }
                    if attempt == 1 { abort() }
                }
                #expect(seen[0] == seen[1] && seen[0] != 0)
            }
        }
    }

    @Test("workers draw the same numbers from a captured generator, and others from that of the system")
    func captured() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                var captured = ForkPool.Generator(seed: 1)
                let drawn = try ForkPool(workers: 1, options: .init(chunk: .fixed(1), itemsPerWorker: 1)).map(0..<3) {
                    _ in
                    (captured.next(), UInt64.random(in: .min ... .max))
                }
                #expect(Set(drawn.map(\.0)).count == 1)
                #expect(Set(drawn.map(\.1)).count == 3)
            }
        }
    }

    @Test("options are equal, and not to those with one")
    func options() {
        #expect(ForkPool.Options().seed == nil)
        #expect(ForkPool.Options(seed: 1) == ForkPool.Options(seed: 1))
        #expect(ForkPool.Options(seed: 1) != ForkPool.Options())
    }
}
