// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Synchronization
import Testing

/// An input that counts how many of it there are.
private final class Tallied: Codable {
    static let live = Atomic(0)

    let number: Int

    init(_ number: Int) {
        self.number = number
        Self.live.add(1, ordering: .relaxed)
    }

    init(from decoder: any Decoder) throws {
        number = try Int(from: decoder)
        Self.live.add(1, ordering: .relaxed)
    }

    func encode(to encoder: any Encoder) throws { try number.encode(to: encoder) }

    deinit { Self.live.subtract(1, ordering: .relaxed) }
}

@Suite("A stream's input")
struct StreamInputTests {
    @Test("is a collection of any kind, which workers see through the fork")
    func collections() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                #expect(try Drain.inOrder(pool.stream([1, 2, 3]) { $0 * 10 }) == [10, 20, 30])
                #expect(try Drain.inOrder(pool.stream(5..<9) { "\($0)" }) == ["5", "6", "7", "8"])
                #expect(try Drain.inOrder(pool.stream([1, 2, 3, 4, 5][2...]) { ($0, $0 + 1) }).map(\.1) == [4, 5, 6])
                #expect(try Drain.inOrder(pool.stream("añ👩‍👩‍👧") { String($0) }) == ["a", "ñ", "👩‍👩‍👧"])
                #expect(try Drain.inOrder(pool.stream(Linked([7, 8, 9])) { $0 }) == [7, 8, 9])
                let lengths = ["one": 3, "three": 5, "fourteen": 8]
                let words = try Drain.inOrder(pool.stream(lengths) { $0.key.utf8.count == $0.value })
                #expect(words == [true, true, true])
                #expect(try Drain.inOrder(pool.stream(lengths) { $0.key }) == lengths.map(\.key))
                #expect(try Drain.inOrder(pool.stream(Set([3, 1, 2])) { $0 }).sorted() == [1, 2, 3])
                // Its elements cannot be encoded: the workers inherit the collection.
                let functions: [(Int) -> Int] = [{ $0 + 1 }, { $0 * 2 }, { -$0 }]
                #expect(try Drain.inOrder(pool.stream(functions) { $0(21) }) == [22, 42, -21])
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is a lazy collection, with items made in the workers")
    func lazyCollection() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let made = SharedCounter()
                var madeHere = 0
                let items = (0..<20).lazy.map { number in
                    made.add()
                    madeHere += 1
                    return number * 3
                }
                let results = try Drain.inOrder(ForkPool(workers: 2).stream(items) { $0 + 1 })
                #expect(results == Array(stride(from: 1, through: 58, by: 3)))
                #expect(made.value == 20)
                #expect(madeHere == 0)
            }
        }
    }

    @Test("may become slow: what is ready is delivered before the window is full", arguments: [0, 20_000])
    func slowSequence(_ quick: Int) async {
        await #expect(processExitsWith: .success) { [quick] in
            Alone.run { () throws in
                var taken = 0
                let items = AnySequence {
                    AnyIterator { () -> Int? in
                        if taken >= quick { usleep(5000) }
                        guard taken < quick + 300 else { return nil }
                        taken += 1
                        return taken
                    }
                }
                var most = 0
                for (index, result) in ForkPool(workers: 2).stream(items, window: 1000, { $0 }) {
                    #expect(try result.get() == index + 1)
                    if index >= quick - 1, index < quick + 150 { most = max(most, taken - index) }
                }
                #expect(taken == quick + 300)
                // A reader that waits for the end of the source has them all.
                #expect(most < 250)
            }
        }
    }

    @Test("is a lazy or endless sequence, with items sent to the workers")
    func sequences() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                let powers = sequence(first: 1) { $0 < 200 ? $0 * 2 : nil }
                #expect(try Drain.inOrder(pool.stream(powers) { $0 + 1 }) == [2, 3, 5, 9, 17, 33, 65, 129, 257])
                let words = sequence(first: "a") { $0.count < 4 ? $0 + "b" : nil }
                #expect(try Drain.inOrder(pool.stream(words) { $0.count }) == [1, 2, 3, 4])
                #expect(try Drain.inOrder(pool.stream(words) { $0 + "!" }) == ["a!", "ab!", "abb!", "abbb!"])
                // An enum that is a bit pattern and Codable; a tuple that is a bit pattern alone.
                let colors = sequence(first: Color.red) { $0 == .red ? .blue : nil }
                #expect(try Drain.inOrder(pool.stream(colors) { $0 == .red }) == [true, false])
                let pairs = sequence(state: 0) { (state: inout Int) -> (Int, Double)? in
                    state += 1
                    return state > 3 ? nil : (state, 0.5)
                }
                #expect(try Drain.inOrder(pool.stream(pairs) { Double($0.0) + $0.1 }) == [1.5, 2.5, 3.5])
                #expect(Alone.hasNoChild)
            }
            Alone.run { () throws in
                var sum = 0
                for (index, result) in ForkPool(workers: 2).stream(sequence(first: 0) { $0 + 1 }, { $0 * 2 }) {
                    #expect(try result.get() == index * 2)
                    sum += index
                    if index == 999 { break }
                }
                #expect(sum == 499_500)
            }
        }
    }

    @Test("is not kept once it is with the workers")
    func release() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                var number = 0
                let items = AnyIterator {
                    number += 1
                    return Tallied(number)
                }
                let stream = ForkPool(workers: 2).stream(items, window: 8) { $0.number * 10 }
                for (index, result) in stream {
                    #expect(try result.get() == index * 10 + 10)
                    #expect(Tallied.live.load(ordering: .relaxed) == 0)
                    if index == 20 { break }
                }
                #expect(number > 20)
            }
        }
    }

    @Test("is an asynchronous sequence: a stream of values, one that throws nothing, a custom one")
    func asyncSequences() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2)
                #expect(
                    try await Drain.inOrder(pool.stream(Sources.numbers(50)) { $0 * 2 })
                        == Array(stride(from: 0, to: 100, by: 2)))
                #expect(try await Drain.inOrder(pool.stream(Sources.words(3)) { $0 + "!" }) == ["0!", "1!", "2!"])
                #expect(try await Drain.inOrder(pool.stream(Sources.words(3)) { $0.count }) == [1, 1, 1])
                #expect(try await Drain.inOrder(pool.stream(Sources.throwing(4)) { "\($0)" }) == ["0", "1", "2", "3"])
                #expect(try await Drain.inOrder(pool.stream(Countdown(from: 5)) { -$0 }) == [-5, -4, -3, -2, -1])
                #expect(
                    try await Drain.inOrder(pool.stream(Countdown(from: 3), window: 1) { ($0, $0) }).map(\.0) == [
                        3, 2, 1,
                    ])
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("may be an asynchronous sequence that is read by code that blocks")
    func asyncSourceReadBlocking() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let results = try Drain.inOrder(ForkPool(workers: 2).stream(Sources.numbers(300)) { $0 + 1 })
                #expect(results == Array(1...300))
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("may be empty or one item, of any kind, in any order and window")
    func fewItems() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 3)
                for order in [ForkPool.Order.input, .completion] {
                    for window in [nil, 1, 2, 1000] {
                        #expect(try Drain.inOrder(pool.stream([Int](), order: order, window: window) { $0 }) == [])
                        #expect(try Drain.inOrder(pool.stream([6], order: order, window: window) { $0 * 7 }) == [42])
                        let none = EmptyCollection<String>().lazy.filter { _ in true }
                        #expect(try Drain.inOrder(pool.stream(none, order: order, window: window) { $0 }) == [])
                        let one = sequence(first: "a") { _ in nil }
                        #expect(
                            try Drain.inOrder(pool.stream(one, order: order, window: window) { $0 + "b" }) == ["ab"])
                        let empty = Sources.numbers(0)
                        #expect(try Drain.inOrder(pool.stream(empty, order: order, window: window) { $0 }) == [])
                        let single = Sources.numbers(1)
                        #expect(try Drain.inOrder(pool.stream(single, order: order, window: window) { $0 }) == [0])
                    }
                }
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is not begun before the stream is read")
    func unread() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pulls = Pulls()
                let stream = ForkPool(workers: 2).stream(pulls.endless) { $0 }
                #expect(pulls.count == 0)
                #expect(Alone.hasNoChild)
                extendLifetime(stream)
            }
        }
    }

    @Test("crosses to a resident pool, which runs its own body")
    func resident() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let doubler = try ForkPool(workers: 2).resident { (x: Int) in x * 2 }
                #expect(try Drain.inOrder(doubler.stream([1, 2, 3])) == [2, 4, 6])
                #expect(try Drain.inOrder(doubler.stream(sequence(first: 1) { $0 < 3 ? $0 + 1 : nil })) == [2, 4, 6])
                #expect(
                    try Drain.inOrder(doubler.stream(Sources.numbers(4), order: .completion, window: 1)) == [
                        0, 2, 4, 6,
                    ])
                #expect(try Drain.inOrder(doubler.stream(Set([4]))) == [8])
                // The pool serves the next stream.
                #expect(try doubler.map([5]) == [10])
                doubler.close()
                #expect(Alone.hasNoChild)
            }
        }
    }
}

private enum Color: Int, Codable, BitwiseCopyable {
    case red, blue
}
