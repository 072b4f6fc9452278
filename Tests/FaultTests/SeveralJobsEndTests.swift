// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

/// How jobs end that share the workers of one pool.
@Suite struct SeveralJobsEndTests {
    @Test("Closing a job finishes its work and no other, and the last one ends the workers", arguments: Kind.ofJobs)
    func close(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SeveralJobsEndScenes.close(kind)
            await SeveralJobsEndScenes.finish(kind)
        }
    }

    @Test("Cancelling or releasing a job ends its work at once, and no other", arguments: Kind.ofJobs)
    func cancel(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SeveralJobsEndScenes.cancel(kind)
            SeveralJobsEndScenes.release(kind)
        }
    }

    @Test("The last job ends the workers, in whatever way the jobs end", arguments: Kind.ofJobs)
    func lastJob(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsEndScenes.lastJob(kind) }
    }

    @Test("Jobs that end on several threads at once leave nothing", arguments: Kind.ofJobs)
    func atOnce(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsEndScenes.atOnce(kind) }
    }

    @Test("A stream and a caller that waits for room end with their job", arguments: Kind.ofJobs)
    func waiting(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SeveralJobsEndScenes.stream(kind)
            SeveralJobsEndScenes.room(kind)
            await SeveralJobsEndScenes.roomForTask(kind)
        }
    }

    @Test("A progress handler may cancel its job", arguments: Kind.ofJobs)
    func progress(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsEndScenes.progress(kind) }
    }
}

private enum SeveralJobsEndScenes {
    private static func code<T>(_ call: () throws(ForkPool.Failure) -> T) -> ForkPool.Failure.Code? {
        failure(of: call)?.code
    }

    static func close(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let trio = try Trio(kind, workers: 1)
            let meeting = Rendezvous()
            let calls = [0, 1].map { trio.performing.submit(.wait(at: meeting.path, 1, then: .give($0))) }
            let other = trio.scaling.submit(5)
            while trio.performing.busy < 1 { sched_yield() }
            let codes = Threads.run(2) { thread -> ForkPool.Failure.Code? in
                if thread == 0 {
                    trio.performing.close()
                    return nil
                }
                // Until it is closed, which then waits for its calls.
                while true {
                    let call = trio.performing.submit(.give(2))
                    if call.isDone {
                        meeting.arrive()
                        return code { () throws(ForkPool.Failure) in try call.wait() }
                    }
                }
            }
            #expect(codes == [nil, .closed])
            #expect(try calls.map { call throws in try call.wait() } == [0, 1])
            #expect(try other.wait() == 15)
            trio.performing.close()
            trio.performing.cancel()
            #expect(code { () throws(ForkPool.Failure) in try trio.performing.map([.give(1)]) } == .closed)
            #expect(try trio.scaling(2) == 6)
            trio.scaling.close()
            #expect(code { () throws(ForkPool.Failure) in try trio.scaling(2) } == .closed)
            #expect(try trio.spelling("x") == ["x."])
            trio.spelling.close()
            #expect(code { () throws(ForkPool.Failure) in try trio.spelling("x") } == .closed)
        }
    }

    static func finish(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let trio = try Trio(kind)
            async let sum = trio.performing.map((0..<100).map { .give($0) }).reduce(0, +)
            #expect(try await sum == 4950)
            await trio.performing.finish()
            do throws(ForkPool.Failure) {
                _ = try await trio.performing(.give(1))
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.code == .closed, "\(error)")
            }
            #expect(try await trio.scaling.map([1, 2]) == [3, 6])
            await trio.scaling.finish()
            await trio.spelling.finish()
        }
    }

    static func cancel(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let (forever, meeting) = (Rendezvous(), Rendezvous())
            let (first, second, third) = try ForkPool(workers: 2).resident(
                Performer(), Performer(), Scaling(factor: 3), start: kind.start)
            let endless = first.submit(.sleep(at: forever.path))
            let sleeper = forever.receive()
            let other = second.submit(.wait(at: meeting.path, 1, then: .give(4)))
            while second.busy < 2 { sched_yield() }
            first.cancel()
            #expect(Scene.isGone(sleeper))
            let cancelled = failure { () throws(ForkPool.Failure) in try endless.wait() }
            #expect(cancelled?.code == .cancelled, "\(String(describing: cancelled))")
            #expect(cancelled?.message.contains("its pool was cancelled") == true)
            #expect(code { () throws(ForkPool.Failure) in try first(.give(1)) } == .closed)
            #expect(try third.map(0..<100) == (0..<100).map { $0 * 3 })
            meeting.arrive()
            #expect(try other.wait() == 4)
            second.cancel()
            #expect(try third(5) == 15)
            third.cancel()
            third.close()
        }
    }

    static func release(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let forever = Rendezvous()
            var (performing, scaling): (ForkPool.Resident<Deed, Int>?, ForkPool.Resident<Int, Int>?) = try {
                let (first, second) = try ForkPool(workers: 2).resident(
                    Performer(), Scaling(factor: 3), start: kind.start)
                return (first, second)
            }()
            let endless = performing!.submit(.sleep(at: forever.path))
            let sleeper = forever.receive()
            performing = nil
            #expect(Scene.isGone(sleeper))
            let dropped = failure { () throws(ForkPool.Failure) in try endless.wait() }
            #expect(dropped?.code == .cancelled)
            #expect(dropped?.message.contains("its pool was dropped") == true, "\(String(describing: dropped))")
            #expect(try scaling!.map([1, 2]) == [3, 6])
            scaling = nil
        }
    }

    static func lastJob(_ kind: Kind) {
        typealias End = (ForkPool.Resident<Int, Int>) -> Void
        let ends: [End] = [{ $0.close() }, { $0.cancel() }, { _ in }]
        for (first, second) in ends.flatMap({ first in ends.map { (first, $0) } }) {
            Scene.leaveNothing { () throws in
                var pools = try {
                    let (first, second) = try ForkPool(workers: 2).resident(
                        Scaling(factor: 2), Scaling(factor: 3), start: kind.start)
                    return [first, second]
                }()
                #expect(try [pools[0](1), pools[1](1)] == [2, 3])
                first(pools.removeFirst())
                #expect(try pools[0].map([1, 2]) == [3, 6])
                second(pools.removeFirst())
            }
        }
    }

    static func atOnce(_ kind: Kind) {
        for round in 0..<6 {
            Scene.leaveNothing { () throws in
                let trio = try Trio(kind)
                let calls = (0..<20).map { trio.scaling.submit($0) }
                let ready = Atomic(0)
                Threads.run(3) { thread in
                    ready.add(1, ordering: .relaxed)
                    while ready.load(ordering: .relaxed) < 3 { sched_yield() }
                    switch (thread + round) % 3 {
                    case 0: trio.performing.cancel()
                    case 1: trio.scaling.close()
                    default: trio.spelling.close()
                    }
                }
                #expect(try calls.map { call throws in try call.wait() } == (0..<20).map { $0 * 3 })
            }
        }
    }

    static func stream(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let trio = try Trio(kind)
            let forever = Rendezvous()
            let seen = Threads.run(2) { thread -> [ForkPool.Failure.Code?] in
                if thread == 1 {
                    _ = forever.receive()
                    trio.performing.cancel()
                    return []
                }
                var codes: [ForkPool.Failure.Code?] = []
                let stream = trio.performing.stream([.give(1), .sleep(at: forever.path), .give(3)])
                for (_, result) in stream { codes.append(result.failure?.code) }
                return codes
            }
            #expect(seen[0].contains(.cancelled), "\(seen)")
            #expect(seen[0].count <= 4)
            #expect(try trio.scaling(1) == 3)
            trio.close()
        }
    }

    static func room(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let trio = try Trio(kind, workers: 1, .init(maxPending: 0))
            let meeting = Rendezvous()
            let busy = trio.performing.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while trio.performing.busy < 1 { sched_yield() }
            let outcomes = Threads.run(3) { thread -> [String] in
                switch thread {
                case 0:
                    let refused = failure { () throws(ForkPool.Failure) in try trio.scaling(2) }
                    // There was no room until here.
                    meeting.arrive()
                    return [refused?.message ?? ""]
                case 1: return (try? trio.spelling("b")) ?? []
                default:
                    while waiters(of: trio) < 2 { sched_yield() }
                    trio.scaling.close()
                    return []
                }
            }
            #expect(outcomes[0].first?.contains("the pool was closed") == true, "\(outcomes)")
            #expect(Array(outcomes.dropFirst()) == [["b."], []])
            #expect(try busy.wait() == 0)
            trio.close()
        }
    }

    /// How many callers wait for room.
    private static func waiters(of trio: Trio) -> Int { trio.scaling.pool.locked { $0.roomLine.count } }

    static func roomForTask(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let trio = try Trio(kind, workers: 1, .init(maxPending: 0))
            let meeting = Rendezvous()
            let busy = trio.performing.submit(.wait(at: meeting.path, 1, then: .give(0)))
            while trio.performing.busy < 1 { await Task.yield() }
            let refused = Task { try await trio.scaling(2) }
            let other = Task { try await trio.spelling("c") }
            while waiters(of: trio) < 2 { await Task.yield() }
            await trio.scaling.finish()
            switch await refused.result {
            case .success: Issue.record("it was not refused")
            case .failure(let error): #expect((error as? ForkPool.Failure)?.code == .closed, "\(error)")
            }
            meeting.arrive()
            #expect(try await other.value == ["c."])
            #expect(try await busy.value == 0)
            await trio.performing.finish()
            await trio.spelling.finish()
        }
    }

    static func progress(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let handled = Mutex<ForkPool.Resident<Deed, Int>?>(nil)
            try withExtendedLifetime(handled) {
                let options = ForkPool.Options(progress: { _ in handled.withLock { $0 }?.cancel() })
                let trio = try Trio(kind, options)
                handled.withLock { $0 = trio.performing }
                let forever = Rendezvous()
                let cancelled = failure { () throws(ForkPool.Failure) in
                    try trio.performing.map([.sleep(at: forever.path)])
                }
                #expect(cancelled?.code == .cancelled, "\(String(describing: cancelled))")
                handled.withLock { $0 = nil }
                #expect(try trio.scaling.map([1]) == [3])
                trio.close()
            }
        }
    }
}
