// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@Suite("The progress of a stream")
struct StreamProgressTests {
    @Test("ends with everything done, of a collection and of a sequence", arguments: Kind.allCases)
    func end(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Alone.run { () throws in
                let heard = Heard()
                let streams = try ScaledStreams(kind, options: .init(progress: { heard.hears($0) }))
                for order in [ForkPool.Order.input, .completion] {
                    _ = try Drain.outcomes(streams.stream(0..<300, order: order))
                    heard.check(done: 300, total: 300, isCollection: true)
                    _ = try Drain.outcomes(streams.stream([1, 2, 3], order: order))
                    heard.check(done: 3, total: 3, isCollection: true)
                    _ = try Drain.outcomes(streams.stream(Pulls().first(300), order: order))
                    heard.check(done: 300, total: 300)
                    _ = try Drain.outcomes(streams.stream([Int](), order: order))
                    heard.check(done: 0, total: 0, isCollection: true)
                }
                streams.close()
            }
            await Alone.runAsync { () async throws in
                let heard = Heard()
                let streams = try ScaledStreams(kind, options: .init(progress: { heard.hears($0) }))
                _ = try await Drain.inOrder(streams.stream(Sources.numbers(300)))
                heard.check(done: 300, total: 300)
                _ = try await Drain.inOrder(streams.stream(0..<300))
                heard.check(done: 300, total: 300, isCollection: true)
                await streams.finish()
            }
        }
    }

    @Test("is called between two elements, by the thread that reads, at most each 0.1 s")
    func between() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let heard = Heard()
                let reader = pthread_self()
                let pool = ForkPool(
                    workers: 2,
                    options: .init(progress: {
                        #expect(pthread_self() == reader)
                        heard.hears($0)
                    }))
                let start = ContinuousClock.now
                var read = 0
                for (_, result) in pool.stream(sequence(first: 0) { $0 + 1 }, { $0 }) {
                    _ = try result.get()
                    read += 1
                    heard.expectNotAbove(read)
                    // Until it was called twice.
                    if heard.count == 2 { break }
                }
                #expect(ContinuousClock.now - start >= .milliseconds(200))
                // A stream that is left has no last call.
                #expect(heard.count == 2)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("ends with what was done where a loop throws")
    func thrown() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let heard = Heard()
                let pool = ForkPool(workers: 2, options: .init(progress: { heard.hears($0) }))
                let stop = StreamOutcomes.Wrong(number: 1)
                #expect(throws: stop) {
                    try pool.stream(0..<1000) { $0 }.forEach { index, _ in if index == 99 { throw stop } }
                }
                heard.check(done: 100, total: 1000, isCollection: true)
                #expect(throws: ForkPool.Failure.self) {
                    try pool.stream(0..<40, StreamOutcomes.plain).forEach { _, _ in }
                }
                heard.check(done: 6, total: 40, isCollection: true)
            }
            await Alone.runAsync { () async throws in
                let heard = Heard()
                let pool = ForkPool(workers: 2, options: .init(progress: { heard.hears($0) }))
                await #expect(throws: ForkPool.Failure.self) {
                    for try await (index, _) in pool.stream(0..<40, StreamOutcomes.plain) { #expect(index < 5) }
                }
                heard.check(done: 6, total: 40, isCollection: true)
            }
        }
    }

    @Test("may be heard by a handler that uses the stream and its pool")
    func reading() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let inner = Mutex<[Int]>([])
                let scene = Mutex<Scene?>(nil)
                let pool = ForkPool(workers: 2, options: .init(progress: { _ in scene.withLock { $0 }?.use(inner) }))
                let stream = pool.stream(0..<50) { $0 }
                scene.withLock { $0 = Scene(stream: stream, pool: pool) }
                #expect(try Drain.inOrder(stream) == Array(0..<50))
                // The stream is the loop's: the handler got a failure.
                #expect(inner.withLock { $0 } == [-1, 6])
                scene.withLock { $0 = nil }
            }
        }
    }
}

/// What a handler uses.
private struct Scene: @unchecked Sendable {
    let stream: ForkPool.Stream<Int>
    let pool: ForkPool

    func use(_ numbers: borrowing Mutex<[Int]>) {
        guard numbers.withLock({ $0.isEmpty }) else { return }
        numbers.withLock { $0 = [-2] }
        let read = stream.map { StreamOutcomes.failure($0.result)?.code == .closed ? -1 : $0.index }
        let mapped = (try? pool.map([1, 2, 3]) { $0 }) ?? []
        numbers.withLock { $0 = read + [mapped.reduce(0, +)] }
    }
}

/// The calls of a progress handler.
private final class Heard: Sendable {
    private let all = Mutex<[ForkPool.Options.Progress]>([])

    var count: Int { all.withLock { $0.count } }

    func hears(_ progress: ForkPool.Options.Progress) { all.withLock { $0.append(progress) } }

    func expectNotAbove(_ done: Int) { #expect(all.withLock { $0.allSatisfy { $0.done <= done } }) }

    /// Expects that the last call said this, and that the calls ascend; forgets them.
    func check(done: Int, total: Int, isCollection: Bool = false, sourceLocation: SourceLocation = #_sourceLocation) {
        let calls = all.withLock { all in
            defer { all = [] }
            return all
        }
        #expect(calls.last?.done == done, sourceLocation: sourceLocation)
        #expect(calls.last?.total == total, sourceLocation: sourceLocation)
        #expect(calls.map(\.done) == calls.map(\.done).sorted(), sourceLocation: sourceLocation)
        if isCollection { #expect(calls.allSatisfy { $0.total == total }, sourceLocation: sourceLocation) }
    }
}
