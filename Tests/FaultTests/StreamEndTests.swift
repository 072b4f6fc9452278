// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct StreamEndTests {
    @Test("Leaving the loop over a stream ends its workers and its source")
    func leaving() async {
        await #expect(processExitsWith: .success) { StreamEndScenes.leaving() }
    }

    @Test("Leaving the loop over a stream that has a name ends it too")
    func leavingNamed() async {
        await #expect(processExitsWith: .success) { StreamEndScenes.leavingNamed() }
    }

    @Test("Leaving the loop over a stream in asynchronous code ends its workers and its source")
    func leavingAsynchronously() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.leavingAsynchronously() }
    }

    @Test("A stream that is dropped unread, or after some items, leaves nothing")
    func dropped() async {
        await #expect(processExitsWith: .success) { StreamEndScenes.dropped() }
    }

    @Test("A stream that is left while every worker is in the middle of an item leaves nothing")
    func leavingBusy() async {
        await #expect(processExitsWith: .success) { StreamEndScenes.leavingBusy() }
    }

    @Test("A pool that is dropped after a stream of it was left ends, also if the source never gives another item")
    func silentSource() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.silentSource() }
    }

    @Test("100 streams that are left early leave no thread")
    func many() async {
        await #expect(processExitsWith: .success) { StreamEndScenes.many() }
    }
}

/// Gives three items, and then nothing for ever, whatever becomes of its task.
private struct SilentSource: AsyncSequence {
    struct AsyncIterator: AsyncIteratorProtocol {
        var given = 0

        mutating func next() async -> Int? {
            if given == 3 { await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
            given += 1
            return given
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}

private enum StreamEndScenes {
    static func silentSource() async {
        Scene.setDeadline()
        do {
            var workers: Set<Int32> = []
            for isNamed in [true, false] {
                let pool = try ForkPool(workers: 2).resident { (_: Int) in getpid() }
                let stream = isNamed ? pool.stream(SilentSource()) : nil
                for try await (index, pid) in stream ?? pool.stream(SilentSource(), order: .completion) {
                    workers.insert(pid)
                    if index == 1 { break }
                }
                workers.formUnion(try await pool.map([1, 2]))
            }
            while !workers.allSatisfy(Scene.isGone) { usleep(1000) }
        } catch {
            Issue.record(error)
        }
    }

    /// The numbers from 0 on, never at an end.
    static func leaving() {
        Scene.survive { pool throws in
            for order in [ForkPool.Order.input, .completion] {
                try Scene.expectSame { () throws in
                    for (index, result) in pool.stream(Steps.endless, order: order, { $0 + 1 }) {
                        #expect(try result.get() == index + 1)
                        if index == 100 { break }
                    }
                }
                try Scene.expectSame { () throws in
                    for (index, result) in pool.stream(0..<1_000_000, order: order, { "\($0)" }) {
                        #expect(try result.get() == "\(index)")
                        if index == 100 { break }
                    }
                }
            }
        }
    }

    static func leavingNamed() {
        Scene.survive { pool throws in
            let stream = pool.stream(Steps.endless) { $0 + 1 }
            try Scene.expectSame { () throws in
                for (index, result) in stream {
                    #expect(try result.get() == index + 1)
                    if index == 10 { break }
                }
            }
            // The stream is over and does not begin again.
            #expect(stream.map { $0.result.failure?.code } == [.closed])
            extendLifetime(stream)
        }
    }

    static func leavingAsynchronously() async {
        await Scene.survive { (pool) async throws in
            for order in [ForkPool.Order.input, .completion] {
                try await Scene.expectSame { () async throws in
                    let source = Steps()
                    for try await (index, output) in pool.stream(source, order: order, { $0 + 1 }) {
                        #expect(output == index + 1)
                        if index == 100 { break }
                    }
                    await source.waitForEnd()
                }
                try await Scene.expectSame { () async throws in
                    let stream = pool.stream(Steps.endless, order: order) { "\($0)" }
                    for await (index, result) in stream.results {
                        #expect(result.value == "\(index)")
                        if index == 100 { break }
                    }
                    extendLifetime(stream)
                }
            }
        }
    }

    static func dropped() {
        Scene.survive { pool throws in
            try Scene.expectSame { () throws in
                _ = pool.stream(Steps.endless) { $0 }
                _ = pool.stream(0..<10) { $0 }
                _ = pool.stream(Steps()) { $0 }
            }
            try Scene.expectSame { () throws in
                var iterator: ForkPool.Stream<Int>.Iterator? = pool.stream(Steps.endless) { $0 }.makeIterator()
                #expect(iterator?.next()?.result.value == 0)
                #expect(iterator?.next()?.result.value == 1)
                iterator = nil
            }
        }
    }

    static func leavingBusy() {
        Scene.survive { pool throws in
            for order in [ForkPool.Order.input, .completion] {
                try Scene.expectSame { () throws in
                    let pids = PidPipe()
                    let stream = pool.stream(0..<100, order: order) { item in
                        if item > 1 {
                            pids.send()
                            Process.sleepForEver()
                        }
                        return item
                    }
                    var read = 0
                    for (index, result) in stream {
                        #expect(try result.get() == index)
                        read += 1
                        if read == 2 { break }
                    }
                    // Workers that had begun are gone, not only told to end.
                    pids.closeWriting()
                    while pids.receive() != -1 {}
                }
            }
        }
    }

    static func many() {
        Scene.survive { pool throws in
            let before = Files.threads
            for _ in 0..<100 {
                for (index, result) in pool.stream(Steps.endless, { $0 }) {
                    #expect(try result.get() == index)
                    if index == 5 { break }
                }
            }
            // Dispatch has threads of its own, which come and go.
            #expect(Files.threads < before + 20)
        }
    }
}
