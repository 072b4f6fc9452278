// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite("A map over chunks")
struct MapChunksTests {
    @Test("gives each chunk to the body once, and a result for each, in input order")
    func results() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                #expect(try pool.mapChunks(0..<10, size: 4) { $0 } == [0..<4, 4..<8, 8..<10])
                #expect(try pool.mapChunks(0..<8, size: 4) { $0.count } == [4, 4])
                #expect(try pool.mapChunks([1, 2, 3, 4, 5], size: 2) { Array($0) } == [[1, 2], [3, 4], [5]])
                // The indices of a slice are those of the array.
                #expect(try pool.mapChunks([5, 6, 7, 8], size: 2) { $0.startIndex } == [0, 2])
                #expect(
                    try pool.mapChunks([5, 6, 7, 8][1...], size: 2) { "\($0.startIndex): \($0)" } == [
                        "1: [6, 7]", "3: [8]",
                    ])
                #expect(try pool.mapChunks("añ👩‍👩‍👧d", size: 3) { String($0) } == ["añ👩‍👩‍👧", "d"])
                #expect(try pool.mapChunks(Linked([1, 2, 3, 4, 5, 6, 7]), size: 3) { $0.reduce(0, +) } == [6, 15, 7])
                let sums = try pool.mapChunks(0..<100_000, size: 7) { ($0.reduce(0, +), $0.count) }
                #expect(sums.count == 14_286)
                #expect(sums.reduce(0) { $0 + $1.0 } == 4_999_950_000)
                #expect(sums.last?.1 == 5)
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2)
                #expect(try await pool.mapChunks(0..<10, size: 4) { $0 } == [0..<4, 4..<8, 8..<10])
                #expect(try await pool.mapChunks([1, 2, 3], size: 2) { ($0.count, 1.5) }.map(\.0) == [2, 1])
                #expect(try await pool.mapChunks(Linked([1, 2, 3]), size: 2) { "\(Array($0))" } == ["[1, 2]", "[3]"])
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("has eight chunks a worker where no size is given, and no empty one")
    func sizes() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 3)
                #expect(try pool.mapChunks(0..<24_000) { $0.count } == Array(repeating: 1000, count: 24))
                #expect(try pool.mapChunks(0..<24_001) { $0.count }.last == 978)
                #expect(try pool.mapChunks(0..<5) { $0.count } == [1, 1, 1, 1, 1])
                #expect(try pool.mapChunks(0..<0) { $0.count } == [])
                #expect(try pool.mapChunks([String](), size: 3) { $0.count } == [])
                #expect(try pool.mapChunks([1, 2, 3], size: 3) { $0.count } == [3])
                #expect(try pool.mapChunks([1, 2, 3], size: .max) { $0.count } == [3])
                #expect(try pool.mapChunks(0..<Int.max, size: .max / 2 + 1) { $0.upperBound } == [.max / 2 + 1, .max])
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("fails with the number of the first chunk that fails, and says which items it has")
    func failures() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let thrown = #expect(throws: ForkPool.Failure.self) {
                    try pool.mapChunks(0..<100, size: 30) { chunk -> Int in
                        if chunk.contains(65) { throw StreamOutcomes.Wrong(number: 65) }
                        return chunk.count
                    }
                }
                #expect(thrown?.code == .thrown)
                #expect(thrown?.index == 2)
                #expect(thrown?.thrown?.decode(as: StreamOutcomes.Wrong.self)?.number == 65)
                #expect(thrown?.description.hasSuffix("; it is the chunk of the items 60..<90") == true)
                let crashed = #expect(throws: ForkPool.Failure.self) {
                    try pool.mapChunks(Array(0..<100), size: 30) { chunk -> String in
                        if chunk.contains(95) { abort() }
                        return "\(chunk.count)"
                    }
                }
                #expect(crashed?.code == .crashed)
                #expect(crashed?.index == 3)
                #expect(crashed?.description.hasSuffix("; it is the chunk of the items 90..<100") == true)
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync {
                let exited = await #expect(throws: ForkPool.Failure.self) {
                    try await ForkPool(workers: 2).mapChunks(0..<10, size: 5) { chunk -> Int in
                        if chunk.contains(0) { exit(3) }
                        return chunk.count
                    }
                }
                #expect(exited?.code == .exited)
                #expect(exited?.index == 0)
                #expect(exited?.description.hasSuffix("; it is the chunk of the items 0..<5") == true)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is cancelled with its task")
    func cancelled() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync {
                let begun = SharedCounter()
                let task = Task {
                    try await ForkPool(workers: 2).mapChunks(0..<10, size: 5) { chunk -> Int in
                        begun.add()
                        Alone.waitForEver()
                    }
                }
                while begun.value == 0 { await Task.yield() }
                task.cancel()
                let failure = await #expect(throws: ForkPool.Failure.self) { try await task.value }
                #expect(failure?.code == .cancelled)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("does not take a size below 1")
    func noSuchSize() async throws {
        let result = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = try ForkPool(workers: 1).mapChunks([1], size: 0) { $0.count }
            })
        expectMessage("ForkPool: the size of a chunk must be at least 1 item, not 0", in: result)
    }
}
