// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct StreamCancelTests {
    @Test("F6: a stream that is cancelled while it waits fails as cancelled and leaves nothing")
    func cancelledWaiting() async {
        await #expect(processExitsWith: .success) { await StreamCancelScenes.cancelledWaiting() }
    }

    @Test("F6: a stream that is cancelled while results are ready fails as cancelled and leaves nothing")
    func cancelledReady() async {
        await #expect(processExitsWith: .success) { await StreamCancelScenes.cancelledReady() }
    }

    @Test("F6: a stream in a task that was cancelled before it fails as cancelled")
    func cancelledBefore() async {
        await #expect(processExitsWith: .success) { await StreamCancelScenes.cancelledBefore() }
    }

    @Test("F6: a stream of a resident pool that is cancelled leaves the pool as it was")
    func cancelledResident() async {
        await #expect(processExitsWith: .success) { await StreamCancelScenes.cancelledResident() }
    }

    @Test("An asynchronous source that never yields is left when the results of a cancelled task are read to their end")
    func silentResults() async {
        await #expect(processExitsWith: .success) { await StreamCancelScenes.silentResults() }
    }

    @Test("An asynchronous source that never yields is left, by cancelling the task or by leaving the loop")
    func silentSource() async {
        await #expect(processExitsWith: .success) { await StreamCancelScenes.silentSource() }
    }
}

private enum StreamCancelScenes {
    static func cancelledWaiting() async {
        await Scene.survive { (pool) async throws in
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
            await Scene.expectCancelled(task)
            pids.closeWriting()
            #expect(pids.everyWriterIsGone())
        }
    }

    static func cancelledReady() async {
        for order in [ForkPool.Order.input, .completion] {
            await Scene.survive { (pool) async throws in
                let task = Task {
                    var read = 0
                    for try await (index, output) in pool.stream(Steps.endless, order: order, { $0 }) {
                        #expect(index == output)
                        read += 1
                        // From here on a result is always ready, so the reader never waits.
                        if read == 50 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
                        if read > 50 { Issue.record("item \(index) came after the end") }
                        if read > 60 { break }
                    }
                    return read
                }
                await Scene.expectCancelled(task)
            }
        }
    }

    static func cancelledBefore() async {
        await Scene.survive { (pool) async throws in
            let task = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                for try await (index, _) in pool.stream(Steps.endless, { $0 }) { return index }
                return -1
            }
            await Scene.expectCancelled(task)
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
        await Scene.survive { (pool) async throws in
            let resident = try pool.resident { (item: Int) -> Int in
                if item == 3 { Process.sleepForEver() }
                return item * 2
            }
            for _ in 0..<10 {
                let task = Task {
                    var read = 0
                    for try await (index, output) in resident.stream(Steps.endless) {
                        #expect(output == index * 2)
                        read += 1
                    }
                    return read
                }
                _ = try await resident(5)
                task.cancel()
                await Scene.expectCancelled(task)
                #expect(try await resident.map([1, 2, 4]) == [2, 4, 8])
            }
            await resident.finish()
        }
    }

    static func silentResults() async {
        await Scene.survive { (pool) async throws in
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
            // An item whose batch is cancelled while the reader looks at it is cancelled, too.
            #expect(await task.value >= 1)
            await source.waitForEnd()
        }
    }

    static func silentSource() async {
        await Scene.survive { (pool) async throws in
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
                await Scene.expectCancelled(task)
                // A source that ignores cancellation stays, but nothing else does.
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
}
