// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// A one-shot pool, which has no workers between two maps, is not ended.
@Suite struct EndTests {
    @Test("D1: a use after close(), cancel() or finish() is a failure that says so", arguments: Kind.resident)
    func useAfterEnd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            EndScenes.useAfterEnd(kind)
            await EndScenes.useAfterFinish(kind)
        }
    }

    @Test("D2: a worker that crashes after close() was called costs its item alone", arguments: Kind.resident)
    func crashAfterClose(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in EndScenes.crashAfterClose(kind) }
    }

    @Test("D4: close() finishes all queued calls, also more than can be open at once", arguments: Kind.resident)
    func closeFinishes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for calls in [50, 500] { EndScenes.closeFinishes(kind, calls: calls) }
        }
    }

    @Test(
        "D4: cancel() ends at once, and each queued call fails as cancelled, also of more than can be open at once",
        arguments: Kind.resident)
    func cancelEnds(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for calls in [50, 500] { EndScenes.cancelEnds(kind, calls: calls) }
        }
    }

    @Test("D7: a resident pool that is dropped with work pending leaves nothing", arguments: Kind.resident)
    func dropped(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in EndScenes.dropped(kind) }
    }

    @Test("D7: many tasks that wait for calls each learn that the pool was cancelled", arguments: Kind.resident)
    func cancelledTasks(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await EndScenes.cancelledTasks(kind) }
    }

    @Test(
        "D7: many pools that are made and ended leave no child, descriptor, mapping or thread",
        arguments: [(Kind.residentBody, 300), (.residentJob, 300), (.exec, 60)])
    func many(_ kind: Kind, pools: Int) async {
        await #expect(processExitsWith: .success) { [kind, pools] in EndScenes.many(kind, pools) }
    }

    @Test("D7: pools that are made and ended at once on 8 threads leave nothing", arguments: Kind.resident)
    func manyAtOnce(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in EndScenes.manyAtOnce(kind) }
    }
}

private enum EndScenes {
    static func useAfterEnd(_ kind: Kind) {
        for word in ["closed", "cancelled"] {
            Scene.leaveNothing { () throws in
                let pool = try kind.start(Performer())
                try Scene.answersRight(pool)
                let end = { if word == "closed" { pool.close() } else { pool.cancel() } }
                end()
                let thrown = [
                    failure { () throws(ForkPool.Failure) in try pool(.give(1)) },
                    failure { () throws(ForkPool.Failure) in try pool.map([.give(1)]) },
                    failure { () throws(ForkPool.Failure) in try pool.forEach([.give(1)]) },
                    failure { () throws(ForkPool.Failure) in try pool.submit(.give(1)).wait() },
                ]
                for failure in thrown {
                    #expect(failure?.code == .closed)
                    #expect(failure?.bodyRan == .no)
                    #expect(failure?.message == "the map was refused: the pool was \(word); make a new one")
                }
                let results = pool.mapResults([.give(1), .give(2)])
                #expect(results.map { $0.failure?.code } == [.closed, .closed])
                #expect(results.map { $0.failure?.index } == [0, 1])
                // End the pool once more.
                end()
                pool.cancel()
                pool.close()
            }
        }
    }

    static func useAfterFinish(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let pool = try kind.start(Performer())
            let before = pool.submit(.give(5))
            await pool.finish()
            #expect(try await before.value == 5)
            do throws(ForkPool.Failure) {
                _ = try await pool(.give(1))
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.code == .closed)
            }
            await pool.finish()
        }
    }

    static func crashAfterClose(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer())
            let calls = [
                pool.submit(.wait(at: meeting.path, 1, then: .raise(SIGKILL))),
                pool.submit(.wait(at: meeting.path, 1, then: .exit(3))), pool.submit(.give(2)),
            ]
            Process.onThread {
                // The pool is closed once it refuses new work.
                // Both workers wait for this thread, so it must not wait for them.
                let probe = { () throws(ForkPool.Failure) in try pool.submit(.give(0)).wait(for: .zero) }
                while failure(of: probe)?.code != .closed { sched_yield() }
                meeting.arrive()
            }
            pool.close()
            #expect(failure(of: calls[0].wait)?.signal == SIGKILL)
            #expect(failure(of: calls[1].wait)?.exitStatus == 3)
            #expect(try calls[2].wait() == 2)
        }
    }

    static func closeFinishes(_ kind: Kind, calls count: Int) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer())
            // No call ends before all are queued.
            let calls = (0..<count).map { pool.submit(.wait(at: meeting.path, 1, then: .give($0))) }
            meeting.arrive()
            pool.close()
            for (number, call) in calls.enumerated() { #expect(try call.wait() == number) }
        }
    }

    static func cancelEnds(_ kind: Kind, calls count: Int) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer())
            let calls = (0..<count).map { _ in pool.submit(.sleep(at: meeting.path)) }
            let workers = (0..<2).map { _ in meeting.receive() }
            pool.cancel()
            #expect(workers.allSatisfy(Scene.isGone))
            for call in calls {
                #expect(failure(of: call.wait)?.code == .cancelled)
            }
        }
    }

    static func dropped(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            var calls: [ForkPool.Call<Int>] = []
            var workers: [Int32] = []
            do {
                let pool = try kind.start(Performer())
                try Scene.answersRight(pool)
                calls = (0..<100).map { _ in pool.submit(.sleep(at: meeting.path)) }
                workers = (0..<2).map { _ in meeting.receive() }
            }
            #expect(workers.allSatisfy(Scene.isGone))
            for call in calls {
                let failure = failure(of: call.wait)
                #expect(failure?.code == .cancelled && failure?.isCancellation == true)
                #expect(
                    failure?.description
                        == "item 0 was cancelled: its pool was dropped; keep the pool until its work is done, or close() it"
                )
            }
        }
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer())
            let call = pool.submit(.sleep(at: meeting.path))
            _ = meeting.receive()
            pool.cancel()
            #expect(failure(of: call.wait)?.description == "item 0 was cancelled: its pool was cancelled")
        }
    }

    static func cancelledTasks(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Performer())
            let calls = (0..<100).map { _ in pool.submit(.sleep(at: meeting.path)) }
            let tasks = calls.map { call in Task { try await call.value } }
            _ = await meeting.receive(2)
            pool.cancel()
            for task in tasks {
                let failure = (await task.result).failure as? ForkPool.Failure
                #expect(failure?.code == .cancelled)
            }
        }
    }

    /// Makes a pool, uses it, and ends it in one of three ways, with work pending or not.
    private static func makeAndEnd(_ kind: Kind, _ number: Int) {
        do {
            let pool = try kind.start(Performer(), workers: 1 + number % 3)
            if number % 2 == 0 { #expect(try pool.map([.give(number), .give(1)]) == [number, 1]) }
            let pending = pool.submit(.give(number))
            switch number % 3 {
            case 0:
                pool.close()
                #expect(try pending.wait() == number)
            case 1: pool.cancel()
            default: break
            }
        } catch {
            Issue.record(error)
        }
    }

    static func many(_ kind: Kind, _ pools: Int) {
        Scene.setDeadline()
        let pristine = Census.now()
        for number in 0..<6 { makeAndEnd(kind, number) }
        let threads = Files.threads
        for number in 0..<pools { makeAndEnd(kind, number) }
        Scene.expectNothingLeft(since: pristine)
        #expect(Files.threads < threads + 20)
        #expect(Files.eventCounters < 20)
    }

    static func manyAtOnce(_ kind: Kind) {
        Scene.setDeadline()
        let pristine = Census.now()
        // Let the runtime set up what a child needs before threads and forks meet: no fork then copies it half done.
        for number in 0..<3 { makeAndEnd(kind, number) }
        Threads.run(8) { thread in
            for number in 0..<(kind == .exec ? 6 : 25) { makeAndEnd(kind, number + thread) }
        }
        Scene.expectNothingLeft(since: pristine)
    }
}
