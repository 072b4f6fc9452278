// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// What waits for the workers of a resident pool, and how much may.
@Suite struct PendingTests {
    @Test(
        "pending and busy count calls that wait and workers that work, and a submit beyond maxPending fails as full",
        arguments: Kind.resident)
    func submit(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            PendingScenes.submit(kind)
            PendingScenes.nothingWaits(kind)
        }
    }

    @Test("A submit, a call and a map wait for room, and go on when there is some", arguments: Kind.resident)
    func room(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            PendingScenes.room(kind)
            await PendingScenes.roomForTasks(kind)
        }
    }

    @Test(
        "A thousand calls that nothing waits for are submitted as fast as they are done, and no faster",
        arguments: Kind.resident)
    func producer(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            PendingScenes.producer(kind)
            await PendingScenes.producers(kind)
        }
    }

    @Test("What waits for room ends with the pool, or with its task", arguments: Kind.resident)
    func ends(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            PendingScenes.ends(kind, by: { $0.cancel() })
            PendingScenes.endsWithClose(kind)
            await PendingScenes.cancelled(kind)
        }
    }

    @Test(
        "With whenFull: .fail a call and a map fail as full, and a submit that is told to wait does",
        arguments: Kind.resident)
    func fails(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in PendingScenes.fails(kind) }
    }
}

private enum PendingScenes {
    private typealias Call = ForkPool.Call<Int>

    /// Runs a scene with a pool of one worker, whose worker is on a call that ends with the arrival at a rendezvous.
    private static func whileBusy(
        _ kind: Kind, maxPending: Int, whenFull: ForkPool.Options.WhenFull = .wait,
        _ scene: (Scene.Pool, Rendezvous) throws -> Void
    ) {
        Scene.survive(kind, workers: 1, options: .init(maxPending: maxPending, whenFull: whenFull)) { pool throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.resident.busy < 1 { sched_yield() }
            try scene(pool, meeting)
            #expect(try first.wait() == 0)
        }
    }

    static func submit(_ kind: Kind) {
        whileBusy(kind, maxPending: 2, whenFull: .fail) { pool, meeting throws in
            #expect(pool.resident.pending == 0)
            let calls = (1...4).map { pool.submit(.give($0)) }
            #expect(pool.resident.pending == 2 && pool.resident.busy == 1)
            for call in calls.suffix(2) {
                let refused = failure { () throws(ForkPool.Failure) in try call.wait() }
                #expect(refused?.code == .full && refused?.bodyRan == .no)
                #expect(refused?.message.contains("2 others wait") == true, "\(String(describing: refused))")
                #expect(call.isDone)
            }
            meeting.arrive()
            #expect(try calls.prefix(2).map { call throws in try call.wait() } == [1, 2])
            while pool.resident.busy > 0 { sched_yield() }
            #expect(pool.resident.pending == 0)
        }
    }

    static func nothingWaits(_ kind: Kind) {
        whileBusy(kind, maxPending: 0) { pool, meeting throws in
            #expect(
                failure { () throws(ForkPool.Failure) in _ = try pool.resident.submit(.give(1), whenFull: .fail) }?.code
                    == .full)
            meeting.arrive()
        }
    }

    static func room(_ kind: Kind) {
        whileBusy(kind, maxPending: 1) { pool, meeting throws in
            let second = pool.submit(.give(1))
            let arrived = SharedCounter()
            let results = Threads.run(5) { thread -> [Int]? in
                // Nothing of this is submitted before the first call is over.
                if thread < 4 { arrived.add() }
                switch thread {
                case 0: return (try? pool.resident.submit(.give(2), whenFull: .wait).wait()).map { [$0] }
                case 1: return (try? pool(.give(3))).map { [$0] }
                case 2: return try? pool.map([.give(4), .give(5)])
                case 3: return (try? pool.submit(.give(6)).wait()).map { [$0] }
                default:
                    while arrived.value < 4 { sched_yield() }
                    let pending = pool.resident.pending
                    meeting.arrive()
                    return [pending]
                }
            }
            #expect(results == [[2], [3], [4, 5], [6], [1]])
            #expect(try second.wait() == 1)
        }
    }

    static func roomForTasks(_ kind: Kind) async {
        await Scene.survive(kind, workers: 1, options: .init(maxPending: 1)) { pool async throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.resident.busy < 1 { await Task.yield() }
            let second = try await pool.resident.submit(.give(1), whenFull: .wait)
            let waiting = Task {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 2..<20 {
                        group.addTask {
                            number % 2 == 0
                                ? try await pool.resident.submit(.give(number), whenFull: .wait).value
                                : try await pool(.give(number))
                        }
                    }
                    return try await group.reduce(0, +)
                }
            }
            #expect(pool.resident.pending == 1)
            meeting.arrive()
            #expect(try await waiting.value == (2..<20).reduce(0, +))
            #expect(try await first.value == 0)
            #expect(try await second.value == 1)
        }
    }

    static func producer(_ kind: Kind) {
        Scene.survive(kind, workers: 2, options: .init(maxPending: 3)) { pool throws in
            var calls: [Call] = []
            for number in 0..<1000 {
                calls.append(try pool.resident.submit(.give(number), whenFull: .wait))
                let pending = pool.resident.pending
                // It counts workers that are between two calls one after the other: both may have changed meanwhile.
                #expect(pending <= 3 + 2)
            }
            #expect(try calls.map { call throws in try call.wait() } == Array(0..<1000))
        }
    }

    static func producers(_ kind: Kind) async {
        await Scene.survive(kind, workers: 2, options: .init(maxPending: 3)) { pool async throws in
            let sums = try await withThrowingTaskGroup(of: Int.self) { group in
                for producer in 0..<10 {
                    group.addTask {
                        var calls: [Call] = []
                        for number in 0..<50 {
                            calls.append(try await pool.resident.submit(.give(number + producer), whenFull: .wait))
                        }
                        var sum = 0
                        for call in calls { sum += try await call.value }
                        return sum
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sums.sorted() == (0..<10).map { 1225 + 50 * $0 })
        }
    }

    static func ends(_ kind: Kind, by end: (ForkPool.Resident<Deed, Int>) -> Void) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer(), workers: 1, options: .init(maxPending: 0))
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.resident.busy < 1 { sched_yield() }
            let arrived = SharedCounter()
            let codes = withoutActuallyEscaping(end) { end in
                nonisolated(unsafe) let end = end
                return Threads.run(3) { thread -> ForkPool.Failure.Code? in
                    if thread == 2 {
                        while arrived.value < 2 { sched_yield() }
                        unsafe end(pool.resident)
                        return nil
                    }
                    arrived.add()
                    return failure { () throws(ForkPool.Failure) in
                        _ =
                            thread == 0
                            ? try pool(.give(1)) : try pool.resident.submit(.give(2), whenFull: .wait).wait()
                    }?.code
                }
            }
            #expect(codes == [.closed, .closed, nil])
            #expect(failure { () throws(ForkPool.Failure) in try first.wait() }?.code == .cancelled)
        }
    }

    static func endsWithClose(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer(), workers: 1, options: .init(maxPending: 0))
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.resident.busy < 1 { sched_yield() }
            let codes = Threads.run(2) { thread -> ForkPool.Failure.Code? in
                if thread == 1 {
                    pool.close()
                    return nil
                }
                defer { meeting.arrive() }
                return failure { () throws(ForkPool.Failure) in _ = try pool(.give(1)) }?.code
            }
            #expect(codes == [.closed, nil])
            #expect(try first.wait() == 0)
        }
    }

    static func cancelled(_ kind: Kind) async {
        await Scene.survive(kind, workers: 1, options: .init(maxPending: 0)) { pool async throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.resident.busy < 1 { await Task.yield() }
            let call = Task { try await pool(.give(1)) }
            let submitted = Task { try await pool.resident.submit(.give(1), whenFull: .wait).value }
            await Task.yield()
            call.cancel()
            submitted.cancel()
            await Scene.expectCancelled(call)
            await Scene.expectCancelled(submitted)
            meeting.arrive()
            #expect(try await first.value == 0)
        }
    }

    static func fails(_ kind: Kind) {
        whileBusy(kind, maxPending: 1, whenFull: .fail) { pool, meeting throws in
            let second = pool.submit(.give(1))
            #expect(failure { () throws(ForkPool.Failure) in try pool(.give(2)) }?.code == .full)
            #expect(failure { () throws(ForkPool.Failure) in try pool.map([.give(2)]) }?.code == .full)
            #expect(pool.mapResults([.give(2), .give(3)]).map { $0.failure?.code } == [.full, .full])
            let submitted = Threads.run(2) { thread -> Int? in
                if thread == 0 { return try? pool.resident.submit(.give(4), whenFull: .wait).wait() }
                meeting.arrive()
                return nil
            }
            #expect(submitted == [4, nil])
            #expect(try second.wait() == 1)
        }
    }
}
