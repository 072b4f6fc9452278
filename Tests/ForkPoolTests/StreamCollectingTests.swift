// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("A stream over an asynchronous source")
struct StreamCollectingTests {
    @Test("gives the results of all items that came, whenever the source pauses", arguments: Kind.allCases)
    func pauses(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await Alone.runAsync { () async throws in
                let streams = try ScaledStreams(kind)
                for order in [ForkPool.Order.input, .completion] {
                    let (source, items) = AsyncStream.makeStream(of: Int.self)
                    var iterator = streams.stream(source, order: order).results.makeAsyncIterator()
                    var given = 0
                    // Many items make the stream take short ones in batches; then few come, and nothing for as long as their
                    // results are not there.
                    for burst in [1, 2, 3000, 1, 2, 3, 7, 100, 1, 5000, 1] {
                        for _ in 0..<burst {
                            items.yield(given)
                            given += 1
                        }
                        var sum = 0
                        for _ in 0..<burst {
                            let (index, result) = try #require(await iterator.next())
                            #expect(try result.get() == index * 3)
                            sum += index
                        }
                        #expect(sum == (given - burst..<given).reduce(0, +))
                    }
                    items.finish()
                    #expect(await iterator.next() == nil)
                }
                await streams.finish()
            }
        }
    }

    @Test("hands collected items to a worker that becomes free while nothing is read and nothing comes")
    func freeWorker() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let (gate, begun, done) = (SharedCounter(), SharedCounter(), SharedCounter())
                let resident = try ForkPool(workers: 2).resident { (item: Int) -> Int in
                    if item < 0 {
                        begun.add()
                        while gate.value < -item { usleep(100) }
                    }
                    done.add()
                    return item
                }
                for round in 1...20 {
                    let (source, items) = AsyncStream.makeStream(of: Int.self)
                    var iterator = resident.stream(source, order: .completion).makeAsyncIterator()
                    // Short items, until the stream takes them in batches.
                    for item in 0..<2000 { items.yield(item) }
                    for _ in 0..<2000 { _ = try await iterator.next() }
                    // What was read makes room in the window only when the stream is read again.
                    items.yield(0)
                    _ = try await iterator.next()
                    // Both workers are busy with one item each; what comes then is collected.
                    for count in 1...2 {
                        items.yield(-round)
                        while begun.value < 2 * (round - 1) + count { await Task.yield() }
                    }
                    let before = done.value
                    for item in 0..<5 { items.yield(item) }
                    gate.add()
                    // Nothing reads the stream meanwhile.
                    while done.value < before + 7 { await Task.yield() }
                    for _ in 0..<7 { _ = try await iterator.next() }
                    items.finish()
                    #expect(try await iterator.next() == nil)
                }
                await resident.finish()
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("collects items for two streams of one pool, and each gets its own")
    func twoStreams() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { () async throws in
                let resident = try ForkPool(workers: 2).resident { (item: Int) in item * 3 }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for count in [1, 1000, 20_000] {
                        group.addTask {
                            let results = try await Drain.inOrder(resident.stream(Sources.numbers(count)))
                            #expect(results == (0..<count).map { $0 * 3 })
                        }
                    }
                    try await group.waitForAll()
                }
                await resident.finish()
            }
        }
    }

    @Test("takes an endless source with a slow reader no further than its window", arguments: [1, 10, 300])
    func endless(_ window: Int) async {
        await #expect(processExitsWith: .success) { [window] in
            await Alone.runAsync { () async throws in
                let pulls = Pulls()
                var read = 0
                let stream = ForkPool(workers: 2).stream(pulls.firstAsync(.max), window: window) { $0 }
                for try await (index, output) in stream {
                    #expect(index == read && output == read)
                    read += 1
                    #expect(pulls.count - read <= window)
                    if read == 5000 { break }
                }
                #expect(read == 5000)
            }
        }
    }
}
