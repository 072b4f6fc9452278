// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Testing

@Suite("A map's input")
struct MapInputTests {
    @Test("is an array, a part of one, a range or a string")
    func ordered() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 3)
                #expect(try pool.map(["a", "b"]) { $0 + $0 } == ["aa", "bb"])
                #expect(try pool.map([1, 2, 3, 4, 5][2...]) { $0 * 10 } == [30, 40, 50])
                #expect(try pool.map(-2...1) { $0 * 10 } == [-20, -10, 0, 10])
                #expect(try pool.map("añ👩‍🚀b") { $0.utf8.count } == [1, 2, 11, 1])
                #expect(try pool.map("x=1;y=2".dropFirst(4)) { String($0) } == ["y", "=", "2"])
                #expect(try pool.map(ContiguousArray([1, 2])) { $0 + 1 } == [2, 3])
                #expect(try pool.map(CollectionOfOne(7)) { $0 } == [7])
            }
        }
    }

    @Test("is a set or a dictionary, in the order in which it is seen")
    func unordered() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 3)
                let numbers: Set = [3, 5, 7, 11, 13]
                let tens = try pool.map(numbers) { $0 * 10 }
                #expect(tens == Array(numbers).map { $0 * 10 })
                #expect(tens.sorted() == [30, 50, 70, 110, 130])
                let ages = ["Ada": 36, "Alan": 41]
                let lines = try pool.map(ages) { name, age in "\(name) \(age)" }
                #expect(lines.sorted() == ["Ada 36", "Alan 41"])
                #expect(try pool.map(ages.keys) { $0.count }.sorted() == [3, 4])
            }
        }
    }

    @Test("is lazy: each item is made in the worker that maps it")
    func lazy() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                let made = SharedCounter()
                var madeHere = 0
                let squares = (1...5).lazy.map { number in
                    made.add()
                    madeHere += 1
                    return number * number
                }
                #expect(try pool.map(squares) { $0 + 1 } == [2, 5, 10, 17, 26])
                #expect(made.value == 5)
                #expect(madeHere == 0)
                #expect(try pool.map((1...9).lazy.filter { $0 % 3 == 0 }) { $0 } == [3, 6, 9])
                #expect(try pool.map([1, 2, 3].reversed()) { $0 } == [3, 2, 1])
                #expect(try pool.map([[1], [], [2, 3]].joined()) { $0 } == [1, 2, 3])
            }
        }
    }

    @Test("may be empty, of any type, and then the body never runs")
    func empty() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pool = ForkPool(workers: 2)
                let calls = SharedCounter()
                #expect(try pool.map([Int]()) { calls.add($0) } == [])
                #expect(try pool.map("") { String($0) } == [])
                #expect(try pool.map([Int: Int]()) { "\($0)" } == [])
                #expect(try pool.map(5..<5) { calls.add($0) } == [])
                #expect(try pool.map((0..<9).lazy.filter { $0 > 9 }) { calls.add($0) } == [])
                #expect(pool.mapResults([Int]()) { calls.add($0) }.isEmpty)
                try pool.forEach([Int]()) { calls.add($0) }
                #expect(try pool.withMapped([Int](), { calls.add($0) }, read: { $0.count }) == 0)
                #expect(try pool.fill(count: 0, slot: 5, of: Int.self) { i, _ in calls.add(i + 1) }.isEmpty)
                #expect(calls.value == 0)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is split so that every item is mapped once, whatever the chunk and the workers")
    func onceEach() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let chunks: [ForkPool.Options.Chunk] = [.automatic, .fixed(1), .fixed(7), .fixed(100_000)]
                for chunk in chunks {
                    for workers in [1, 2, 5] {
                        let pool = ForkPool(workers: workers, options: .init(chunk: chunk))
                        let times = SharedArray<UInt8>(count: 5000)
                        let results = try pool.map(0..<5000) { item in
                            times[item] += 1
                            return item
                        }
                        #expect(results.elementsEqual(0..<5000))
                        #expect(times.allSatisfy { $0 == 1 })
                    }
                }
            }
        }
    }

    @Test("of a collection that only goes forward is not walked from its start for each chunk")
    func forward() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let steps = SharedCounter()
                let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))
                #expect(try pool.map(Walk(count: 100, steps: steps)) { $0 * 2 } == (0..<100).map { $0 * 2 })
                // One walk counts the items here, one maps them in the worker; one for each chunk would be 5000 steps.
                #expect(steps.value <= 400)
            }
        }
    }
}

/// A collection without random access that counts its steps across processes.
private struct Walk: Collection {
    let count: Int
    let steps: SharedCounter

    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(index: Int) -> Int { index }

    func index(after index: Int) -> Int {
        steps.add()
        return index + 1
    }

    func index(_ index: Int, offsetBy distance: Int) -> Int {
        var index = index
        for _ in 0..<distance { formIndex(after: &index) }
        return index
    }
}
