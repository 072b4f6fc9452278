// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Testing

@Suite("A stream's results")
struct StreamOrderTests {
    /// From 0 to 1 ms, in no order.
    private static func work(_ item: Int) {
        usleep(UInt32(item * 7919 % 1000))
    }

    @Test("F2: come in the order of the input, whatever their durations")
    func inputOrder() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 3)
                for window in [nil, 1, 2, 1000] {
                    let plain = pool.stream(0..<300, window: window) { item in
                        Self.work(item)
                        return item
                    }
                    #expect(try Drain.inOrder(plain) == Array(0..<300))
                    let coded = pool.stream(sequence(first: 0) { $0 < 299 ? $0 + 1 : nil }, window: window) { item in
                        Self.work(item)
                        return "item \(item)"
                    }
                    let words = try Drain.inOrder(coded)
                    #expect(words.count == 300)
                    #expect(words.indices.first { words[$0] != "item \($0)" } == nil)
                }
            }
        }
    }

    @Test("F2: come in completion order each exactly once, with its index")
    func completionOrder() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 3)
                for window in [nil, 1, 2, 1000] {
                    let plain = pool.stream(0..<300, order: .completion, window: window) { item in
                        Self.work(item)
                        return item * 3
                    }
                    let outcomes = try Drain.outcomes(plain)
                    #expect(outcomes.count == 300)
                    for item in 0..<300 { #expect(try outcomes[item]?.get() == item * 3) }
                    let coded = pool.stream(Pulls().first(300), order: .completion, window: window) { item in
                        Self.work(item)
                        return [item, -item]
                    }
                    let pairs = try Drain.outcomes(coded)
                    #expect(pairs.count == 300)
                    for item in 0..<300 { #expect(try pairs[item]?.get() == [item, -item]) }
                }
            }
        }
    }

    @Test("F2: come the same from an asynchronous source, in either order")
    func asyncSource() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 3)
                for window in [nil, 1, 2, 1000] {
                    let ordered = pool.stream(Sources.numbers(200), window: window) { item in
                        Self.work(item)
                        return item
                    }
                    #expect(try await Drain.inOrder(ordered) == Array(0..<200))
                    let free = pool.stream(Sources.numbers(200), order: .completion, window: window) { item in
                        Self.work(item)
                        return "\(item)"
                    }
                    var seen = Set<Int>()
                    for try await (index, output) in free {
                        #expect(output == "\(index)")
                        #expect(seen.insert(index).inserted)
                    }
                    #expect(seen == Set(0..<200))
                }
            }
        }
    }

    @Test("are not held back in completion order by a slow first item")
    func slowFirst() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let gate = SharedCounter()
                let stream = ForkPool(workers: 2).stream(0..<100, order: .completion) { item in
                    // Item 0 waits until the others have been read.
                    while item == 0, gate.value == 0 { usleep(100) }
                    return item
                }
                var order: [Int] = []
                for (index, result) in stream {
                    #expect(try result.get() == index)
                    order.append(index)
                    if order.count == 99 { gate.add() }
                }
                #expect(order.count == 100)
                #expect(order.last == 0)
                #expect(Set(order) == Set(0..<100))
            }
        }
    }

    @Test("are as many as the window holds in input order while the first item is slow")
    func slowFirstInOrder() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let gate = SharedCounter()
                let pulls = Pulls()
                let stream = ForkPool(workers: 2).stream(pulls.first(100), window: 10) { item in
                    if item == 0 { while gate.value < 9 { usleep(100) } } else { gate.add() }
                    return item
                }
                // The first result needs nine others to be done: the whole window.
                var iterator = stream.makeIterator()
                #expect(iterator.next()?.index == 0)
                #expect(gate.value >= 9)
                #expect(pulls.count == 10)
            }
        }
    }

    @Test("bound by their window how far the source is read ahead", arguments: [1, 2, 7, 1000])
    func window(_ window: Int) async {
        await #expect(processExitsWith: .success) { [window] in
            Alone.run { () throws in
                let pool = ForkPool(workers: 2)
                for order in [ForkPool.Order.input, .completion] {
                    let pulls = Pulls()
                    var read = 0
                    var most = 0
                    for (_, result) in pool.stream(pulls.first(3000), order: order, window: window, { $0 + 1 }) {
                        // This result is in flight until it is handed out.
                        most = max(most, pulls.count - read)
                        _ = try result.get()
                        read += 1
                    }
                    #expect(read == 3000)
                    #expect(most <= window)
                }
            }
        }
    }

    @Test("bound by their window how far an asynchronous source is read ahead", arguments: [1, 2, 7, 1000])
    func asyncWindow(_ window: Int) async {
        await #expect(processExitsWith: .success) { [window] in
            await Alone.runAsync { () async throws in
                let pool = ForkPool(workers: 2)
                for order in [ForkPool.Order.input, .completion] {
                    let pulls = Pulls()
                    var read = 0
                    var most = 0
                    for try await (_, output) in pool.stream(
                        pulls.firstAsync(1000), order: order, window: window, { $0 + 1 })
                    {
                        // From here on another item may be in flight instead of this one.
                        read += 1
                        most = max(most, pulls.count - read)
                        #expect(output > 0)
                    }
                    #expect(read == 1000)
                    #expect(most <= window)
                }
            }
        }
    }

    @Test("are as many in flight as keep workers busy where no window is given, and no more than 16 384")
    func noWindow() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pulls = Pulls()
                var read = 0
                var most = 0
                for (_, result) in ForkPool(workers: 2).stream(pulls.first(50_000), { $0 + 1 }) {
                    most = max(most, pulls.count - read)
                    _ = try result.get()
                    read += 1
                }
                #expect(read == 50_000)
                #expect(most >= 4)
                #expect(most <= 16_384)
            }
        }
    }

    @Test("are not asked for with a window of nothing")
    func noSuchWindow() async throws {
        let pool = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: 1).stream([1], window: 0) { $0 }
            })
        expectMessage("ForkPool: a window must be at least 1 item, not 0", in: pool)
        let source = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool(workers: 1).stream(Sources.numbers(1), window: -1) { $0 }
            })
        expectMessage("ForkPool: a window must be at least 1 item, not -1", in: source)
        let resident = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                Alone.run { () throws in
                    _ = try ForkPool(workers: 1).resident { (x: Int) in x }.stream([1], window: 0)
                }
            })
        expectMessage("ForkPool: a window must be at least 1 item, not 0", in: resident)
    }
}
