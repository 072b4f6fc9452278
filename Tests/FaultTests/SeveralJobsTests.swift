// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

/// Jobs of several types that share the workers of one pool.
@Suite struct SeveralJobsTests {
    @Test("Calls, maps and streams of three jobs at once each have their job's results", arguments: Kind.ofJobs)
    func together(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SeveralJobsScenes.together(kind)
            await SeveralJobsScenes.asynchronously(kind)
        }
    }

    @Test("Jobs share the workers: two calls of two jobs meet, and a third waits", arguments: Kind.ofJobs)
    func sharedWorkers(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsScenes.sharedWorkers(kind) }
    }

    @Test("A crash, an exit and a timeout in one job cost the others nothing", arguments: Kind.ofJobs)
    func faults(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsScenes.faults(kind) }
    }

    @Test("setUp runs for each job in their order, and tearDown in the opposite one", arguments: Kind.ofJobs)
    func order(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsScenes.order(kind) }
    }

    @Test("A setUp that throws, exits or crashes is that of a named job, for every job", arguments: Kind.ofJobs)
    func setUp(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for mood in [Preparing.Mood.throwing, .exiting(0), .exiting(42), .crashing, .aborting] {
                SeveralJobsScenes.setUp(kind, mood)
            }
        }
    }

    @Test("A job that exec cannot name is named in the failure, and by fork it works")
    func nameless() async {
        await #expect(processExitsWith: .success) { SeveralJobsScenes.nameless() }
    }

    @Test("A damaged number of a batch's job reaches no other job, and is mended", arguments: Kind.ofJobs)
    func damagedNumber(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SeveralJobsScenes.damagedNumber(kind) }
    }
}

private enum SeveralJobsScenes {
    static func together(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let trio = try Trio(kind)
            let failures = Threads.run(6) { thread -> String? in
                do {
                    for round in 0..<30 { try use(trio, thread, round) }
                    return nil
                } catch { return "\(error)" }
            }
            #expect(failures == Array(repeating: nil, count: 6))
            trio.close()
        }
        Scene.leaveNothing { () throws in
            let (splitting, scaling) = try ForkPool(workers: 2).resident(
                Splitting(), Scaling(factor: 2), start: kind.start)
            let sums = try splitting.withMapped(0..<100) { halves in
                (0..<halves.count).map { halves[$0].lower + halves[$0].upper }
            }
            #expect(sums == (0..<100).map { Int32($0) })
            #expect(try scaling.withMapped(0..<100) { $0[99] } == 198)
            splitting.close()
            scaling.close()
        }
    }

    /// Uses the job of a thread in each way.
    private static func use(_ trio: Trio, _ thread: Int, _ round: Int) throws {
        switch thread % 3 {
        case 0:
            #expect(try trio.performing(.give(round)) == round)
            let results = trio.performing.mapResults([.give(1), .throwPlain("no"), .give(3)])
            #expect(results.map(\.value) == [1, nil, 3])
            #expect(try trio.performing.submit(.give(-round)).wait() == -round)
        case 1:
            #expect(try trio.scaling.map(0..<200) == (0..<200).map { $0 * 3 })
            var streamed: [Int?] = []
            for (_, result) in trio.scaling.stream(0..<50) { streamed.append(result.value) }
            #expect(streamed == (0..<50).map { $0 * 3 })
        default:
            #expect(try trio.spelling("word") == ["w.", "o.", "r.", "d."])
            #expect(try trio.spelling.map(["a", "", "é!"]) == [["a."], [], ["é.", "!."]])
            try trio.spelling.forEach(["a", "b"])
        }
    }

    static func asynchronously(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let trio = try Trio(kind)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<9 {
                    group.addTask {
                        for round in 0..<10 { try await useAsync(trio, task, round) }
                    }
                }
                try await group.waitForAll()
            }
            await trio.performing.finish()
            #expect(try await trio.scaling(2) == 6)
            await trio.scaling.finish()
            #expect(try await trio.spelling("x") == ["x."])
            await trio.spelling.finish()
        }
    }

    private static func useAsync(_ trio: Trio, _ task: Int, _ round: Int) async throws {
        switch task % 3 {
        case 0:
            #expect(try await trio.performing(.give(round)) == round)
            #expect(try await trio.performing.submit(.give(7)).value == 7)
        case 1:
            #expect(try await trio.scaling.map(0..<100) == (0..<100).map { $0 * 3 })
            #expect(try await trio.scaling.withMapped([1, 2]) { $0[1] } == 6)
        default:
            #expect(await trio.spelling.mapResults(["ab"]).map(\.value) == [["a.", "b."]])
            var texts: [Int: [String]] = [:]
            let source = AsyncStream { continuation in
                for text in ["a", "b", "cd"] { continuation.yield(text) }
                continuation.finish()
            }
            for await (index, result) in trio.spelling.stream(source, order: .completion).results {
                texts[index] = result.value
            }
            #expect(texts == [0: ["a."], 1: ["b."], 2: ["c.", "d."]])
        }
    }

    static func sharedWorkers(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let (meeting, end) = (Rendezvous(), Rendezvous())
            let (first, second, third) = try ForkPool(workers: 2).resident(
                Performer(), Performer(), Scaling(factor: 3), start: kind.start)
            let calls = [first, second].map {
                $0.submit(.meet(at: meeting.path, 2, then: .wait(at: end.path, 1, then: .give(5))))
            }
            while meeting.arrivals < 2 { sched_yield() }
            let waiting = third.submit(4)
            for pool in [first, second] {
                #expect(pool.busy == 2)
                #expect(pool.pending == 1)
                #expect(pool.workers == 2)
            }
            #expect(third.busy == 2 && third.pending == 1 && third.workers == 2)
            #expect(!waiting.isDone)
            end.arrive()
            #expect(try calls.map { call throws in try call.wait() } == [5, 5])
            #expect(try waiting.wait() == 12)
            // Each is released in turn.
        }
    }

    static func faults(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let options = ForkPool.Options(chunk: .fixed(1), timeout: .seconds(1))
            let trio = try Trio(kind, workers: 3, options)
            let isOver = Atomic(false)
            let wrong = Threads.run(3) { thread -> [String] in
                if thread == 0 {
                    defer { isOver.store(true, ordering: .relaxed) }
                    let results = trio.performing.mapResults([
                        .give(1), .raise(SIGSEGV), .exit(3), .spin, .raise(SIGKILL), .give(2),
                    ])
                    let codes: [ForkPool.Failure.Code?] = [nil, .crashed, .exited, .timedOut, .killed, nil]
                    let indices = results.map { $0.failure?.index }
                    let isRight = results.map { $0.failure?.code } == codes && indices == [nil, 1, 2, 3, 4, nil]
                    return isRight && results.compactMap(\.value) == [1, 2] ? [] : ["\(results)"]
                }
                var wrong: [String] = []
                repeat {
                    if thread == 1 {
                        let results = trio.scaling.mapResults(0..<50)
                        if results.map(\.value) != (0..<50).map({ $0 * 3 }) { wrong.append("\(results)") }
                    } else {
                        let results = trio.spelling.mapResults(["ab", "c"])
                        if results.map(\.value) != [["a.", "b."], ["c."]] { wrong.append("\(results)") }
                    }
                } while !isOver.load(ordering: .relaxed)
                return wrong
            }
            #expect(wrong == [[], [], []])
            #expect(try trio.answersRight())
            trio.close()
        }
    }

    static func order(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let folder = Files.makeFolder()
            let path = folder + "/diary"
            let (a, b, c) = try ForkPool(workers: 1).resident(
                Diary(letter: "a", path: path), Diary(letter: "b", path: path), Diary(letter: "c", path: path),
                start: kind.start)
            #expect(try b(1) == "b1")
            #expect(Files.lines(path) == ["abc"])
            #expect(try [c.map([2, 3]), a.map([4])] == [["c2", "c3"], ["a4"]])
            for pool in [c, a, b] {
                #expect(Files.lines(path) == ["abc"])
                pool.close()
            }
            #expect(Files.lines(path) == ["abcCBA"])
            _ = unsafe unlink(path)
            _ = unsafe rmdir(folder)
        }
    }

    static func setUp(_ kind: Kind, _ mood: Preparing.Mood) {
        Scene.leaveNothing { () throws in
            let (begun, ended) = (Rendezvous(), Rendezvous())
            let (scaling, preparing) = try ForkPool(workers: 2).resident(
                Scaling(factor: 3), Preparing(mood, begun, ended), start: kind.start)
            let called = failure { () throws(ForkPool.Failure) in try scaling(1) }
            for thrown in [called, failure(of: preparing.submit(.give(1)).wait)] {
                #expect(thrown?.code == .setUpFailed && thrown?.bodyRan == .no, "\(String(describing: thrown))")
                #expect(thrown?.message.contains("setUp of Preparing ") == true, "\(String(describing: thrown))")
                switch mood {
                case .throwing: #expect(thrown?.thrown?.decode(as: Typed.self)?.line == 12)
                case .exiting(let status): #expect(thrown?.exitStatus == status)
                case .crashing: #expect(thrown?.signal == SIGSEGV)
                default: #expect(thrown?.signal == SIGABRT)
                }
            }
            scaling.close()
            preparing.close()
            #expect(ended.arrivals == 0)
        }
    }

    static func nameless() {
        Scene.leaveNothing { () throws in
            let refused = failure { () throws(ForkPool.Failure) in try Trio.withNameless(.exec) }
            #expect(refused?.code == .notRunnable && refused?.bodyRan == .no)
            #expect(
                refused?.message.contains("the type Nameless cannot be found by its name") == true,
                "\(String(describing: refused))")
            let options = ForkPool.Options(setUp: {})
            let closures = failure { () throws(ForkPool.Failure) in try Trio(.exec, options) }
            #expect(
                closures?.message.contains("setUp() and tearDown() in Performer, Scaling, Spelling") == true,
                "\(String(describing: closures))")
            let (scaling, nameless) = try Trio.withNameless(.residentJob)
            #expect(try [scaling(2), nameless(2)] == [6, -2])
        }
    }

    static func damagedNumber(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let trio = try Trio(kind, workers: 1)
            // That of another job, without the batch's tag and with it; those of no job.
            let numbers: [(Int) -> Int] = [
                { _ in 0 }, { _ in 2 << 32 }, { $0 - 1 }, { 3 << 32 | $0 }, { -1 << 32 | $0 },
                { Int(Int32.max) << 32 | $0 },
                { _ in .min }, { _ in -1 }, { _ in .max },
            ]
            for number in numbers {
                let meeting = Rendezvous()
                let busy = trio.performing.submit(.wait(at: meeting.path, 1, then: .give(9)))
                while trio.performing.busy < 1 { sched_yield() }
                // The only worker enters this batch afterwards.
                let batch = try trio.scaling.makeBatch([1, 2, 3], stopsAtFailure: true)
                try trio.scaling.pool.submit(batch)
                guard case .open(let slot) = batch.stage else { fatalError("there was a free batch slot") }
                let words = unsafe trio.scaling.pool.layout.batchSlot(slot).description
                let tag = batch.tags[0]
                #expect(unsafe words.load(fromByteOffset: 96, as: Int.self) == 1 << 32 | tag)
                unsafe words.storeBytes(of: number(tag), toByteOffset: 96, as: Int.self)
                meeting.arrive()
                #expect(try busy.wait() == 9)
                trio.scaling.pool.wait(for: batch)
                #expect(try trio.scaling.output.all(batch.result()) == [3, 6, 9])
                // The worker left the batch once, and lives.
                #expect(batch.tags.count == 2)
            }
            #expect(try trio.answersRight())
            trio.close()
        }
    }
}
