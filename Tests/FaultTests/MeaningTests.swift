// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct MeaningTests {
    @Test(
        "F1: no item, one item, fewer items than workers, chunks of every size are exact", arguments: Kind.allCases)
    func counts(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            MeaningScenes.counts(kind)
            // Only a one-shot map takes collections without random access, and inputs of other types.
            if kind == .oneShot { MeaningScenes.collections() }
        }
    }

    @Test("F2: random durations keep the input's order, in maps and in streams", arguments: Kind.allCases)
    func order(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            MeaningScenes.order(kind)
            await MeaningScenes.orderAsynchronously(kind)
        }
    }

    @Test("F2: a stream in completion order has each item exactly once", arguments: Kind.allCases)
    func completion(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in MeaningScenes.completion(kind) }
    }

    @Test("F7: of an endless lazy input no more is taken than the window has room for", arguments: Kind.allCases)
    func endless(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in MeaningScenes.endless(kind) }
    }
}

private enum MeaningScenes {
    static func counts(_ kind: Kind) {
        let chunks: [ForkPool.Options.Chunk] = [.automatic, .fixed(1), .fixed(3), .fixed(7), .fixed(100), .fixed(.max)]
        for chunk in chunks {
            Scene.survive(kind, workers: 4, options: .init(chunk: chunk)) { pool throws in
                for count in [0, 1, 2, 3, 10, 100, 1000] {
                    #expect(try pool.map((0..<count).map { .give(-$0) }) == (0..<count).map { -$0 })
                }
                #expect(try pool.map([Deed.give(1), .give(2), .give(3)][1...]) == [2, 3])
                #expect(pool.mapResults([]).isEmpty)
                try pool.forEach([])
            }
        }
    }

    static func collections() {
        for chunk in [ForkPool.Options.Chunk.automatic, .fixed(1), .fixed(3), .fixed(.max)] {
            Scene.survive(workers: 4, options: .init(chunk: chunk)) { pool throws in
                #expect(try pool.map([String]()) { $0 } == [])
                #expect(try pool.map(["a"]) { $0 + "b" } == ["ab"])
                #expect(try pool.map(0..<10) { "\($0)" } == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
                #expect(try pool.map(1...1000) { -$0 } == Array(stride(from: -1, through: -1000, by: -1)))
                #expect(try pool.map("añ👩‍👩‍👧c") { String($0) } == ["a", "ñ", "👩‍👩‍👧", "c"])
                try pool.forEach([Int]()) { _ in abort() }
            }
        }
    }

    /// Deeds that take from 0 to 2 ms, in no order.
    private static func lingering(_ items: Range<Int>) -> [Deed] { items.map { .linger($0) } }

    static func order(_ kind: Kind) {
        Scene.survive(kind, workers: 4) { pool throws in
            #expect(try pool.map(lingering(0..<300)) == Array(0..<300))
            var read: [Int] = []
            for (index, result) in pool.stream(lingering(0..<200)) {
                #expect(index == read.count)
                read.append(try result.get())
            }
            #expect(read == Array(0..<200))
        }
    }

    static func orderAsynchronously(_ kind: Kind) async {
        await Scene.survive(kind, workers: 4) { pool async throws in
            #expect(try await pool.map(lingering(0..<300)) == Array(0..<300))
        }
    }

    static func completion(_ kind: Kind) {
        Scene.survive(kind, workers: 4) { pool throws in
            var indices: [Int] = []
            for (index, result) in pool.stream(lingering(0..<200), order: .completion) {
                #expect(try result.get() == index)
                indices.append(index)
            }
            #expect(indices.sorted() == Array(0..<200))
        }
    }

    static func endless(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            var taken = 0
            let naturals = sequence(first: 0) { number in
                taken += 1
                return number + 1
            }
            var read = 0
            for (index, result) in pool.stream(naturals.lazy.map { Deed.linger($0) }, window: 8) {
                #expect(index == read)
                #expect(try result.get() == read)
                read += 1
                #expect(taken <= read + 8)
                if read == 300 { break }
            }
            #expect(read == 300)
        }
    }
}
