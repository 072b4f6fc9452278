// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("The state of a worker")
struct WorkerStateTests {
    @Test("goes from item to item in every kind of map, as an object and as a struct")
    func maps() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 1)
                let numbers = try pool.map([5, 6, 7], state: { UseCount() }) { tally, item in item * 10 + tally.next() }
                #expect(numbers == [51, 62, 73])
                let models = try pool.map([5, 6, 7], state: { Model() }) { model, item in
                    let used = model.use(item)
                    return "\(used)"
                }
                #expect(models == ["501", "602", "703"])
                let pairs = try pool.map([5, 6], state: UseCount.init) { tally, item in (item, tally.next()) }
                #expect(pairs.map(\.0) == [5, 6] && pairs.map(\.1) == [1, 2])
                func use(_ tally: inout UseCount, _ item: Int) throws -> [Int] { [item, tally.next()] }
                #expect(try pool.map([5, 6], state: { UseCount() }, use) == [[5, 1], [6, 2]])
                let results = pool.mapResults([5, 6], state: { UseCount() }) { tally, item in "\(item) \(tally.next())"
                }
                #expect(try results.map { try $0.get() } == ["5 1", "6 2"])
                let plain = pool.mapResults([5, 6], state: { UseCount() }) { tally, item in Pair(item, tally.next()) }
                #expect(try plain.map { try $0.get().second } == [1, 2])
                let total = SharedCounter()
                try pool.forEach([5, 6], state: { UseCount() }) { tally, item in total.add(item * tally.next()) }
                #expect(total.value == 17)
                let sum = try pool.withMapped([5, 6], state: { UseCount() }, { tally, item in item * tally.next() }) {
                    (results: Span<Int>) in results[0] + results[1]
                }
                #expect(sum == 17)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("goes from slot to slot of a fill")
    func fills() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 1)
                let filled = try pool.fill(count: 3, slot: 2, of: Int.self, state: { UseCount() }) { tally, slot, out in
                    out[0] = slot
                    out[1] = tally.next()
                }
                #expect(Array(filled) == [0, 1, 1, 2, 2, 3])
                let last = try pool.fill(count: 3, slot: 1, of: Int.self, state: { UseCount() }) { tally, _, out in
                    out[0] = tally.next()
                } read: {
                    $0[2]
                }
                #expect(last == 3)
            }
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 1)
                let filled = try await pool.fill(count: 2, slot: 1, of: Int.self, state: { UseCount() }) {
                    tally, _, out in
                    out[0] = tally.next()
                }
                #expect(Array(filled) == [1, 2])
                let last = try await pool.fill(count: 3, slot: 1, of: Int.self, state: { UseCount() }) {
                    tally, _, out in
                    out[0] = tally.next()
                } read: {
                    $0[2]
                }
                #expect(last == 3)
            }
        }
    }

    @Test("goes from item to item in maps of async code")
    func asynchronous() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 1)
                let numbers = try await pool.map([5, 6, 7], state: { UseCount() }) { tally, item in
                    item * 10 + tally.next()
                }
                #expect(numbers == [51, 62, 73])
                let models = try await pool.map([5, 6], state: { Model() }) { model, item in "\(model.use(item))" }
                #expect(models == ["501", "602"])
                let results = await pool.mapResults([5, 6], state: { UseCount() }) { tally, item in
                    "\(item) \(tally.next())"
                }
                #expect(try results.map { try $0.get() } == ["5 1", "6 2"])
                let plain = await pool.mapResults([5, 6], state: { UseCount() }) { tally, item in
                    Pair(item, tally.next())
                }
                #expect(try plain.map { try $0.get().second } == [1, 2])
                let pairs = try await pool.map([5, 6], state: { UseCount() }) { tally, item in (item, tally.next()) }
                #expect(pairs.map(\.1) == [1, 2])
                let total = SharedCounter()
                try await pool.forEach([5, 6], state: { UseCount() }) { tally, item in total.add(item * tally.next()) }
                #expect(total.value == 17)
                let sum = try await pool.withMapped(
                    [5, 6], state: { UseCount() }, { tally, item in item * tally.next() }
                ) {
                    (results: Span<Int>) in results[0] + results[1]
                }
                #expect(sum == 17)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("stays in a resident pool from call to call, whatever crosses")
    func residents() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 1)
                let models = try pool.resident(state: { Model() }) { (model, item: Int) in model.use(item) }
                #expect(try models.map([5, 6]) == [501, 602])
                #expect(try models(7) == 703)
                #expect(try Drain.inOrder(models.stream([8, 9])) == [804, 905])
                models.close()
                let words = try pool.resident(state: { UseCount() }) { (tally, word: String) in
                    "\(word) \(tally.next())"
                }
                #expect(try words.map(["a", "b"]) == ["a 1", "b 2"])
                words.close()
                let lengths = try pool.resident(state: { UseCount() }) { (tally, word: String) in
                    Pair(word.count, tally.next())
                }
                #expect(try lengths(("abc")).second == 1)
                lengths.close()
                let pairs = try pool.resident(state: { UseCount() }) { (tally, pair: Pair) in
                    "\(pair.first + pair.second + tally.next())"
                }
                #expect(try pairs.map([Pair(1, 2), Pair(3, 4)]) == ["4", "9"])
                pairs.close()
                let swapped = try pool.resident(state: { UseCount() }) { (tally, pair: Pair) in
                    Pair(pair.second, tally.next())
                }
                #expect(try swapped.map([Pair(1, 2), Pair(3, 4)]).map(\.first) == [2, 4])
                swapped.close()
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync { () async throws in
                let models = try ForkPool(workers: 1).resident(state: { Model() }) { (model, item: Int) in
                    model.use(item)
                }
                #expect(try await models.map([5, 6]) == [501, 602])
                #expect(try await models(7) == 703)
                await models.finish()
            }
        }
    }

    @Test("goes from item to item of a stream, over whatever sequence")
    func streams() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 1)
                #expect(
                    try Drain.inOrder(pool.stream([5, 6], state: { Model() }) { model, item in model.use(item) })
                        == [501, 602])
                #expect(
                    try Drain.inOrder(
                        pool.stream(["a", "b"], state: { UseCount() }) { tally, word in "\(word)\(tally.next())" })
                        == ["a1", "b2"])
                let pairs = pool.stream([Pair(1, 2)], order: .completion, state: { UseCount() }) { tally, pair in
                    Pair(pair.second, tally.next())
                }
                #expect(try Drain.inOrder(pairs).map(\.first) == [2])
                let numbers = sequence(first: 5) { $0 < 7 ? $0 + 1 : nil }
                #expect(
                    try Drain.inOrder(
                        pool.stream(numbers, window: 2, state: { UseCount() }) { tally, item in "\(item)\(tally.next())"
                        })
                        == ["51", "62", "73"])
            }
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 1)
                let words = AsyncStream<String> { continuation in
                    for word in ["a", "b"] { continuation.yield(word) }
                    continuation.finish()
                }
                #expect(
                    try await Drain.inOrder(
                        pool.stream(words, state: { UseCount() }) { tally, word in "\(word)\(tally.next())" })
                        == ["a1", "b2"])
                #expect(
                    try await Drain.inOrder(pool.stream([5, 6], state: { Model() }) { model, item in model.use(item) })
                        == [501, 602])
                #expect(Alone.hasNoChild)
            }
        }
    }

    /// Neither `Codable` nor a tuple.
    struct Pair: BitwiseCopyable {
        var first: Int
        var second: Int
        init(_ first: Int, _ second: Int) { (self.first, self.second) = (first, second) }
    }
}
