import ForkPool
import Glibc
import Testing

@Suite struct ResidentEndTests {
    @Test("D1: a use after close(), cancel() or finish() is a failure that says so", arguments: Way.allCases)
    func useAfterEnd(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.useAfterEnd(way) }
        await #expect(processExitsWith: .success) { [way] in await ResidentEndScenes.useAfterFinish(way) }
    }

    @Test("D2: a worker that crashes after close() was called costs its item alone", arguments: Way.allCases)
    func crashAfterClose(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.crashAfterClose(way) }
    }

    @Test("D4: close() with 50 queued calls finishes all 50", arguments: Way.allCases)
    func closeFinishes(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.closeFinishes(way, calls: 50) }
    }

    @Test("D4: close() with more queued calls than can be open at once finishes all of them", arguments: Way.allCases)
    func closeFinishesMany(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.closeFinishes(way, calls: 500) }
    }

    @Test("D4: cancel() with 50 queued calls ends at once, and each fails as cancelled", arguments: Way.allCases)
    func cancelEnds(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.cancelEnds(way, calls: 50) }
    }

    @Test("D4: cancel() with more queued calls than can be open at once fails each of them", arguments: Way.allCases)
    func cancelEndsMany(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.cancelEnds(way, calls: 500) }
    }

    @Test("D7: a resident pool that is dropped with work pending leaves nothing", arguments: Way.allCases)
    func dropped(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.dropped(way) }
    }

    @Test("D7: a crowd of tasks that wait for calls hear that the pool was cancelled", arguments: Way.allCases)
    func cancelledTasks(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in await ResidentEndScenes.cancelledTasks(way) }
    }

    @Test(
        "D7: many pools that are made and ended leave no child, descriptor, mapping or thread",
        arguments: [(Way.body, 300), (.job, 300), (.exec, 60)])
    func many(_ way: Way, pools: Int) async {
        await #expect(processExitsWith: .success) { [way, pools] in ResidentEndScenes.many(way, pools) }
    }

    @Test("D7: pools that are made and ended at once on 8 threads leave nothing", arguments: Way.allCases)
    func manyAtOnce(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentEndScenes.manyAtOnce(way) }
    }
}

private enum ResidentEndScenes {
    static func useAfterEnd(_ way: Way) {
        for ending in [ResidentScene.Ending.close, .cancel] {
            Scene.setDeadline()
            let pristine = Census.now()
            do {
                let pool = try way.start(Performer())
                try ResidentScene.answersRight(pool)
                let end = { if ending == .close { pool.close() } else { pool.cancel() } }
                end()
                let word = ending == .close ? "closed" : "cancelled"
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
                // Ends once more what has ended.
                end()
                pool.cancel()
                pool.close()
            } catch {
                Issue.record(error)
            }
            ResidentScene.expectNothingLeft(since: pristine)
        }
    }

    static func useAfterFinish(_ way: Way) async {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let pool = try way.start(Performer())
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
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func crashAfterClose(_ way: Way) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let meeting = Rendezvous()
            let pool = try way.start(Performer())
            let calls = [
                pool.submit(.wait(at: meeting.path, 1, then: .raise(SIGKILL))),
                pool.submit(.wait(at: meeting.path, 1, then: .exit(3))), pool.submit(.give(2)),
            ]
            Process.onThread {
                // The pool is closed, as soon as it refuses what is new.
                // Both workers wait for this thread: it must not wait for them.
                let probe = { () throws(ForkPool.Failure) in try pool.submit(.give(0)).wait(for: .zero) }
                while failure(of: probe)?.code != .closed { sched_yield() }
                meeting.arrive()
            }
            pool.close()
            #expect(failure(of: calls[0].wait)?.signal == SIGKILL)
            #expect(failure(of: calls[1].wait)?.exitStatus == 3)
            #expect(try calls[2].wait() == 2)
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func closeFinishes(_ way: Way, calls count: Int) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let meeting = Rendezvous()
            let pool = try way.start(Performer())
            // Nothing is done before all are queued.
            let calls = (0..<count).map { pool.submit(.wait(at: meeting.path, 1, then: .give($0))) }
            meeting.arrive()
            pool.close()
            for (number, call) in calls.enumerated() { #expect(try call.wait() == number) }
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func cancelEnds(_ way: Way, calls count: Int) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let meeting = Rendezvous()
            let pool = try way.start(Performer())
            let calls = (0..<count).map { _ in pool.submit(.sleep(at: meeting.path)) }
            let workers = (0..<2).map { _ in meeting.receive() }
            pool.cancel()
            #expect(workers.allSatisfy(ResidentScene.isGone))
            for call in calls {
                #expect(failure(of: call.wait)?.code == .cancelled)
            }
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func dropped(_ way: Way) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let meeting = Rendezvous()
            var calls: [ForkPool.Call<Int>] = []
            var workers: [Int32] = []
            do {
                let pool = try way.start(Performer())
                try ResidentScene.answersRight(pool)
                calls = (0..<100).map { _ in pool.submit(.sleep(at: meeting.path)) }
                workers = (0..<2).map { _ in meeting.receive() }
            }
            #expect(workers.allSatisfy(ResidentScene.isGone))
            for call in calls { #expect(failure(of: call.wait)?.code == .cancelled) }
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func cancelledTasks(_ way: Way) async {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let meeting = Rendezvous()
            let pool = try way.start(Performer())
            let calls = (0..<100).map { _ in pool.submit(.sleep(at: meeting.path)) }
            let tasks = calls.map { call in Task { try await call.value } }
            _ = await meeting.receive(2)
            pool.cancel()
            for task in tasks {
                let failure = (await task.result).failure as? ForkPool.Failure
                #expect(failure?.code == .cancelled)
            }
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    /// Makes a pool, uses it, and ends it in one of three ways, with work pending or not.
    private static func makeAndEnd(_ way: Way, _ number: Int) {
        do {
            let pool = try way.start(Performer(), workers: 1 + number % 3)
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

    static func many(_ way: Way, _ pools: Int) {
        Scene.setDeadline()
        let pristine = Census.now()
        for number in 0..<6 { makeAndEnd(way, number) }
        let threads = Files.threads
        for number in 0..<pools { makeAndEnd(way, number) }
        ResidentScene.expectNothingLeft(since: pristine)
        #expect(Files.threads < threads + 20)
        #expect(Files.eventCounters < 20)
    }

    static func manyAtOnce(_ way: Way) {
        Scene.setDeadline()
        let pristine = Census.now()
        // What a child needs of the runtime is there before threads and forks meet: no thread is amid making it.
        for number in 0..<3 { makeAndEnd(way, number) }
        Process.onThreads(8) { thread in
            for number in 0..<(way == .exec ? 6 : 25) { makeAndEnd(way, number + thread) }
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }
}
