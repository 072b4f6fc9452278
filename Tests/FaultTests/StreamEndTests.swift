import ForkPool
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

    @Test("F6: a stream that is cancelled while it waits fails as cancelled and leaves nothing")
    func cancelledWaiting() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.cancelledWaiting() }
    }

    @Test("F6: a stream that is cancelled while results are ready fails as cancelled and leaves nothing")
    func cancelledReady() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.cancelledReady() }
    }

    @Test("F6: a stream in a task that was cancelled before it fails as cancelled")
    func cancelledBefore() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.cancelledBefore() }
    }

    @Test("F6: a stream of a resident pool that is cancelled leaves the pool as it was")
    func cancelledResident() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.cancelledResident() }
    }

    @Test("An asynchronous source that never yields is left, by cancelling the task or by leaving the loop")
    func silentSource() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.silentSource() }
    }

    @Test("An asynchronous source that never yields is left when the results of a cancelled task are read to their end")
    func silentResults() async {
        await #expect(processExitsWith: .success) { await StreamEndScenes.silentResults() }
    }

    @Test("100 streams that are left early leave no thread")
    func many() async {
        await #expect(processExitsWith: .success) { StreamEndScenes.many() }
    }
}

private enum StreamEndScenes {
    /// The numbers from 0 on, never at an end.
    private static var endless: UnfoldFirstSequence<Int> { sequence(first: 0) { $0 + 1 } }

    static func leaving() {
        Scene.survive { pool throws in
            for order in [ForkPool.Order.input, .completion] {
                try StreamCensus.expectSame { () throws in
                    for (index, result) in pool.stream(endless, order: order, { $0 + 1 }) {
                        #expect(try result.get() == index + 1)
                        if index == 100 { break }
                    }
                }
                try StreamCensus.expectSame { () throws in
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
            let stream = pool.stream(endless) { $0 + 1 }
            try StreamCensus.expectSame { () throws in
                for (index, result) in stream {
                    #expect(try result.get() == index + 1)
                    if index == 10 { break }
                }
            }
            // It is over, and not begun again.
            for (index, _) in stream { Issue.record("item \(index) came after the end") }
            extendLifetime(stream)
        }
    }

    static func leavingAsynchronously() async {
        await StreamCensus.survive { (pool) async throws in
            for order in [ForkPool.Order.input, .completion] {
                try await StreamCensus.expectSameAsync { () async throws in
                    let source = Steps()
                    for try await (index, output) in pool.stream(source, order: order, { $0 + 1 }) {
                        #expect(output == index + 1)
                        if index == 100 { break }
                    }
                    await source.waitForEnd()
                }
                try await StreamCensus.expectSameAsync { () async throws in
                    let stream = pool.stream(endless, order: order) { "\($0)" }
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
            try StreamCensus.expectSame { () throws in
                _ = pool.stream(endless) { $0 }
                _ = pool.stream(0..<10) { $0 }
                _ = pool.stream(Steps()) { $0 }
            }
            try StreamCensus.expectSame { () throws in
                var iterator: ForkPool.Stream<Int>.Iterator? = pool.stream(endless) { $0 }.makeIterator()
                #expect(iterator?.next()?.result.value == 0)
                #expect(iterator?.next()?.result.value == 1)
                iterator = nil
            }
        }
    }

    static func leavingBusy() {
        Scene.survive { pool throws in
            for order in [ForkPool.Order.input, .completion] {
                try StreamCensus.expectSame { () throws in
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
                    // Who had begun is gone, not only told to end.
                    pids.closeWriting()
                    while pids.receive() != -1 {}
                }
            }
        }
    }

    static func cancelledWaiting() async {
        await StreamCensus.survive { (pool) async throws in
            let pids = PidPipe()
            let task = Task {
                var read = 0
                for try await (index, _) in pool.stream(
                    0..<100,
                    { item -> Int in
                        if item < 2 { return item }
                        pids.send()
                        Process.sleepForEver()
                    })
                {
                    #expect(index == read)
                    read += 1
                }
                return read
            }
            _ = await pids.receive(2)
            task.cancel()
            await expectCancelled(task)
            pids.closeWriting()
            #expect(pids.everyWriterIsGone())
        }
    }

    static func cancelledReady() async {
        for order in [ForkPool.Order.input, .completion] {
            await StreamCensus.survive { (pool) async throws in
                let task = Task {
                    var read = 0
                    for try await (index, output) in pool.stream(endless, order: order, { $0 }) {
                        #expect(index == output)
                        read += 1
                        // From here on there is always something to read, and nothing to wait for.
                        if read == 50 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
                        if read > 50 { Issue.record("item \(index) came after the end") }
                        if read > 60 { break }
                    }
                    return read
                }
                await expectCancelled(task)
            }
        }
    }

    static func cancelledBefore() async {
        await StreamCensus.survive { (pool) async throws in
            let task = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                for try await (index, _) in pool.stream(endless, { $0 }) { return index }
                return -1
            }
            await expectCancelled(task)
            let outcomes = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                var all: [Result<Int, ForkPool.Failure>] = []
                for await (_, result) in pool.stream(Steps(), { $0 }).results { all.append(result) }
                return all
            }
            let all = await outcomes.value
            #expect(all.last?.failure?.code == .cancelled)
        }
    }

    static func cancelledResident() async {
        await StreamCensus.survive { (pool) async throws in
            let resident = try pool.resident { (item: Int) -> Int in
                if item == 3 { Process.sleepForEver() }
                return item * 2
            }
            for _ in 0..<10 {
                let task = Task {
                    var read = 0
                    for try await (index, output) in resident.stream(endless) {
                        #expect(output == index * 2)
                        read += 1
                    }
                    return read
                }
                _ = try await resident(5)
                task.cancel()
                await expectCancelled(task)
                #expect(try await resident.map([1, 2, 4]) == [2, 4, 8])
            }
            await resident.finish()
        }
    }

    static func silentResults() async {
        await StreamCensus.survive { (pool) async throws in
            let source = Steps(silentFrom: 3, isDeaf: false)
            let task = Task {
                var cancelled = 0
                for await (_, result) in pool.stream(source, { $0 * 2 }).results
                where result.failure?.code == .cancelled {
                    cancelled += 1
                }
                return cancelled
            }
            await source.waitForSilence()
            task.cancel()
            #expect(await task.value == 1)
            await source.waitForEnd()
        }
    }

    static func silentSource() async {
        await StreamCensus.survive { (pool) async throws in
            for isDeaf in [false, true] {
                let source = Steps(silentFrom: 3, isDeaf: isDeaf)
                let task = Task {
                    var read = 0
                    for try await (index, output) in pool.stream(source, { $0 * 2 }) {
                        #expect(output == index * 2)
                        read += 1
                    }
                    return read
                }
                await source.waitForSilence()
                task.cancel()
                await expectCancelled(task)
                // A source that does not hear of cancelling stays, but nothing else does.
                source.letGo()
                await source.waitForEnd()
                let left = Steps(silentFrom: 3, isDeaf: isDeaf)
                for try await (index, output) in pool.stream(left, { $0 * 2 }) {
                    #expect(output == index * 2)
                    if index == 2 { break }
                }
                left.letGo()
                await left.waitForEnd()
            }
        }
    }

    static func many() {
        Scene.survive { pool throws in
            let before = threads()
            for _ in 0..<100 {
                for (index, result) in pool.stream(endless, { $0 }) {
                    #expect(try result.get() == index)
                    if index == 5 { break }
                }
            }
            // Dispatch has some of its own, which come and go.
            #expect(threads() < before + 20)
        }
    }

    private static func threads() -> Int {
        let line = Files.text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("Threads:") }
        return line.flatMap { Int($0.split(separator: "\t")[1]) } ?? 0
    }

    private static func expectCancelled(_ task: Task<Int, any Error>) async {
        switch await task.result {
        case .success(let read): Issue.record("it was not cancelled, and read \(read) items")
        case .failure(let error as ForkPool.Failure):
            #expect(error.code == .cancelled, "\(error)")
        case .failure(let error): Issue.record(error)
        }
    }
}
