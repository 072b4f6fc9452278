import ForkPool
import Glibc
import Testing

@Suite struct ResidentCancelTests {
    @Test("F6: a resident map that is cancelled before it begins fails as cancelled", arguments: Way.allCases)
    func before(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in await ResidentCancelScenes.before(way) }
    }

    @Test("F6: a resident map that is cancelled in the middle of its items ends its workers", arguments: Way.allCases)
    func during(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in await ResidentCancelScenes.during(way) }
    }

    @Test("F6: a resident map that is cancelled after its end keeps its results", arguments: Way.allCases)
    func after(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in await ResidentCancelScenes.after(way) }
    }

    @Test(
        "F6: mapResults that is cancelled keeps what was done, and says of the rest that it was",
        arguments: Way.allCases)
    func partOfResults(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in await ResidentCancelScenes.partOfResults(way) }
    }

    @Test("F6: a pool that is cancelled with 100 MB of results in flight leaves nothing", arguments: Way.allCases)
    func withResults(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in await ResidentCancelScenes.withResults(way) }
    }

    @Test("F6: a call is cancelled while it is queued, while it runs, and after its end", arguments: Way.allCases)
    func calls(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCancelScenes.calls(way) }
    }

    @Test("F6: a call that is cancelled while its next worker is in setUp ends", arguments: Way.allCases)
    func duringSetUp(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCancelScenes.duringSetUp(way) }
    }

    @Test("F6: wait(for:) ends before the call does, and the call can be waited for again", arguments: Way.allCases)
    func waitsForAWhile(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCancelScenes.waitsForAWhile(way) }
    }
}

/// Is in `setUp` for ever, but in the first worker.
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

private enum ResidentCancelScenes {
    private static func expectCancelled<T>(_ task: Task<T, any Error>) async {
        switch await task.result {
        case .success: Issue.record("it was not cancelled")
        case .failure(let error as ForkPool.Failure): #expect(error.code == .cancelled, "\(error)")
        case .failure(let error): Issue.record(error)
        }
    }

    static func before(_ way: Way) async {
        await ResidentScene.survive(way) { pool in
            let meeting = Rendezvous()
            let task = Task { () async throws -> [Int] in
                while !Task.isCancelled { await Task.yield() }
                return try await pool.map((0..<4).map { _ in .sleep(at: meeting.path) })
            }
            task.cancel()
            await expectCancelled(task)
            let call = Task { () async throws -> Int in
                while !Task.isCancelled { await Task.yield() }
                return try await pool(.sleep(at: meeting.path))
            }
            call.cancel()
            await expectCancelled(call)
        }
    }

    static func during(_ way: Way) async {
        await ResidentScene.survive(way, options: .init(chunk: .fixed(1))) { pool in
            let meeting = Rendezvous()
            let task = Task { try await pool.map((0..<4).map { _ in .sleep(at: meeting.path) }) }
            // Both workers are in the middle of an item.
            let workers = await meeting.receive(2)
            task.cancel()
            await expectCancelled(task)
            // They are not only told to end: they are gone.
            #expect(workers.allSatisfy(ResidentScene.isGone))
        }
    }

    static func after(_ way: Way) async {
        await ResidentScene.survive(way) { (pool) async throws in
            let task = Task { try await pool.map((0..<4).map { .give($0 * 3) }) }
            #expect(try await task.value == [0, 3, 6, 9])
            task.cancel()
            #expect(try await task.value == [0, 3, 6, 9])
        }
    }

    static func partOfResults(_ way: Way) async {
        await ResidentScene.survive(way, options: .init(chunk: .fixed(1))) { pool in
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

    static func withResults(_ way: Way) async {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let pool = try way.start(Filling())
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
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func calls(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let meeting = Rendezvous()
            let running = (0..<2).map { _ in pool.submit(.sleep(at: meeting.path)) }
            let workers = (0..<2).map { _ in meeting.receive() }
            let queued = (0..<200).map { pool.submit(.give($0)) }
            // Some of these have an entry, others wait for one.
            for call in queued[50..<150] { call.cancel() }
            for call in queued[50..<150] { #expect(failure(of: call.wait)?.code == .cancelled) }
            #expect(workers.allSatisfy { kill($0, 0) == 0 })
            for call in running { call.cancel() }
            for call in running {
                let thrown = failure(of: call.wait)
                #expect(thrown?.code == .cancelled)
                #expect(thrown?.index == 0 || thrown?.index == nil)
            }
            #expect(workers.allSatisfy(ResidentScene.isGone))
            for number in Array(0..<50) + Array(150..<200) {
                #expect(try queued[number].wait() == number)
                queued[number].cancel()
                #expect(try queued[number].wait() == number)
            }
        }
    }

    static func duringSetUp(_ way: Way) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let meeting = Rendezvous()
            let job = SlowStart(meeting: meeting.path)
            var options = ForkPool.Options(chunk: .fixed(4))
            if way == .body { options.setUp = { job.prepare() } }
            let pool = try way.start(job, workers: 1, options: options)
            // What the dying worker leaves of its claim is the next one's.
            let deeds: [Deed] = [.give(1), .raise(SIGKILL), .give(3), .give(4)]
            let task = Task { await pool.mapResults(deeds) }
            Rendezvous.waitForArrivals(2, at: meeting.path)
            task.cancel()
            let done = Rendezvous()
            Task {
                let results = await task.value
                #expect(results.map(\.value) == [1, nil, nil, nil])
                #expect(results[1].failure?.signal == SIGKILL)
                #expect(results[2].failure?.code == .cancelled)
                done.arrive()
            }
            Rendezvous.waitForArrivals(1, at: done.path)
            pool.cancel()
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func waitsForAWhile(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
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
