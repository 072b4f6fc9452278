import ForkPool
import Glibc
import Testing

@Suite struct MeaningTests {
    @Test("F1: no item, one item, fewer items than workers, chunks of every size are exact")
    func counts() async {
        await #expect(processExitsWith: .success) { MeaningScenes.counts() }
    }

    @Test("F2: random durations keep the input's order")
    func order() async {
        await #expect(processExitsWith: .success) { MeaningScenes.order() }
    }

    @Test("F2: random durations keep the input's order in asynchronous code")
    func orderAsynchronously() async {
        await #expect(processExitsWith: .success) { await MeaningScenes.orderAsynchronously() }
    }

    @Test("F8: a map inside the body of a map, of another pool and of the same, is right")
    func nested() async {
        await #expect(processExitsWith: .success) { MeaningScenes.nested() }
    }

    @Test("F8: a map inside the body of an asynchronous map is right")
    func nestedInAsynchronous() async {
        await #expect(processExitsWith: .success) { await MeaningScenes.nestedInAsynchronous() }
    }

    @Test("F8: a crash in the innermost of nested maps is told outside with its item")
    func nestedCrash() async {
        await #expect(processExitsWith: .success) { MeaningScenes.nestedCrash() }
    }
}

private enum MeaningScenes {
    static func counts() {
        let chunks: [ForkPool.Options.Chunk] = [.automatic, .fixed(1), .fixed(3), .fixed(7), .fixed(100), .fixed(.max)]
        for chunk in chunks {
            Scene.survive(workers: 4, options: .init(chunk: chunk)) { pool throws in
                #expect(try pool.map([Int]()) { $0 } == [])
                #expect(try pool.map([String]()) { $0 } == [])
                #expect(try pool.map(5..<6) { $0 * 2 } == [10])
                #expect(try pool.map(["a"]) { $0 + "b" } == ["ab"])
                #expect(try pool.map(0..<3) { $0 } == [0, 1, 2])
                #expect(try pool.map(0..<10) { "\($0)" } == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
                #expect(try pool.map(1...1000) { -$0 } == Array(stride(from: -1, through: -1000, by: -1)))
                // A collection whose items are found by walking, and one that is not counted from 0.
                #expect(try pool.map("añ👩‍👩‍👧c") { String($0) } == ["a", "ñ", "👩‍👩‍👧", "c"])
                #expect(try pool.map([10, 20, 30, 40][2...]) { $0 } == [30, 40])
                #expect(pool.mapResults([Int]()) { $0 }.isEmpty)
                try pool.forEach([Int]()) { _ in abort() }
            }
        }
    }

    /// From 0 to 2 ms, in no order.
    private static func work(_ item: Int) {
        usleep(UInt32(item * 7919 % 2000))
    }

    static func order() {
        Scene.survive(workers: 4) { pool throws in
            let bitwise = try pool.map(0..<300) { item in
                work(item)
                return item
            }
            #expect(bitwise == Array(0..<300))
            let coded = try pool.map(0..<300) { item in
                work(item)
                return [item, -item]
            }
            #expect(coded.count == 300)
            #expect(coded.map { $0[0] } == Array(0..<300))
            #expect(coded.allSatisfy { $0 == [$0[0], -$0[0]] })
        }
    }

    static func orderAsynchronously() async {
        await Scene.survive(workers: 4) { pool in
            let results = try await pool.map(0..<300) { item in
                work(item)
                return "item \(item)"
            }
            #expect(results.count == 300)
            #expect(results[0] == "item 0")
            #expect(results.indices.first { results[$0] != "item \($0)" } == nil)
        }
    }

    static func nested() {
        Scene.survive { pool throws in
            let table = try pool.map(1...3) { row in
                try ForkPool(workers: 2).map(1...3) { $0 * row }
            }
            #expect(table == [[1, 2, 3], [2, 4, 6], [3, 6, 9]])
            let same = try pool.map(1...3) { row in
                try pool.map(1...3) { column in "\(row)\(column)" }
            }
            #expect(same == [["11", "12", "13"], ["21", "22", "23"], ["31", "32", "33"]])
            let deep = try pool.map(0..<2) { (first: Int) -> [[Int]] in
                try pool.map(0..<2) { (second: Int) -> [Int] in
                    try pool.map(0..<2) { (third: Int) -> Int in first * 4 + second * 2 + third }
                }
            }
            #expect(deep == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]])
        }
    }

    static func nestedInAsynchronous() async {
        await Scene.survive { pool in
            let table = try await pool.map(1...3) { row in
                try pool.map(1...3) { $0 * row }
            }
            #expect(table == [[1, 2, 3], [2, 4, 6], [3, 6, 9]])
        }
    }

    static func nestedCrash() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<3) { row in
                try pool.map(0..<4) { column in
                    if row == 1, column == 2 { abort() }
                    return "\(row)\(column)"
                }
            }
            #expect(results[0].value == ["00", "01", "02", "03"])
            #expect(results[2].value == ["20", "21", "22", "23"])
            #expect(results[1].failure?.code == .thrown)
            #expect(results[1].failure?.index == 1)
            #expect(results[1].failure?.message.contains("item 2 crashed its worker") == true)
            #expect(results[1].failure?.message.contains("SIGABRT") == true)
        }
    }
}
