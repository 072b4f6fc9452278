import ForkPool
import Glibc
import Testing

@Suite struct CancelTests {
    @Test("F6: a map that is cancelled before it begins fails as cancelled and leaves nothing")
    func before() async {
        await #expect(processExitsWith: .success) { await CancelScenes.before() }
    }

    @Test("F6: a map that is cancelled in the middle of its items fails as cancelled and leaves nothing")
    func during() async {
        await #expect(processExitsWith: .success) { await CancelScenes.during() }
    }

    @Test("F6: a map that is cancelled with 100 MB of results in flight leaves nothing")
    func withResults() async {
        await #expect(processExitsWith: .success) { await CancelScenes.withResults() }
    }

    @Test("F6: a map that is cancelled after its end keeps its results")
    func after() async {
        await #expect(processExitsWith: .success) { await CancelScenes.after() }
    }

    @Test("F6: mapResults that is cancelled keeps what was done and says of the rest that it was cancelled")
    func partOfResults() async {
        await #expect(processExitsWith: .success) { await CancelScenes.partOfResults() }
    }

    @Test("F6: 100 asynchronous maps leave no thread and no doorbell")
    func many() async {
        await #expect(processExitsWith: .success) { await CancelScenes.many() }
    }
}

private enum CancelScenes {
    static func before() async {
        await Scene.survive { pool in
            let gate = Gate()
            let task = Task {
                await gate.wait()
                return try await pool.map(0..<4) { _ -> Int in Process.sleepForEver() }
            }
            task.cancel()
            await gate.open()
            await expectCancelled(task)
        }
    }

    static func during() async {
        await Scene.survive(options: .init(chunk: .fixed(1))) { pool in
            let pids = PidPipe()
            let task = Task {
                try await pool.map(0..<4) { _ -> Int in
                    pids.send()
                    Process.sleepForEver()
                }
            }
            // Both workers are in the middle of an item.
            _ = await pids.receive(2)
            task.cancel()
            await expectCancelled(task)
            // They are not only told to end: they are gone.
            pids.closeWriting()
            #expect(pids.everyWriterIsGone())
        }
    }

    static func withResults() async {
        await Scene.survive(options: .init(chunk: .fixed(1))) { pool in
            let pids = PidPipe()
            let task = Task {
                try await pool.map(0..<12) { item in
                    if item >= 10 {
                        pids.send()
                        Process.sleepForEver()
                    }
                    return [UInt8](repeating: UInt8(item), count: 10_000_000)
                }
            }
            _ = await pids.receive(2)
            task.cancel()
            await expectCancelled(task)
        }
    }

    static func after() async {
        await Scene.survive { (pool) async throws in
            let task = Task { try await pool.map(0..<4) { $0 * 3 } }
            #expect(try await task.value == [0, 3, 6, 9])
            task.cancel()
            #expect(try await task.value == [0, 3, 6, 9])
        }
    }

    static func partOfResults() async {
        await Scene.survive(options: .init(chunk: .fixed(1))) { pool in
            let pids = PidPipe()
            let task = Task {
                await pool.mapResults(0..<6) { item in
                    if item >= 2 {
                        pids.send()
                        Process.sleepForEver()
                    }
                    return "value \(item)"
                }
            }
            _ = await pids.receive(2)
            task.cancel()
            let results = await task.value
            #expect(results.map(\.value) == ["value 0", "value 1", nil, nil, nil, nil])
            #expect(results[2...].allSatisfy { $0.failure?.code == .cancelled })
            #expect(results[2...].map { $0.failure?.index } == [2, 3, 4, 5])
        }
    }

    static func many() async {
        await Scene.survive { pool in
            let before = (threads: Files.threads, eventCounters: Files.eventCounters)
            for number in 0..<100 { #expect((try? await pool.map(0..<2) { $0 + number }) == [number, number + 1]) }
            // Dispatch has some of its own, which come and go.
            #expect(Files.threads < before.threads + 20)
            #expect(Files.eventCounters < before.eventCounters + 20)
        }
    }

    private static func expectCancelled<T>(_ task: Task<T, any Error>) async {
        switch await task.result {
        case .success: Issue.record("it was not cancelled")
        case .failure(let error as ForkPool.Failure): #expect(error.code == .cancelled, "\(error)")
        case .failure(let error): Issue.record(error)
        }
    }
}

/// Holds a task until another lets it go.
private actor Gate {
    private var isOpen = false
    private var waiting: CheckedContinuation<Void, Never>?

    func wait() async {
        guard !isOpen else { return }
        await withCheckedContinuation { waiting = $0 }
    }

    func open() {
        isOpen = true
        waiting?.resume()
        waiting = nil
    }
}
