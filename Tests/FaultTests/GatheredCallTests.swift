// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Calls that gather while every worker is busy: each has its own end.
@Suite struct GatheredCallTests {
    @Test("Each of a thousand calls has its own result or failure, in few batches", arguments: Kind.resident)
    func outcomes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in GatheredCallScenes.outcomes(kind) }
    }

    @Test("Calls begin in their order, one by one, so that two may wait for each other", arguments: Kind.resident)
    func order(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            GatheredCallScenes.order(kind)
            GatheredCallScenes.meetings(kind)
        }
    }

    @Test("A cancelled call fails alone, whether it waits or runs, and only its worker ends", arguments: Kind.resident)
    func cancelled(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            GatheredCallScenes.cancelledWhileWaiting(kind)
            GatheredCallScenes.cancelledWhileRunning(kind)
        }
    }

    @Test("A call that takes longer than its timeout fails alone", arguments: Kind.resident)
    func timeout(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in GatheredCallScenes.timeout(kind) }
    }

    @Test(
        "Thousands of tasks that call at once get their results, but for those that are cancelled",
        arguments: Kind.resident)
    func tasks(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await GatheredCallScenes.tasks(kind) }
    }

    @Test("The end of a pool finishes the calls that wait, or fails them", arguments: Kind.resident)
    func ends(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            GatheredCallScenes.closes(kind)
            GatheredCallScenes.cancels(kind)
        }
    }

    @Test("A higher priority goes before calls that wait, a lower one behind them", arguments: Kind.resident)
    func priorities(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in GatheredCallScenes.priorities(kind) }
    }

    @Test("A call has the same random numbers whether it waited with others or not", arguments: Kind.resident)
    func random(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in GatheredCallScenes.random(kind) }
    }
}

private enum GatheredCallScenes {
    private typealias Act = NumberJob.Act

    /// Runs a scene with a pool whose workers are all on a call that ends when the gate opens.
    private static func whileBusy(
        _ kind: Kind, workers: Int = 2, options: ForkPool.Options = .init(),
        _ scene: (AnyPool<NumberJob>, _ open: () -> Void, Rendezvous) throws -> Void
    ) {
        let meeting = Rendezvous()
        Scene.survive(NumberJob(path: meeting.path), kind, workers: workers, options: options, nil) { pool throws in
            let blocked = (0..<workers).map { _ in pool.submit(Act.block) }
            Rendezvous.waitForArrivals(workers, at: meeting.path)
            try scene(pool, { NumberJob.openGate(at: meeting.path) }, meeting)
            NumberJob.openGate(at: meeting.path)
            for call in blocked { #expect(try call.wait() == -3) }
        }
        NumberJob.closeGate(at: meeting.path)
        _ = NumberJob.takeNotes(at: meeting.path)
    }

    static func outcomes(_ kind: Kind) {
        whileBusy(kind) { pool, open, _ throws in
            let calls = (0..<1000).map { number in
                pool.submit(number % 100 == 7 ? Act.fail : number % 300 == 299 ? Act.kill : number)
            }
            #expect(pool.pending == 1000)
            #expect(pool.resident.waitingBatches < 20)
            #expect(!calls[500].isDone)
            #expect(failure(of: { () throws(ForkPool.Failure) in try calls[500].wait(for: .zero) })?.code == .timedOut)
            open()
            for (number, call) in calls.enumerated().reversed() {
                let result = Result { () throws(ForkPool.Failure) in try call.wait() }
                if number % 100 == 7 {
                    #expect(result.failure?.code == .thrown && result.failure?.index == 0)
                    #expect(result.failure?.thrown?.decode(as: NumberJob.Refusal.self) != nil)
                } else if number % 300 == 299 {
                    #expect(result.failure?.signal == SIGKILL && result.failure?.index == 0)
                } else {
                    #expect(result.value == 3 * number)
                }
                #expect(call.isDone)
            }
            #expect(pool.pending == 0)
        }
    }

    static func order(_ kind: Kind) {
        whileBusy(kind, workers: 1) { pool, open, meeting throws in
            let calls = (0..<500).map { pool.submit($0) }
            open()
            for call in calls { _ = try call.wait() }
            #expect(NumberJob.takeNotes(at: meeting.path) == Array(0..<500))
        }
    }

    static func meetings(_ kind: Kind) {
        // Two that meet may be the last call of one batch and the first one of the next.
        for others in 0..<4 {
            whileBusy(kind) { pool, open, _ throws in
                let before = (0..<others).map { pool.submit($0) }
                let calls = (0..<200).map { _ in pool.submit(Act.meet) }
                open()
                for call in calls { #expect(try call.wait() == 3 * Act.meet) }
                for (number, call) in before.enumerated() { #expect(try call.wait() == 3 * number) }
            }
        }
    }

    static func cancelledWhileWaiting(_ kind: Kind) {
        whileBusy(kind, workers: 1) { pool, open, meeting throws in
            let calls = (0..<300).map { pool.submit($0) }
            for number in stride(from: 50, to: 300, by: 50) {
                calls[number].cancel()
                #expect(calls[number].isDone)
                #expect(failure(of: { () throws(ForkPool.Failure) in try calls[number].wait() })?.code == .cancelled)
            }
            open()
            for (number, call) in calls.enumerated() where number % 50 != 0 || number == 0 {
                #expect(try call.wait() == 3 * number)
            }
            #expect(NumberJob.takeNotes(at: meeting.path) == (0..<300).filter { $0 % 50 != 0 || $0 == 0 })
            calls[0].cancel()
            #expect(try calls[0].wait() == 0)
        }
    }

    static func cancelledWhileRunning(_ kind: Kind) {
        whileBusy(kind) { pool, open, meeting throws in
            let calls = (0..<100).map { pool.submit($0 == 40 ? Act.hang : $0) }
            open()
            let worker = meeting.receive()
            calls[40].cancel()
            let failure = failure(of: { () throws(ForkPool.Failure) in try calls[40].wait() })
            #expect(failure?.code == .cancelled && failure?.index == 0)
            for (number, call) in calls.enumerated() where number != 40 { #expect(try call.wait() == 3 * number) }
            while !Scene.isGone(worker) { sched_yield() }
        }
    }

    static func timeout(_ kind: Kind) {
        let meeting = Rendezvous()
        let options = ForkPool.Options(timeout: .milliseconds(300))
        Scene.survive(NumberJob(path: meeting.path), kind, options: options, nil) { pool throws in
            let calls = (0..<200).map { pool.submit($0 == 100 ? Act.hang : $0) }
            let failure = failure(of: { () throws(ForkPool.Failure) in try calls[100].wait() })
            #expect(failure?.code == .timedOut && failure?.index == 0)
            for (number, call) in calls.enumerated() where number != 100 { #expect(try call.wait() == 3 * number) }
        }
        _ = NumberJob.takeNotes(at: meeting.path)
    }

    static func tasks(_ kind: Kind) async {
        let meeting = Rendezvous()
        await Scene.leaveNothing { () async throws in
            let pool = try kind.start(NumberJob(path: meeting.path))
            let hanging = Task { try await pool(Act.hang) }
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<3000 { group.addTask { try await pool(number) } }
                group.addTask { try await pool.submit(3000).value }
                return try await group.reduce(0, +)
            }
            #expect(sum == 3 * (0...3000).reduce(0, +))
            let others = (0..<100).map { _ in Task { try await pool(Act.hang) } }
            for task in [hanging] + others { task.cancel() }
            for task in [hanging] + others { await Scene.expectCancelled(task) }
            #expect(try await pool(5) == 15)
            await pool.finish()
        }
        _ = NumberJob.takeNotes(at: meeting.path)
    }

    static func closes(_ kind: Kind) {
        whileBusy(kind) { pool, open, _ throws in
            let calls = (0..<300).map { pool.submit($0) }
            open()
            pool.close()
            let done = calls.filter(\.isDone).count
            #expect(done == calls.count)
            for (number, call) in calls.enumerated() { #expect(try call.wait() == 3 * number) }
            let late = pool.submit(1)
            #expect(failure(of: { () throws(ForkPool.Failure) in try late.wait() })?.code == .closed)
        }
    }

    static func cancels(_ kind: Kind) {
        let meeting = Rendezvous()
        Scene.leaveNothing { () throws in
            let pool = try kind.start(NumberJob(path: meeting.path))
            let calls = (0..<300).map { _ in pool.submit(Act.block) }
            Rendezvous.waitForArrivals(2, at: meeting.path)
            let waiting = Threads.run(2) { thread in
                if thread == 0 { pool.cancel() }
                return failure(of: { () throws(ForkPool.Failure) in try calls[thread == 0 ? 250 : 299].wait() })?.code
            }
            #expect(waiting == [.cancelled, .cancelled])
            for call in calls {
                #expect(failure(of: { () throws(ForkPool.Failure) in try call.wait() })?.code == .cancelled)
            }
        }
    }

    static func priorities(_ kind: Kind) {
        whileBusy(kind, workers: 1) { pool, open, meeting throws in
            let calls = (0..<400).map { pool.submit($0) }
            let low = pool.with { $0.priority = -1 }.submit(1000)
            let high = pool.with { $0.priority = 1 }.submit(2000)
            open()
            for call in calls + [low, high] { _ = try call.wait() }
            // The first call is a batch of its own, which takes turns with the others.
            let notes = NumberJob.takeNotes(at: meeting.path).filter { $0 != 0 }
            #expect(notes == [2000] + Array(1..<400) + [1000])
        }
    }

    static func random(_ kind: Kind) {
        let meeting = Rendezvous()
        let options = ForkPool.Options(seed: 7)
        Scene.leaveNothing { () throws in
            let alone = try kind.start(NumberJob(path: meeting.path), options: options)
            let expected = try (0..<200).map { _ throws(ForkPool.Failure) in try alone(Act.random) }
            alone.close()
            let together = try kind.start(NumberJob(path: meeting.path), options: options)
            let calls = (0..<200).map { _ in together.submit(Act.random) }
            #expect(try calls.map { call throws(ForkPool.Failure) in try call.wait() } == expected)
            #expect(Set(expected).count == 200)
            together.close()
        }
    }
}
