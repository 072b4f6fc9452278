// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Testing

@Suite("A loop over a stream")
struct StreamLoopTests {
    @Test("gets the same elements of its results in async code and in other code", arguments: Kind.allCases)
    func results(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Alone.run { () throws in
                let streams = try ScaledStreams(kind)
                var sum = 0
                for (index, result) in streams.stream(0..<500).results {
                    #expect(try result.get() == index * 3)
                    sum += index
                }
                #expect(sum == 124_750)
                streams.close()
            }
            await Alone.runAsync { () async throws in
                let streams = try ScaledStreams(kind)
                var sum = 0
                for await (index, result) in streams.stream(Sources.numbers(500)).results {
                    #expect(try result.get() == index * 3)
                    sum += index
                }
                #expect(sum == 124_750)
                var elements: [ForkPool.Stream<Int>.Results.Element] = []
                for await element in streams.stream([4]).results { elements.append(element) }
                #expect(elements.map(\.index) == [0])
                await streams.finish()
            }
        }
    }

    @Test("is one: a second one gets a failure and nothing else", arguments: Kind.allCases)
    func second(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Alone.run { () throws in
                let streams = try ScaledStreams(kind)
                // Read to its end, left, or not even read for one element: the first loop has it.
                for most in [2, 50, 1000] {
                    let stream = streams.stream(sequence(first: 0) { $0 < 99 ? $0 + 1 : nil })
                    for (index, _) in stream where index == most { break }
                    Self.expectRefusal(Array(stream))
                    Self.expectRefusal(Array(stream.results))
                    let failure = #expect(throws: ForkPool.Failure.self) {
                        try stream.forEach { index, _ in Issue.record("item \(index) came twice") }
                    }
                    #expect(failure?.code == .closed)
                }
                streams.close()
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync { () async throws in
                let streams = try ScaledStreams(kind)
                let stream = streams.stream(0..<100)
                for try await (index, _) in stream where index == 3 { break }
                do throws(ForkPool.Failure) {
                    for try await (index, _) in stream { Issue.record("item \(index) came twice") }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.code == .closed)
                    #expect(error.index == nil)
                    #expect(
                        error.description
                            == "the stream was read before: it gives each result once, to one loop; make another stream for "
                            + "another loop")
                }
                var elements: [ForkPool.Stream<Int>.Results.Element] = []
                for await element in stream.results { elements.append(element) }
                Self.expectRefusal(elements)
                await streams.finish()
            }
        }
    }

    @Test("is one: a second one beside it gets a failure, and the first one goes on")
    func beside() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let stream = ForkPool(workers: 2).stream(0..<100) { $0 }
                var read = 0
                for (index, result) in stream {
                    #expect(try result.get() == index)
                    read += 1
                    if index == 10 { Self.expectRefusal(Array(stream)) }
                }
                #expect(read == 100)
                // An iterator that is not read takes nothing.
                let other = ForkPool(workers: 2).stream(0..<10) { $0 }
                extendLifetime(other.makeIterator())
                #expect(other.underestimatedCount == 0)
                #expect(try Drain.inOrder(other) == Array(0..<10))
                #expect(Alone.hasNoChild)
            }
            await Alone.runAsync { () async throws in
                let stream = ForkPool(workers: 2).stream(0..<100) { $0 }
                var read = 0
                for try await (index, _) in stream {
                    read += 1
                    guard index == 10 else { continue }
                    await #expect(throws: ForkPool.Failure.self) {
                        for try await (index, _) in stream { Issue.record("item \(index) came twice") }
                    }
                }
                #expect(read == 100)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("ends once: an iterator that was read to its end gives nothing more")
    func end() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                var iterator = ForkPool(workers: 1).stream(0..<2) { $0 }.makeIterator()
                #expect(iterator.next()?.index == 0)
                #expect(iterator.next()?.index == 1)
                for _ in 0..<3 { #expect(iterator.next() == nil) }
                let read = ForkPool(workers: 1).stream(0..<2) { $0 }
                #expect(Array(read).count == 2)
                var second = read.makeIterator()
                #expect(StreamOutcomes.failure(second.next()?.result)?.code == .closed)
                for _ in 0..<3 { #expect(second.next() == nil) }
            }
        }
    }

    private static func expectRefusal(_ elements: [ForkPool.Stream<Int>.Results.Element]) {
        #expect(elements.map(\.index) == [0])
        #expect(elements.map { StreamOutcomes.failure($0.result)?.code } == [.closed])
    }
}
