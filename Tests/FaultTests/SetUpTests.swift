// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct SetUpTests {
    @Test(
        "C3: a setUp that throws, exits or crashes fails maps and calls at once, and few workers are started",
        arguments: Kind.allCases)
    func fails(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for mood in [Preparing.Mood.throwing, .exiting(0), .exiting(42), .crashing, .aborting] {
                SetUpScenes.fails(kind, mood)
            }
        }
    }

    @Test("C3: asynchronous maps and streams report a setUp that fails", arguments: Kind.allCases)
    func asynchronously(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await SetUpScenes.asynchronously(kind) }
    }

    @Test(
        "C3: a setUp that fails in a later worker fails the map then, or ends the pool, and results stand",
        arguments: Kind.allCases)
    func later(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            if kind == .oneShot { SetUpScenes.laterInMap() } else { SetUpScenes.laterInPool(kind) }
        }
    }

    @Test(
        "C3: a setUp that is killed from outside, once, costs that worker alone, and each time it ends the map",
        arguments: Kind.allCases)
    func killed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            SetUpScenes.killedOnce(kind)
            SetUpScenes.killedAlways(kind)
        }
    }

    @Test(
        "C3: setUp and tearDown run once in each worker, before its first item and after its last",
        arguments: Kind.allCases)
    func onceInEachWorker(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SetUpScenes.onceInEachWorker(kind) }
    }

    @Test("C3: a tearDown that crashes or exits spoils nothing of what was done", arguments: Kind.allCases)
    func tearDown(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SetUpScenes.tearDown(kind) }
    }

    @Test("C3: a setUp in the options fails as that of a job does, and exec says that it cannot have one")
    func closures() async {
        await #expect(processExitsWith: .success) { SetUpScenes.closures() }
    }
}

/// A job that counts its `setUp` and `tearDown`, and lets them fail as asked.
struct Preparing: PlainJob {
    enum Mood: Codable, Sendable {
        case fine
        case throwing
        case exiting(Int32)
        case crashing
        case aborting
        /// Works in three workers, and throws in later ones.
        case failingLater
        case killedOnce
        case killed
    }

    typealias Input = Deed
    typealias Output = Int

    let mood: Mood
    /// The tallies of begun `setUp`s and of ended `tearDown`s.
    let begun: String
    let ended: String
    /// What `tearDown` does in the end.
    var last: Deed?

    init(_ mood: Mood, _ begun: Rendezvous, _ ended: Rendezvous, last: Deed? = nil) {
        self.mood = mood
        self.begun = begun.path
        self.ended = ended.path
        self.last = last
    }

    func setUp() async throws { try prepare() }
    func tearDown() async { finish() }

    func prepare() throws {
        Rendezvous.arrive(at: begun)
        switch mood {
        case .fine: break
        case .throwing: throw Typed(line: 12, words: [])
        case .exiting(let status): exit(status)
        case .crashing: unsafe UnsafeMutablePointer<Int>(bitPattern: opaque(0x18))!.pointee = 1
        case .aborting: abort()
        case .failingLater: if Rendezvous.arrivals(at: begun) > 3 { throw Typed(line: 13, words: []) }
        case .killedOnce: if Rendezvous.arrivals(at: begun) == 1 { Process.killSelf() }
        case .killed: Process.killSelf()
        }
    }

    func finish() {
        Rendezvous.arrive(at: ended)
        _ = try? last?.perform()
    }

    func act(_ deed: Deed) throws -> Int { try deed.perform() }

    /// Starts a pool in which it is prepared, also where a closure is to do so.
    func start(
        _ kind: Kind, workers: Int, _ options: ForkPool.Options = .init()
    ) throws(ForkPool.Failure) -> AnyPool<Preparing> {
        var options = options
        if kind == .oneShot || kind == .residentBody {
            options.setUp = { try self.prepare() }
            options.tearDown = { self.finish() }
        }
        return try kind.start(self, workers: workers, options: options)
    }
}

private enum SetUpScenes {
    private static func check(_ failure: ForkPool.Failure?, _ mood: Preparing.Mood) {
        #expect(failure?.code == .setUpFailed, "\(String(describing: failure))")
        #expect(failure?.bodyRan == .no)
        switch mood {
        case .throwing:
            #expect(failure?.thrown?.decode(as: Typed.self)?.line == 12)
            #expect(
                failure?.message.contains("could not be run: setUp threw ") == true, "\(String(describing: failure))")
        case .exiting(let status): #expect(failure?.exitStatus == status)
        case .crashing:
            #expect(failure?.signal == SIGSEGV)
            #expect(failure?.message.contains("SIGSEGV") == true)
        default: #expect(failure?.signal == SIGABRT)
        }
    }

    static func fails(_ kind: Kind, _ mood: Preparing.Mood) {
        Scene.leaveNothing { () throws in
            let (begun, ended, ran) = (Rendezvous(), Rendezvous(), Rendezvous())
            let pool = try Preparing(mood, begun, ended).start(kind, workers: 4)
            let deeds = (0..<10).map { Deed.meet(at: ran.path, 0, then: .give($0)) }
            check(failure { () throws(ForkPool.Failure) in try pool.map(deeds) }, mood)
            // For other pools: each worker, the spare, and processes on their way, but no storm of restarts.
            let most = kind == .oneShot ? 4 : 12
            #expect((1...most).contains(begun.arrivals), "\(begun.arrivals) workers were started")
            let items = pool.mapResults(deeds)
            for item in items { check(item.failure, mood) }
            #expect(items.map { $0.failure?.index } == Array(0..<10))
            #expect((1...max(8, most)).contains(begun.arrivals), "\(begun.arrivals) workers were started")
            check(failure { () throws(ForkPool.Failure) in try pool(deeds[0]) }, mood)
            if kind != .oneShot { check(failure(of: pool.submit(deeds[0]).wait), mood) }
            pool.close()
            #expect(ran.arrivals == 0)
            #expect(ended.arrivals == 0)
        }
    }

    static func asynchronously(_ kind: Kind) async {
        await Scene.leaveNothing { () async throws in
            let (begun, ended) = (Rendezvous(), Rendezvous())
            let pool = try Preparing(.throwing, begun, ended).start(kind, workers: 2)
            do throws(ForkPool.Failure) {
                _ = try await pool.map((0..<100).map { .give($0) })
                Issue.record("nothing was thrown")
            } catch {
                check(error, .throwing)
            }
            var codes: [ForkPool.Failure.Code?] = []
            for await (_, result) in pool.stream(sequence(first: .give(0)) { $0 }).results {
                codes.append(result.failure?.code)
            }
            // Results in flight, then the failure, then nothing more.
            #expect(!codes.isEmpty)
            #expect(codes.allSatisfy { $0 == .setUpFailed }, "\(codes)")
            #expect(codes.count <= 100)
            #expect(begun.arrivals <= 12)
            await pool.finish()
        }
    }

    static func laterInMap() {
        Scene.leaveNothing { () throws in
            let (begun, ended) = (Rendezvous(), Rendezvous())
            let options = ForkPool.Options(chunk: .fixed(1), itemsPerWorker: 2)
            let pool = try Preparing(.failingLater, begun, ended).start(.oneShot, workers: 1, options)
            let results = pool.mapResults((0..<20).map { .give($0 * 2) })
            #expect(results.prefix(6).map(\.value) == [0, 2, 4, 6, 8, 10])
            #expect(results.dropFirst(6).allSatisfy { $0.failure?.code == .setUpFailed })
            #expect(begun.arrivals == 4)
        }
    }

    static func laterInPool(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let (begun, ended, meeting) = (Rendezvous(), Rendezvous(), Rendezvous())
            let pool = try Preparing(.failingLater, begun, ended).start(kind, workers: 3)
            let deeds = (0..<3).map { Deed.meet(at: meeting.path, 3, then: .give($0)) }
            #expect(try pool.map(deeds).count == 3)
            #expect(begun.arrivals == 3)
            #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
            // The next worker fails at once; the others may still do what was submitted until then.
            var code = ForkPool.Failure.Code?.none
            while code == nil {
                do throws(ForkPool.Failure) { _ = try pool(.give(1)) } catch { code = error.code }
            }
            #expect(code == .setUpFailed)
            pool.cancel()
            #expect((4...6).contains(begun.arrivals), "\(begun.arrivals) workers were started")
        }
    }

    static func killedOnce(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let (begun, ended) = (Rendezvous(), Rendezvous())
            let pool = try Preparing(.killedOnce, begun, ended).start(kind, workers: 2)
            #expect(try pool.map((0..<50).map { .give($0) }) == Array(0..<50))
            #expect((2...3).contains(begun.arrivals))
            pool.close()
        }
    }

    static func killedAlways(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let (begun, ended) = (Rendezvous(), Rendezvous())
            let pool = try Preparing(.killed, begun, ended).start(kind, workers: 2)
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map((0..<50).map { .give($0) }) }
            #expect(thrown?.bodyRan == .no)
            #expect(thrown?.signal == SIGKILL)
            #expect(begun.arrivals <= 64)
            pool.close()
        }
    }

    static func onceInEachWorker(_ kind: Kind) {
        Scene.leaveNothing { () throws in
            let (begun, ended, meeting) = (Rendezvous(), Rendezvous(), Rendezvous())
            let pool = try Preparing(.fine, begun, ended).start(kind, workers: 3, .init(chunk: .fixed(1)))
            #expect(try pool.map((0..<3).map { Deed.meet(at: meeting.path, 3, then: .give($0)) }) == [0, 1, 2])
            #expect(begun.arrivals == 3)
            #expect(ended.arrivals == (kind == .oneShot ? 3 : 0))
            pool.close()
            #expect(begun.arrivals == 3)
            #expect(ended.arrivals == 3)
        }
    }

    static func tearDown(_ kind: Kind) {
        for last in [Deed.raise(SIGABRT), .exit(5), .raise(SIGKILL)] {
            Scene.leaveNothing { () throws in
                let (begun, ended) = (Rendezvous(), Rendezvous())
                let pool = try Preparing(.fine, begun, ended, last: last).start(kind, workers: 2)
                let deeds = (0..<50).map { Deed.give($0) }
                #expect(try pool.map(deeds) == Array(0..<50))
                #expect(pool.mapResults(deeds).compactMap(\.value) == Array(0..<50))
                var read: [Int?] = []
                for (_, result) in pool.stream(deeds) { read.append(result.value) }
                #expect(read == Array(0..<50))
                pool.close()
            }
        }
    }

    static func closures() {
        Scene.setDeadline()
        let options = ForkPool.Options(setUp: { throw Plain(description: "no") })
        let thrown = failure { () throws(ForkPool.Failure) in try Kind.exec.start(Performer(), options: options) }
        #expect(thrown?.code == .notRunnable)
        #expect(thrown?.message.contains("implement setUp() and tearDown() in Performer") == true)
        let pool = try? Kind.residentJob.start(Performer(), options: options)
        let called = failure { () throws(ForkPool.Failure) in try pool!(.give(1)) }
        #expect(called?.code == .setUpFailed)
        #expect(called?.message.contains("setUp threw Plain: no") == true)
    }
}
