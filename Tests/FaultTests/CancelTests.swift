// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct CancelTests {
    @Test(
        "F6: a map that is cancelled before it begins, or amid its items, fails as cancelled and ends its workers",
        arguments: Kind.allCases)
    func beforeAndDuring(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await CancelScenes.before(kind)
            await CancelScenes.during(kind)
        }
    }

    @Test(
        "F6: a map that is cancelled after its end keeps its results, and mapResults keeps what was done before",
        arguments: Kind.allCases)
    func afterAndPart(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await CancelScenes.after(kind)
            await CancelScenes.partOfResults(kind)
        }
    }

    @Test(
        "F6: a map, and a pool, that is cancelled with 100 MB of results in flight leaves nothing",
        arguments: Kind.allCases)
    func withResults(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            await CancelScenes.mapWithResults(kind)
            // A one-shot pool has neither calls nor a cancel().
            if kind != .oneShot { await CancelScenes.poolWithResults(kind) }
        }
    }

    @Test("F6: 100 asynchronous maps leave no thread and no event descriptor", arguments: Kind.allCases)
    func many(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await CancelScenes.many(kind) }
    }

    // The following tests need calls, which a one-shot pool does not have.

    @Test("F6: a call is cancelled while it is queued, while it runs, and after its end", arguments: Kind.resident)
    func calls(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CancelScenes.calls(kind) }
    }

    @Test("F6: a call that is cancelled while its next worker is in setUp ends", arguments: Kind.resident)
    func duringSetUp(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await CancelScenes.duringSetUp(kind) }
    }

    @Test("F6: wait(for:) ends before the call does, and the call can be waited for again", arguments: Kind.resident)
    func waitsForAWhile(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CancelScenes.waitsForAWhile(kind) }
    }
}

/// Stays in `setUp` for ever, except in the first worker.
struct SlowStart: PlainJob {
    typealias Input = Deed
    typealias Output = Int

    let meeting: String

    func setUp() async throws { prepare() }

    func prepare() {
        Rendezvous.arrive(at: meeting)
        if Rendezvous.arrivals(at: meeting) > 1 { Process.sleepForEver() }
    }

    func act(_ deed: Deed) throws -> Int { try deed.perform() }
}

/// Makes that many bytes; for a negative number, sends its process id and sleeps.
struct Filling: PlainJob {
    typealias Input = [Int]
    typealias Output = [UInt8]

    var meeting = ""

    func act(_ order: [Int]) throws -> [UInt8] {
        if order[1] < 0 {
            Rendezvous.sendPid(at: meeting)
            Process.sleepForEver()
        }
        return [UInt8](repeating: UInt8(truncatingIfNeeded: order[0]), count: order[1])
    }

    static func answersRight(_ pool: AnyPool<Filling>) throws {
        #expect(try pool.map([[7, 3], [8, 0]]) == [[7, 7, 7], []])
    }
}

private enum CancelScenes {
    private static let singly = ForkPool.Options(chunk: .fixed(1))

    static func before(_ kind: Kind) async {
        await Scene.survive(kind) { pool in
            let meeting = Rendezvous()
            let task = Task { () async throws -> [Int] in
                while !Task.isCancelled { await Task.yield() }
                return try await pool.map((0..<4).map { _ in .sleep(at: meeting.path) })
            }
            task.cancel()
            await Scene.expectCancelled(task)
            let call = Task { () async throws -> Int in
                while !Task.isCancelled { await Task.yield() }
                return try await pool(.sleep(at: meeting.path))
            }
            call.cancel()
            await Scene.expectCancelled(call)
        }
    }

    static func during(_ kind: Kind) async {
        await Scene.survive(kind, options: singly) { pool in
            let meeting = Rendezvous()
            let task = Task { try await pool.map((0..<4).map { _ in .sleep(at: meeting.path) }) }
            // Both workers are in the middle of an item.
            let workers = await meeting.receive(2)
            task.cancel()
            await Scene.expectCancelled(task)
            // The workers are gone, not only told to end.
            #expect(workers.allSatisfy(Scene.isGone))
        }
    }

    static func after(_ kind: Kind) async {
        await Scene.survive(kind) { (pool) async throws in
            let task = Task { try await pool.map((0..<4).map { .give($0 * 3) }) }
            #expect(try await task.value == [0, 3, 6, 9])
            task.cancel()
            #expect(try await task.value == [0, 3, 6, 9])
        }
    }

    static func partOfResults(_ kind: Kind) async {
        await Scene.survive(kind, options: singly) { pool in
            let meeting = Rendezvous()
            let deeds = (0..<6).map { $0 < 2 ? Deed.give($0) : .sleep(at: meeting.path) }
            let task = Task { await pool.mapResults(deeds) }
            _ = await meeting.receive(2)
            task.cancel()
            let results = await task.value
            #expect(results.map(\.value) == [0, 1, nil, nil, nil, nil])
            #expect(results[2...].allSatisfy { $0.failure?.code == .cancelled })
            #expect(results[2...].map { $0.failure?.index } == [2, 3, 4, 5])
        }
    }

    static func mapWithResults(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Filling(meeting: meeting.path), options: singly)
            let task = Task { try await pool.map((0..<12).map { [$0, $0 < 10 ? 10_000_000 : -1] }) }
            _ = await meeting.receive(2)
            task.cancel()
            await Scene.expectCancelled(task)
            #expect(try await pool([7, 3]) == [7, 7, 7])
            await pool.finish()
        }
    }

    static func poolWithResults(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let pool = try kind.start(Filling())
            let tasks = (0..<12).map { number in Task { try await pool([number, 10_000_000]) } }
            // Some are done, others on their way.
            #expect(try await tasks[0].value.count == 10_000_000)
            pool.cancel()
            for (number, task) in tasks.enumerated() {
                switch await task.result {
                case .success(let bytes): #expect(bytes.count == 10_000_000 && bytes.isAll(UInt8(number)))
                case .failure(let error):
                    let code = (error as? ForkPool.Failure)?.code
                    #expect(code == .cancelled || code == .closed)
                }
            }
        }
    }

    static func many(_ kind: Kind) async {
        await Scene.survive(kind) { pool in
            let before = (threads: Files.threads, eventCounters: Files.eventCounters)
            for number in 0..<100 {
                #expect((try? await pool.map([.give(number), .give(number + 1)])) == [number, number + 1])
            }
            // Dispatch has descriptors of its own, which come and go.
            #expect(Files.threads < before.threads + 20)
            #expect(Files.eventCounters < before.eventCounters + 20)
        }
    }

    static func calls(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let meeting = Rendezvous()
            let running = (0..<2).map { _ in pool.submit(.sleep(at: meeting.path)) }
            let workers = (0..<2).map { _ in meeting.receive() }
            let queued = (0..<200).map { pool.submit(.give($0)) }
            // Some of these are open, others wait until one can be.
            for call in queued[50..<150] { call.cancel() }
            for call in queued[50..<150] { #expect(failure(of: call.wait)?.code == .cancelled) }
            #expect(workers.allSatisfy { kill($0, 0) == 0 })
            for call in running { call.cancel() }
            for call in running {
                let thrown = failure(of: call.wait)
                #expect(thrown?.code == .cancelled)
                #expect(thrown?.index == 0 || thrown?.index == nil)
            }
            #expect(workers.allSatisfy(Scene.isGone))
            for number in Array(0..<50) + Array(150..<200) {
                #expect(try queued[number].wait() == number)
                queued[number].cancel()
                #expect(try queued[number].wait() == number)
            }
        }
    }

    static func duringSetUp(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let meeting = Rendezvous()
            let job = SlowStart(meeting: meeting.path)
            var options = ForkPool.Options(chunk: .fixed(4))
            if kind == .residentBody { options.setUp = { job.prepare() } }
            let pool = try kind.start(job, workers: 1, options: options)
            // The next worker inherits the remaining range of the dying one.
            let deeds: [Deed] = [.give(1), .raise(SIGKILL), .give(3), .give(4)]
            let task = Task { await pool.mapResults(deeds) }
            while Rendezvous.arrivals(at: meeting.path) < 2 { await Task.yield() }
            task.cancel()
            let results = await task.value
            #expect(results.map(\.value) == [1, nil, nil, nil])
            #expect(results[1].failure?.signal == SIGKILL)
            #expect(results[2].failure?.code == .cancelled)
            pool.cancel()
        }
    }

    static func waitsForAWhile(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let meeting = Rendezvous()
            let call = pool.submit(.wait(at: meeting.path, 1, then: .give(5)))
            for time in [Duration.zero, .milliseconds(1), .seconds(-5)] {
                #expect(failure { () throws(ForkPool.Failure) in try call.wait(for: time) }?.code == .timedOut)
            }
            meeting.arrive()
            #expect(try call.wait(for: .seconds(20)) == 5)
            #expect(try call.wait(for: .zero) == 5)
            #expect(try call.wait() == 5)
        }
    }
}
