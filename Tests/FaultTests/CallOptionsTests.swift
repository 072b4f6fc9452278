// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Timeouts, retries and priorities that single calls and maps ask for.
@Suite struct CallOptionsTests {
    @Test("A timeout of single calls ends their items alone, in a pool without one", arguments: Kind.allCases)
    func timeout(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallOptionsScenes.timeout(kind)
            CallOptionsScenes.noTimeout(kind)
            await CallOptionsScenes.timeoutOfTasks(kind)
        }
    }

    @Test("An item runs again as often as its own call asks for", arguments: Kind.allCases)
    func retries(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallOptionsScenes.retries(kind) }
    }

    @Test("What has a higher priority goes before what waits for longer", arguments: Kind.allCases)
    func priority(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallOptionsScenes.order(kind)
            await CallOptionsScenes.orderOfTasks(kind)
        }
    }

    @Test(
        "A worker leaves a map after its items for one of a higher priority, and for no other", arguments: Kind.allCases
    )
    func leaves(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CallOptionsScenes.leaves(kind, for: 1, noted: [1, 9, 2, 3])
            CallOptionsScenes.leaves(kind, for: -1, noted: [1, 2, 3, 9])
        }
    }

    @Test(
        "A call of a higher priority does not wait for the end of maps that take every place", arguments: Kind.resident)
    func crowd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallOptionsScenes.crowd(kind) }
    }

    @Test("Callers that wait for room stand in line by their priority", arguments: Kind.resident)
    func room(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallOptionsScenes.room(kind) }
    }

    @Test("Pools that ask for different things share their workers and their line", arguments: Kind.allCases)
    func sharing(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallOptionsScenes.sharing(kind) }
    }

    @Test("Each of several jobs that share workers may ask for other things", arguments: [Kind.residentJob, .exec])
    func severalJobs(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CallOptionsScenes.severalJobs(kind) }
    }
}

private enum CallOptionsScenes {
    private static func expectTimedOut(_ failure: ForkPool.Failure?, _ index: Int) {
        #expect(failure?.code == .timedOut && failure?.index == index && failure?.bodyRan == .yes)
        #expect(failure?.message.contains("longer than its timeout of 0.3 seconds") == true, "\(failure as Any)")
    }

    static func timeout(_ kind: Kind) {
        Scene.survive(kind, workers: 3, options: .init(chunk: .fixed(1))) { pool throws in
            let hasty = pool.with { $0.timeout = .milliseconds(300) }
            let results = Threads.run(2) { thread in
                thread == 0
                    ? pool.mapResults([.nap(600), .give(5)]) : hasty.mapResults([.give(1), .nap(60_000), .give(3)])
            }
            #expect(results[0].map(\.value) == [-1, 5])
            expectTimedOut(results[1][1].failure, 1)
            #expect(results[1][0].value == 1 && results[1][2].value == 3)
            var outcomes: [Int?] = []
            for (index, result) in hasty.stream([.give(6), .nap(60_000)], window: 1) {
                if index == 1 { expectTimedOut(result.failure, 1) }
                outcomes.append(result.value)
            }
            #expect(outcomes == [6, nil])
        }
    }

    static func noTimeout(_ kind: Kind) {
        Scene.survive(kind, options: .init(timeout: .milliseconds(300))) { pool throws in
            let patient = pool.with { $0.timeout = nil }
            #expect(try patient.map([.nap(600), .give(1)]) == [-1, 1])
            expectTimedOut(pool.mapResults([.give(1), .nap(60_000)])[1].failure, 1)
            #expect(try pool.with { $0.timeout = .seconds(600) }.map([.nap(600)]) == [-1])
        }
    }

    static func timeoutOfTasks(_ kind: Kind) async {
        await Scene.survive(kind) { pool async throws in
            let hasty = pool.with { $0.timeout = .milliseconds(300) }
            expectTimedOut(await hasty.mapResults([.give(1), .nap(60_000)])[1].failure, 1)
            guard kind != .oneShot else { return }
            // The supervisor looks at nothing then.
            Looking.untilIdle()
            let call = hasty.submit(.nap(60_000))
            while !call.isDone { await Task.yield() }
            expectTimedOut(failure { () throws(ForkPool.Failure) in try call.wait() }, 0)
        }
    }

    static func retries(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let deed = Deed.upTo(attempt: 2, .raise(SIGKILL), then: .attempt)
            #expect(pool.mapResults([deed])[0].failure?.code == .killed)
            #expect(try pool.with { $0.retries = 2 }.map([deed]) == [3])
            let once = pool.with { $0.retries = 1 }.mapResults([deed])[0].failure
            #expect(once?.code == .killed && once?.attempt == 2)
            let other = pool.with {
                $0.retries = 2
                $0.retryReasons = .timeout
            }
            #expect(other.mapResults([deed])[0].failure?.attempt == 1)
        }
    }

    /// Has maps of these priorities wait in this order for the only worker; returns them in the order in which they began.
    private static func noted(_ priorities: [Int], in pool: Scene.Pool, at meeting: Rendezvous) -> [Int] {
        Threads.run(priorities.count + 2) { thread in
            switch thread {
            case 0: _ = try? pool.map([.wait(at: meeting.path, 1, then: .give(0))])
            case priorities.count + 1:
                while pool.busy < 1 || pool.pending < priorities.count { sched_yield() }
                meeting.arrive()
            default:
                while pool.busy < 1 || pool.pending < thread - 1 { sched_yield() }
                let number = Int32(thread - 1)
                _ = try? pool.with { $0.priority = priorities[thread - 1] }.map([.note(at: meeting.path, number)])
            }
        }
        return priorities.map { _ in Int(meeting.receive()) }
    }

    static func order(_ kind: Kind) {
        Scene.survive(kind, workers: 1) { pool throws in
            let meeting = Rendezvous()
            #expect(noted([0, 3, .min, .max, -1], in: pool, at: meeting) == [3, 1, 0, 4, 2])
        }
    }

    static func orderOfTasks(_ kind: Kind) async {
        await Scene.survive(kind, workers: 1) { pool async throws in
            let meeting = Rendezvous()
            let path = meeting.path
            let first = Task { try await pool.map([.wait(at: path, 1, then: .give(0))]) }
            while pool.busy < 1 { await Task.yield() }
            var tasks: [Task<[Int], any Error>] = []
            for priority in [0, 1, 2] {
                tasks.append(
                    Task {
                        try await pool.with { $0.priority = priority }.map([.note(at: path, Int32(priority))])
                    })
                while pool.pending < tasks.count { await Task.yield() }
            }
            meeting.arrive()
            #expect(await meeting.receive(3) == [2, 1, 0])
            #expect(try await first.value == [0])
            for (priority, task) in tasks.enumerated() { #expect(try await task.value == [priority]) }
        }
    }

    static func leaves(_ kind: Kind, for priority: Int, noted: [Int32]) {
        Scene.survive(kind, workers: 1, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            let results = Threads.run(3) { thread -> [Int]? in
                switch thread {
                case 0:
                    let first = Deed.wait(at: meeting.path, 1, then: .note(at: meeting.path, 1))
                    return try? pool.map([first, .note(at: meeting.path, 2), .note(at: meeting.path, 3)])
                case 1:
                    while pool.busy < 1 { sched_yield() }
                    return try? pool.with { $0.priority = priority }.map([.note(at: meeting.path, 9)])
                default:
                    while pool.pending < 1 { sched_yield() }
                    meeting.arrive()
                    return nil
                }
            }
            #expect(results == [[1, 2, 3], [9], nil])
            #expect(noted.map { _ in meeting.receive() } == noted)
        }
    }

    static func crowd(_ kind: Kind) {
        Scene.survive(kind, workers: 1) { pool throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.busy < 1 { sched_yield() }
            // More than can be open at once.
            let others = (0..<200).map { _ in pool.submit(.note(at: meeting.path, 1)) }
            let urgent = pool.with { $0.priority = 1 }.submit(.note(at: meeting.path, 2))
            #expect(pool.pending == 201)
            meeting.arrive()
            #expect((0..<201).map { _ in meeting.receive() } == [2] + Array(repeating: 1, count: 200))
            #expect(try first.wait() == 0 && urgent.wait() == 2)
            for call in others { #expect(try call.wait() == 1) }
        }
    }

    static func room(_ kind: Kind) {
        Scene.survive(kind, workers: 1, options: .init(maxPending: 0)) { pool throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while pool.busy < 1 { sched_yield() }
            let results = Threads.run(4) { thread -> Int? in
                guard thread < 3 else {
                    var line: [Int] { pool.resident.pool.locked { $0.roomLine.map(\.priority) } }
                    while line.count < 3 { sched_yield() }
                    let order = line
                    meeting.arrive()
                    return order == [2, 1, 0] ? nil : 7
                }
                return try? pool.with { $0.priority = thread }(.note(at: meeting.path, Int32(thread)))
            }
            #expect(results == [0, 1, 2, nil])
            // One that was woken looks by itself, so another one may pass it.
            #expect((0..<3).map { _ in meeting.receive() }.sorted() == [0, 1, 2])
            #expect(try first.wait() == 0)
        }
    }

    static func severalJobs(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let stubborn = ForkPool(workers: 2).with { $0.retries = 1 }
            let (one, other) = try stubborn.resident(
                Performer(), Performer(), start: kind == .exec ? .exec : .fork)
            let hasty = one.with {
                $0.retries = 0
                $0.timeout = .milliseconds(300)
            }
            let deed = Deed.upTo(attempt: 1, .raise(SIGKILL), then: .attempt)
            #expect(try one(deed) == 2 && other(deed) == 2)
            #expect(failure { () throws(ForkPool.Failure) in try hasty(deed) }?.code == .killed)
            expectTimedOut(failure { () throws(ForkPool.Failure) in try hasty(.nap(60_000)) }, 0)
            #expect(try one(.nap(600)) == -1 && other(.nap(600)) == -1)
            // The view is of the same job.
            one.close()
            #expect(failure { () throws(ForkPool.Failure) in try hasty(.give(1)) }?.code == .closed)
            #expect(try other(.give(2)) == 2)
            other.close()
        }
    }

    static func sharing(_ kind: Kind) {
        Scene.survive(kind, workers: 1) { pool throws in
            let meeting = Rendezvous()
            let other = pool.with { $0.retries = 1 }
            let results = Threads.run(3) { thread -> [Int]? in
                switch thread {
                case 0: return try? pool.map([.wait(at: meeting.path, 1, then: .give(0))])
                case 1:
                    while other.busy < 1 { sched_yield() }
                    return try? other.map([.give(1)])
                default:
                    while pool.pending < 1 || other.pending < 1 { sched_yield() }
                    let seen = [pool.busy, other.busy, pool.workers, other.workers]
                    meeting.arrive()
                    return seen
                }
            }
            #expect(results == [[0], [1], [1, 1, 1, 1]])
        }
    }
}
