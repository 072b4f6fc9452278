import ForkPool
import Glibc
import Testing

@Suite struct ResidentStartTests {
    @Test("C3: a setUp that throws, exits or crashes fails the calls at once", arguments: Way.allCases)
    func setUpFails(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.setUpFails(way, .throwing) }
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.setUpFails(way, .exiting) }
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.setUpFails(way, .crashing) }
    }

    @Test("C3: a setUp that fails in a later worker ends the pool, and no more are started", arguments: Way.allCases)
    func setUpFailsLater(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.setUpFailsLater(way) }
    }

    @Test(
        "C3: setUp and tearDown run once in each worker, before its first item and after its last",
        arguments: Way.allCases)
    func setUpAndTearDown(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.setUpAndTearDown(way) }
    }

    @Test("C3: a setUp in the options fails as that of a job does, and exec says that it cannot have one")
    func closures() async {
        await #expect(processExitsWith: .success) { ResidentStartScenes.closures() }
    }

    @Test(
        "C7: resident pools of 1, 2, all cores', 64 and 1000 workers are right",
        arguments: [(Way.body, 1), (.job, 2), (.exec, 2), (.body, 0), (.body, 64), (.exec, 64), (.body, 1000)])
    func workers(_ way: Way, count: Int) async {
        await #expect(processExitsWith: .success) { [way, count] in ResidentStartScenes.workers(way, count) }
    }

    @Test("D12: itemsPerWorker of 1 and 3 with many items: all done, and the workers change", arguments: Way.allCases)
    func itemsPerWorker(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.itemsPerWorker(way, 1) }
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.itemsPerWorker(way, 3) }
    }

    @Test("A: a worker that dies beside 40 siblings is replaced, and they are left alone", arguments: Way.allCases)
    func manySiblings(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.manySiblings(way) }
    }

    @Test(
        "A: a template that is killed is started anew, with the workers that went with it", arguments: [Way.body, .job])
    func template(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentStartScenes.template(way) }
    }
}

/// A job whose `setUp` and `tearDown` are counted, and fail if they are to.
struct Preparing: PlainJob {
    enum Mood: String, Codable, Sendable {
        case fine
        case throwing
        case exiting
        case crashing
        /// Fine in so many workers, and throwing in those after.
        case failingLater
    }

    typealias Input = Deed
    typealias Output = Int

    let mood: Mood
    /// Where the beginnings of `setUp` are counted, and where the ends of `tearDown` are.
    let begun: String
    let ended: String

    func setUp() async throws { try prepare() }
    func tearDown() async { Rendezvous.arrive(at: ended) }

    func prepare() throws {
        Rendezvous.arrive(at: begun)
        switch mood {
        case .fine: break
        case .throwing: throw Typed(line: 12, words: [])
        case .exiting: exit(9)
        case .crashing: unsafe UnsafeMutablePointer<Int>(bitPattern: opaque(0x18))!.pointee = 1
        case .failingLater: if Rendezvous.arrivals(at: begun) > 3 { throw Typed(line: 13, words: []) }
        }
    }

    func act(_ deed: Deed) throws -> Int { try deed.perform() }

    /// Starts a pool in which it is prepared, also where a closure is to do so.
    func start(_ way: Way, workers: Int) throws(ForkPool.Failure) -> ResidentScene.Pool {
        guard way == .body else { return try way.start(self, workers: workers) }
        let options = ForkPool.Options(
            setUp: { try self.prepare() }, tearDown: { Rendezvous.arrive(at: self.ended) })
        return try way.start(self, workers: workers, options: options)
    }
}

private enum ResidentStartScenes {
    static func setUpFails(_ way: Way, _ mood: Preparing.Mood) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let (begun, ended) = (Rendezvous(), Rendezvous())
            let pool = try Preparing(mood: mood, begun: begun.path, ended: ended.path).start(way, workers: 4)
            let failures = [
                failure { () throws(ForkPool.Failure) in try pool.map([.give(1), .give(2)]) },
                failure { () throws(ForkPool.Failure) in try pool(.give(1)) },
                failure(of: pool.submit(.give(1)).wait),
                pool.mapResults([.give(1)])[0].failure,
            ]
            for failure in failures {
                #expect(failure?.code == .setUpFailed, "\(String(describing: failure))")
                #expect(failure?.bodyRan == .no)
                switch mood {
                case .throwing: #expect(failure?.thrown?.decode(as: Typed.self)?.line == 12)
                case .exiting: #expect(failure?.exitStatus == 9)
                default: #expect(failure?.signal == SIGSEGV)
                }
            }
            pool.close()
            // Each worker, the one that waits, and those that were on their way: but no storm.
            #expect((1...12).contains(begun.arrivals), "\(begun.arrivals) workers were started")
            #expect(ended.arrivals == 0)
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func setUpFailsLater(_ way: Way) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let (begun, ended, meeting) = (Rendezvous(), Rendezvous(), Rendezvous())
            let pool = try Preparing(mood: .failingLater, begun: begun.path, ended: ended.path).start(way, workers: 3)
            let deeds = (0..<3).map { Deed.meet(at: meeting.path, 3, then: .give($0)) }
            #expect(try pool.map(deeds).count == 3)
            #expect(begun.arrivals == 3)
            #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
            // The next worker fails at once; what is submitted until then may still be done by the others.
            var code = ForkPool.Failure.Code?.none
            while code == nil {
                do throws(ForkPool.Failure) { _ = try pool(.give(1)) } catch { code = error.code }
            }
            #expect(code == .setUpFailed)
            pool.cancel()
            #expect((4...6).contains(begun.arrivals), "\(begun.arrivals) workers were started")
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func setUpAndTearDown(_ way: Way) {
        Scene.setDeadline()
        do {
            let (begun, ended, meeting) = (Rendezvous(), Rendezvous(), Rendezvous())
            let pool = try Preparing(mood: .fine, begun: begun.path, ended: ended.path).start(way, workers: 3)
            #expect(try pool.map((0..<3).map { Deed.meet(at: meeting.path, 3, then: .give($0)) }) == [0, 1, 2])
            #expect(begun.arrivals == 3)
            #expect(ended.arrivals == 0)
            pool.close()
            #expect(begun.arrivals == 3)
            #expect(ended.arrivals == 3)
        } catch {
            Issue.record(error)
        }
    }

    static func closures() {
        Scene.setDeadline()
        let options = ForkPool.Options(setUp: { throw Plain(description: "no") })
        let thrown = failure { () throws(ForkPool.Failure) in try Way.exec.start(Performer(), options: options) }
        #expect(thrown?.code == .notRunnable)
        #expect(thrown?.message.contains("implement setUp() and tearDown() in Performer") == true)
        let pool = try? Way.job.start(Performer(), options: options)
        let called = failure { () throws(ForkPool.Failure) in try pool!(.give(1)) }
        #expect(called?.code == .setUpFailed)
        #expect(called?.message.contains("setUp threw Plain: no") == true)
    }

    static func workers(_ way: Way, _ count: Int) {
        let workers = count == 0 ? ForkPool.availableProcessors : count
        ResidentScene.survive(way, workers: workers) { pool throws in
            #expect(pool.workers == workers)
            #expect(try pool.map((0..<2000).map { .give($0) }) == Array(0..<2000))
            #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
            #expect(try pool.map([.give(5), .give(6), .give(7)]) == [5, 6, 7])
        }
    }

    static func itemsPerWorker(_ way: Way, _ items: Int) {
        let count = way == .body ? 1000 : 60
        ResidentScene.survive(way, options: .init(itemsPerWorker: items)) { pool throws in
            #expect(try pool.map((0..<count).map { .give($0) }) == Array(0..<count))
            let pids = try pool.map((0..<30).map { _ in .pid })
            #expect(Set(pids).count >= 30 / items)
            #expect(Dictionary(grouping: pids) { $0 }.values.allSatisfy { $0.count <= items })
            for number in 0..<20 { #expect(try pool(.give(number)) == number) }
        }
    }

    static func manySiblings(_ way: Way) {
        let workers = way == .exec ? 12 : 41
        ResidentScene.survive(way, workers: workers, options: .init(chunk: .fixed(1))) { pool throws in
            func pids(_ meeting: Rendezvous) throws(ForkPool.Failure) -> Set<Int> {
                Set(try pool.map((0..<workers).map { _ in .meet(at: meeting.path, workers, then: .pid) }))
            }
            let before = try pids(Rendezvous())
            #expect(before.count == workers)
            for _ in 0..<10 {
                #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
            }
            // Every worker runs, and at least so many are those of before.
            let after = try pids(Rendezvous())
            #expect(after.count == workers)
            #expect(before.intersection(after).count >= workers - 10)
        }
    }

    static func template(_ way: Way) {
        ResidentScene.survive(way, options: .init(chunk: .fixed(1))) { pool throws in
            for _ in 0..<5 {
                let template = Int32(try pool(.parent))
                #expect(template != getpid())
                kill(template, SIGKILL)
                // Some calls may meet workers that die with it.
                var answer: Int?
                while answer == nil { answer = try? pool(.parent) }
                while Int32(answer!) == template { answer = (try? pool(.parent)) ?? answer }
                #expect(try pool.map([.give(1), .give(2)]) == [1, 2])
            }
            // What goes with it was killed, also where another template is there by the time that it is asked after.
            let meeting = Rendezvous()
            let template = Int32(try pool(.parent))
            Process.onThread {
                for _ in 0..<2 { _ = meeting.receive() }
                kill(template, SIGKILL)
            }
            let results = pool.mapResults([.sleep(at: meeting.path), .sleep(at: meeting.path)])
            #expect(results.map(\.failure?.code) == [.killed, .killed])
        }
    }
}
