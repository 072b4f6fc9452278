// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("The public interface")
struct MapContractTests {
    private static let pairs = [(1, 2), (3, 4), (5, 6)]

    @Test("maps pairs by a function of two arguments, sync and async")
    func mapPairs() async {
        await #expect(processExitsWith: .success) {
            let sums = [3, 7, 11]
            Alone.run { () throws in
                let pool = ForkPool(workers: 5)
                #expect(try pool.map(Self.pairs) { x, y in x + y } == sums)
                let all = pool.mapResults(Self.pairs) { x, y in x + y }
                #expect(all.map { try? $0.get() } == sums)
            }
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 5)
                #expect(try await pool.map(Self.pairs) { x, y in x + y } == sums)
                let all = await pool.mapResults(Self.pairs) { x, y in x + y }
                #expect(all.map { try? $0.get() } == sums)
            }
        }
    }

    @Test("runs a body for its effects in forEach")
    func forEach() async {
        await #expect(processExitsWith: .success) {
            let counter = SharedCounter()
            Alone.run { try ForkPool(workers: 3).forEach(1...5) { counter.add($0) } }
            #expect(counter.value == 15)
            await Alone.runAsync { try await ForkPool(workers: 3).forEach(1...5) { counter.add($0) } }
            #expect(counter.value == 30)
        }
    }

    @Test("fills slots in place, and hands them out or reads them")
    func fill() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 3)
                let filled = try pool.fill(count: 4, slot: 3, of: Float.self) { i, out in
                    for j in out.indices { out[j] = Float(i * 10 + j) }
                }
                #expect(Array(filled) == [0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32])
                let sum = try pool.fill(count: 4, slot: 1000, of: Int.self) { i, out in
                    for j in out.indices { out[j] = i }
                } read: { all in
                    #expect(all.count == 4000)
                    return all.indices.reduce(0) { $0 + all[$1] }
                }
                #expect(sum == 6000)
                // The body runs also for an empty slot.
                let calls = SharedCounter()
                #expect(try pool.fill(count: 3, slot: 0, of: Int.self) { _, out in calls.add(1 + out.count) }.isEmpty)
                #expect(calls.value == 3)
            }
            await Alone.runAsync {
                let pool = ForkPool(workers: 3)
                let filled = try await pool.fill(count: 2, slot: 2, of: Int8.self) { i, out in out[1] = Int8(i + 1) }
                #expect(Array(filled) == [0, 1, 0, 2])
                let last = try await pool.fill(count: 2, slot: 2, of: Int8.self) { i, out in
                    out[0] = Int8(i + 5)
                } read: { all in
                    all[2]
                }
                #expect(last == 6)
            }
        }
    }

    @Test("keeps what was filled while the pool maps again, and until it is dropped")
    func filledStays() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let filled = try pool.fill(count: 3, slot: 1, of: Int.self) { i, out in out[0] = i + 1 }
                #expect(try pool.map(0..<3) { $0 * 100 } == [0, 100, 200])
                #expect(try pool.map(0..<3) { "s\($0)" } == ["s0", "s1", "s2"])
                #expect(Array(filled) == [1, 2, 3])
                // A worker sees and changes it as any shared array.
                try pool.forEach(0..<3) { filled[$0] += 10 }
                #expect(Array(filled) == [11, 12, 13])
            }
            Alone.run {
                let orphan = try ForkPool(workers: 1).fill(count: 2, slot: 1, of: Int.self) { i, out in out[0] = i }
                #expect(Array(orphan) == [0, 1])
            }
        }
    }

    @Test("reads results in place in withMapped, and returns or throws what the reading does")
    func withMapped() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let last = try pool.withMapped(Self.pairs, { x, y in x * y }) { (results: Span<Int>) in
                    #expect(results.count == 3)
                    return results[2]
                }
                #expect(last == 30)
                let wide = try pool.withMapped(0..<2) {
                    (UInt8($0), Double($0) / 2)
                } read: {
                    $0[1].1
                }
                #expect(wide == 0.5)
            }
            await Alone.runAsync {
                let first = try await ForkPool(workers: 2).withMapped(Self.pairs, { x, y in x - y }) {
                    (results: Span<Int>) in results[0]
                }
                #expect(first == -1)
            }
        }
    }

    @Test("counts, changes under a lock and writes to shared memory from workers")
    func shared() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 4)
                let n = SharedCounter()
                let v = SharedValue(SIMD2<Int>(0, 0))
                let a = SharedArray<Float>(count: 1 << 10)
                try pool.forEach(0..<1024) { i in
                    n.add(3)
                    v.withLock { $0.x += 1 }
                    a[i] = Float(i)
                }
                #expect(n.value == 3072)
                #expect(v.value == SIMD2(1024, 0))
                #expect(a[1023] == 1023 && a[512] == 512)
            }
        }
    }

    @Test("maps from several threads on one pool, each with its own results")
    func threads() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                // The runtime's first-use work is over before the threads begin.
                _ = try pool.map(0..<3) { "\($0).\($0).\($0)" }
                let results = Threads.run(8) { thread in
                    (0..<5).map { turn in
                        (try? pool.map(0..<3) { "\(thread).\(turn).\($0)" }) ?? []
                    }
                }
                #expect(results.count == 8)
                #expect(results[7][4] == ["7.4.0", "7.4.1", "7.4.2"])
                for (thread, turns) in results.enumerated() {
                    for (turn, found) in turns.enumerated() {
                        #expect(found == ["\(thread).\(turn).0", "\(thread).\(turn).1", "\(thread).\(turn).2"])
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("stores and codes results for more workers than divide its memory evenly", arguments: [17, 24, 100])
    func manyWorkers(workers: Int) async {
        await #expect(processExitsWith: .success) { [workers = workers as Int] in
            Alone.run {
                let pool = ForkPool(workers: workers, options: .init(chunk: .fixed(1)))
                // A worker keeps its item until every one has an item, so that each of them writes a result.
                let begun = SharedCounter()
                let words = try pool.map(0..<workers) { item in
                    begun.add()
                    while begun.value < workers { sched_yield() }
                    return "item \(item)"
                }
                #expect(words.first == "item 0" && words.count == workers)
                #expect(words.last == "item \(workers - 1)")
            }
        }
    }
}
