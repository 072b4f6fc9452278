// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// What the tests of deadlines do, in processes of their own.
enum CallDeadlineScenes {
    private static func expectKilled(_ failure: ForkPool.Failure?, _ index: Int, attempt: Int = 1, after time: String) {
        #expect(failure?.code == .timedOut && failure?.index == index, "\(failure as Any)")
        #expect(failure?.bodyRan == .yes && failure?.attempt == attempt && failure?.signal == SIGKILL)
        #expect(failure?.message.contains("was not done within its deadline of \(time), and its worker") == true)
    }

    private static func expectWaited(_ failure: ForkPool.Failure?, after time: String) {
        #expect(failure?.code == .timedOut && failure?.bodyRan == .no && failure?.pid == nil, "\(failure as Any)")
        #expect(failure?.message.contains("waited in the queue for \(time), its whole deadline") == true)
    }

    static func passed(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            for deadline in [Duration.zero, .seconds(-1), .seconds(Int64.min)] {
                let results = pool.with { $0.deadline = deadline }.mapResults([.nap(60_000), .nap(60_000)])
                #expect(results.map { $0.failure?.code } == [.timedOut, .timedOut], "\(results)")
            }
            #expect(try pool.map([.give(1)]) == [1])
        }
    }

    static func runs(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let hasty = pool.with { $0.deadline = .milliseconds(300) }
            for overdue in [Deed.nap(60_000), .stop, .deaf(then: .spin)] {
                let results = hasty.mapResults([.give(1), overdue])
                expectKilled(results[1].failure, 1, after: "0.3 seconds")
                #expect(results[0].value == 1)
            }
            let whole = failure { () throws(ForkPool.Failure) in try hasty.map([.give(1), .nap(60_000)]) }
            #expect(whole?.code == .timedOut && whole?.index == nil)
            #expect(whole?.message.hasPrefix("the map was not done within its deadline of 0.3 seconds") == true)
            // One that ends in time is none the worse for it, and a later deadline is another one.
            #expect(try pool.with { $0.deadline = .seconds(600) }.map([.give(1), .nap(400)]) == [1, -1])
            guard kind != .oneShot else { return }
            let call = hasty.submit(.nap(60_000))
            expectKilled(failure { () throws(ForkPool.Failure) in try call.wait() }, 0, after: "0.3 seconds")
            expectKilled(failure { () throws(ForkPool.Failure) in try hasty(.stop) }, 0, after: "0.3 seconds")
        }
    }

    static func runsForTasks(_ kind: Kind) async {
        await Scene.survive(kind) { pool async throws in
            let hasty = pool.with { $0.deadline = .milliseconds(300) }
            let results = await hasty.mapResults([.give(1), .nap(60_000)])
            expectKilled(results[1].failure, 1, after: "0.3 seconds")
            #expect(results[0].value == 1)
            #expect(try await hasty.map([.give(4)]) == [4])
        }
    }

    static func waits(_ kind: Kind) {
        Scene.survive(kind, workers: 1) { pool throws in
            let meeting = Rendezvous()
            let results = Threads.run(2) { thread -> [Int?] in
                if thread == 0 { return pool.mapResults([.wait(at: meeting.path, 1, then: .give(7))]).map(\.value) }
                while pool.busy < 1 { sched_yield() }
                let hasty = pool.with { $0.deadline = .milliseconds(50) }
                for (index, result) in hasty.mapResults([.give(1), .give(2)]).enumerated() {
                    expectWaited(result.failure, after: "0.05 seconds")
                    #expect(result.failure?.index == index)
                }
                let whole = failure { () throws(ForkPool.Failure) in try hasty.map([.give(1)]) }
                expectWaited(whole, after: "0.05 seconds")
                #expect(whole?.index == nil && whole?.message.hasPrefix("the map waited") == true)
                #expect(pool.pending == 0 && pool.busy == 1)
                meeting.arrive()
                return []
            }
            #expect(results == [[7], []])
        }
    }

    static func waitsForTasks(_ kind: Kind) async {
        await Scene.survive(kind, workers: 1) { pool async throws in
            let meeting = Rendezvous()
            let path = meeting.path
            let first = Task { try await pool.map([.wait(at: path, 1, then: .give(7))]) }
            while pool.busy < 1 { await Task.yield() }
            let patient = Task { try await pool.with { $0.deadline = .seconds(600) }.map([.give(8)]) }
            while pool.pending < 1 { await Task.yield() }
            await withTaskGroup(of: (Int, [Result<Int, ForkPool.Failure>]).self) { group in
                for time in 81...89 {
                    group.addTask {
                        (time, await pool.with { $0.deadline = .milliseconds(time) }.mapResults([.give(1)]))
                    }
                }
                for await (time, results) in group { expectWaited(results[0].failure, after: "0.0\(time) seconds") }
            }
            #expect(pool.pending == 1 && pool.busy == 1)
            meeting.arrive()
            #expect(try await first.value == [7])
            #expect(try await patient.value == [8])
        }
    }

    static func crowd(_ kind: Kind) {
        Scene.survive(kind, workers: 1) { pool throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(7)))
            while pool.busy < 1 { sched_yield() }
            let calls = (0..<300).map { number in
                pool.with { $0.deadline = number % 3 == 0 ? nil : .milliseconds(100 * (number % 3)) }.submit(
                    .give(number))
            }
            for (number, call) in calls.enumerated() where number % 3 > 0 {
                let failed = failure { () throws(ForkPool.Failure) in try call.wait() }
                expectWaited(failed, after: number % 3 == 1 ? "0.1 seconds" : "0.2 seconds")
                #expect(failed?.index == 0)
            }
            #expect(pool.pending == 100)
            meeting.arrive()
            #expect(try first.wait() == 7)
            for number in stride(from: 0, to: 300, by: 3) { #expect(try calls[number].wait() == number) }
        }
    }

    static func room(_ kind: Kind) {
        Scene.survive(kind, workers: 1, options: .init(maxPending: 0)) { pool throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(7)))
            while pool.busy < 1 { sched_yield() }
            let hasty = pool.with { $0.deadline = .milliseconds(50) }
            let failures = [
                failure { () throws(ForkPool.Failure) in try hasty.submit(.give(1)).wait() },
                failure { () throws(ForkPool.Failure) in try hasty.resident.submit(.give(1), whenFull: .wait).wait() },
                failure { () throws(ForkPool.Failure) in try hasty(.give(1)) },
            ]
            for failure in failures {
                expectWaited(failure, after: "0.05 seconds")
                #expect(failure?.index == 0)
            }
            expectWaited(failure { () throws(ForkPool.Failure) in try hasty.map([.give(1)]) }, after: "0.05 seconds")
            #expect(pool.resident.pool.locked { $0.roomLine.count } == 0)
            meeting.arrive()
            #expect(try first.wait() == 7)
        }
    }

    static func roomForTasks(_ kind: Kind) async {
        await Scene.survive(kind, workers: 1, options: .init(maxPending: 0)) { pool async throws in
            let meeting = Rendezvous()
            let first = pool.submit(.wait(at: meeting.path, 1, then: .give(7)))
            while pool.busy < 1 { await Task.yield() }
            let patient = Task { try await pool(.give(8)) }
            while pool.resident.pool.locked({ $0.roomLine.count }) < 1 { await Task.yield() }
            let hasty = pool.with { $0.deadline = .milliseconds(50) }
            expectWaited(await hasty.mapResults([.give(1)])[0].failure, after: "0.05 seconds")
            let call = try await hasty.resident.submit(.give(1), whenFull: .wait)
            expectWaited(failure { () throws(ForkPool.Failure) in try call.wait() }, after: "0.05 seconds")
            meeting.arrive()
            #expect(try await first.value == 7)
            #expect(try await patient.value == 8)
        }
    }

    static func attempts(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let stubborn = pool.with {
                $0.retries = 5
                $0.deadline = .milliseconds(500)
            }
            let again = Deed.upTo(attempt: 1, .raise(SIGKILL), then: .nap(60_000))
            expectKilled(stubborn.mapResults([again])[0].failure, 0, attempt: 2, after: "0.5 seconds")
            let pausing = stubborn.with { $0.retryPause = .seconds(600) }
            let paused = pausing.mapResults([.raise(SIGKILL), .give(1)])
            #expect(paused[1].value == 1)
            let failure = paused[0].failure
            #expect(
                failure?.code == .timedOut && failure?.bodyRan == .yes && failure?.attempt == 2, "\(failure as Any)")
            #expect(failure?.pid == nil)
            #expect(failure?.description.hasPrefix("item 0, at attempt 2, was not done within its deadline") == true)
        }
    }

    static func stream(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let hasty = pool.with { $0.deadline = .milliseconds(300) }
            var seen = 0
            for (index, result) in hasty.stream((0..<10).map { $0 == 4 ? .nap(60_000) : .give($0) }, window: 1) {
                #expect(index == seen)
                if index == 4 {
                    expectKilled(result.failure, 4, after: "0.3 seconds")
                } else {
                    #expect(result.value == index)
                }
                seen += 1
            }
            #expect(seen == 10)
        }
    }

    static func streamOfTasks(_ kind: Kind) async {
        await Scene.survive(kind, workers: 1) { pool async throws in
            let hasty = pool.with { $0.deadline = .milliseconds(300) }
            var failures: [Int: ForkPool.Failure] = [:]
            // The second one waits behind the first for the only worker.
            let deeds: [Deed] = [.nap(60_000), .nap(60_000)]
            for await (index, result) in hasty.stream(deeds, order: .completion).results {
                failures[index] = result.failure
            }
            #expect(failures.count == 2)
            for index in 0..<2 { #expect(failures[index]?.code == .timedOut, "\(failures)") }
        }
    }

    static func turn() {
        Scene.survive(.oneShot, workers: 1, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            let isOver = SharedCounter()
            let results = Threads.run(2) { thread -> [ForkPool.Failure?] in
                if thread == 0 {
                    defer { isOver.add() }
                    let naps = (0..<200).map { _ in Deed.nap(20) }
                    return pool.with { $0.deadline = .milliseconds(600) }.mapResults(naps).map(\.failure)
                }
                while pool.busy < 1 { sched_yield() }
                // It takes its turn after 100 ms, and keeps the worker until the other one is over.
                let deed = Deed.say(at: meeting.path, then: .wait(at: meeting.path, 1, then: .give(1)))
                return Threads.run(2) { thread in
                    if thread == 0 { return pool.mapResults([deed])[0].failure }
                    _ = meeting.receive()
                    while isOver.value == 0 { sched_yield() }
                    meeting.arrive()
                    return nil
                }
            }
            #expect(results[1].allSatisfy { $0 == nil })
            #expect(results[0].count == 200 && results[0].first! == nil)
            expectWaited(results[0].last!, after: "0.6 seconds")
        }
    }

    static func setUp(_ kind: Kind) {
        Scene.survive(Performer(), kind, options: .init(setUp: { usleep(2_000_000) }), nil) { pool throws in
            let failure = pool.with { $0.deadline = .milliseconds(100) }.mapResults([.give(1)])[0].failure
            #expect(failure?.code == .timedOut && failure?.bodyRan == .no, "\(failure as Any)")
            #expect(try pool.map([.give(2)]) == [2])
        }
    }

    static func tearDown() {
        Scene.leaveNothing { () throws in
            let pool = ForkPool(workers: 2, options: .init(tearDown: { sleep(60_000) }))
            let hasty = pool.with { $0.deadline = .milliseconds(300) }
            #expect(try hasty.map(0..<4) { $0 } == [0, 1, 2, 3])
            let failed = failure { () throws(ForkPool.Failure) in
                try hasty.map(0..<4) { item in if item == 2 { throw Plain(description: "no") } }
            }
            #expect(failed?.code == .thrown && failed?.index == 2, "\(failed as Any)")
        }
        Scene.leaveNothing { () throws in
            let (pool, ended) = (ForkPool(workers: 1), SharedCounter())
            let hasty = pool.with { $0.deadline = .milliseconds(300) }
            let stuck = try hasty.map(0..<4, state: { 0 }, tearDown: { _ in sleep(60_000) }) { _, item in item }
            #expect(stuck == [0, 1, 2, 3])
            #expect(try hasty.map(0..<4) { $0 } == [0, 1, 2, 3])
            try pool.forEach(
                0..<4, state: { 0 },
                tearDown: { _ in
                    usleep(600_000)
                    ended.add(1)
                }
            ) { _, _ in }
            #expect(ended.value == 1)
        }
    }
}
