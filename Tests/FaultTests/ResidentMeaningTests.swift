import ForkPool
import Glibc
import Testing

@Suite struct ResidentMeaningTests {
    @Test("F1: a resident pool's maps of any count, in chunks of every size, are exact", arguments: Way.allCases)
    func counts(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentMeaningScenes.counts(way) }
    }

    @Test("F2: a resident pool keeps the input's order, whatever the items' durations", arguments: Way.allCases)
    func order(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentMeaningScenes.order(way) }
    }

    @Test("F2: a resident pool's stream in completion order has each item exactly once", arguments: Way.allCases)
    func completion(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentMeaningScenes.completion(way) }
    }

    @Test("F7: of an endless lazy input no more is taken than the window has room for", arguments: Way.allCases)
    func endless(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentMeaningScenes.endless(way) }
    }
}

/// Gives its number back after a time that is in no order.
struct Lingering: PlainJob {
    typealias Input = Int
    typealias Output = Int

    func act(_ item: Int) throws -> Int {
        usleep(UInt32(item * 7919 % 2000))
        return item
    }
}

private enum ResidentMeaningScenes {
    static func counts(_ way: Way) {
        let chunks: [ForkPool.Options.Chunk] = [.automatic, .fixed(1), .fixed(3), .fixed(100), .fixed(.max)]
        for chunk in chunks {
            ResidentScene.survive(way, workers: 3, options: .init(chunk: chunk)) { pool throws in
                for count in [0, 1, 2, 10, 100, 1000] {
                    #expect(try pool.map((0..<count).map { .give(-$0) }) == (0..<count).map { -$0 })
                }
                #expect(try pool.map([Deed.give(1), .give(2), .give(3)][1...]) == [2, 3])
                #expect(pool.mapResults([]).isEmpty)
                try pool.forEach([])
            }
        }
    }

    private static func lingers(_ pool: ForkPool.Resident<Int, Int>) throws(ForkPool.Failure) {
        #expect(try pool.map(0..<4) == [0, 1, 2, 3])
    }

    static func order(_ way: Way) {
        ResidentScene.survive(Lingering(), way, workers: 4, lingers) { pool throws in
            #expect(try pool.map(0..<200) == Array(0..<200))
            var read: [Int] = []
            for (index, result) in pool.stream(0..<200) {
                #expect(index == read.count)
                read.append(try result.get())
            }
            #expect(read == Array(0..<200))
        }
    }

    static func completion(_ way: Way) {
        ResidentScene.survive(Lingering(), way, workers: 4, lingers) { pool throws in
            var indices: [Int] = []
            for (index, result) in pool.stream(0..<200, order: .completion) {
                #expect(try result.get() == index)
                indices.append(index)
            }
            #expect(indices.sorted() == Array(0..<200))
        }
    }

    static func endless(_ way: Way) {
        ResidentScene.survive(Lingering(), way, lingers) { pool throws in
            var taken = 0
            let naturals = sequence(first: 0) { number in
                taken += 1
                return number + 1
            }
            var read = 0
            for (index, result) in pool.stream(naturals, window: 8) {
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
