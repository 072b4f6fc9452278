import ForkPool
import Glibc
import Testing

@Suite struct SetUpTests {
    @Test("C3: a setUp that throws fails the map at once, with what it threw, and few workers are started")
    func throwing() async {
        await #expect(processExitsWith: .success) { SetUpScenes.throwing() }
    }

    @Test("C3: a setUp that exits fails the map at once, and few workers are started")
    func exiting() async {
        await #expect(processExitsWith: .success) { SetUpScenes.exiting() }
    }

    @Test("C3: a setUp that crashes fails the map at once, and few workers are started")
    func crashing() async {
        await #expect(processExitsWith: .success) { SetUpScenes.crashing() }
    }

    @Test("C3: asynchronous maps and streams hear the same")
    func asynchronously() async {
        await #expect(processExitsWith: .success) { await SetUpScenes.asynchronously() }
    }

    @Test("C3: a setUp that fails in the worker that takes another's place fails the map then, and results stand")
    func later() async {
        await #expect(processExitsWith: .success) { SetUpScenes.later() }
    }

    @Test("C3: a setUp that is killed from outside, once, costs that worker alone")
    func killedOnce() async {
        await #expect(processExitsWith: .success) { SetUpScenes.killedOnce() }
    }

    @Test("C3: a setUp that is killed from outside each time ends the map")
    func killedAlways() async {
        await #expect(processExitsWith: .success) { SetUpScenes.killedAlways() }
    }

    @Test("C3: a tearDown that crashes or exits spoils nothing of what was done")
    func tearDown() async {
        await #expect(processExitsWith: .success) { SetUpScenes.tearDown() }
    }
}

private struct NotReady: Error, Codable, Equatable {
    var what: String
}

private enum SetUpScenes {
    /// Maps in a pool with such a setUp; returns the failures of the map and of its items.
    private static func failures(
        workers: Int = 4, _ setUp: @escaping @Sendable () throws -> Void
    ) throws -> (map: ForkPool.Failure?, items: [ForkPool.Failure?]) {
        let started = SharedCounter()
        let ran = SharedCounter()
        let options = ForkPool.Options(setUp: {
            started.add()
            try setUp()
        })
        let pool = ForkPool(workers: workers, options: options)
        let map = failure { () throws(ForkPool.Failure) in
            try pool.map(0..<1000) { item -> Int in
                ran.add()
                return item
            }
        }
        #expect(started.value >= 1)
        #expect(started.value <= workers)
        let items = pool.mapResults(0..<10) { item in
            ran.add()
            return "\(item)"
        }
        #expect(started.value <= 2 * workers)
        #expect(ran.value == 0)
        return (map, items.map(\.failure))
    }

    static func throwing() {
        Scene.survive { pool throws in
            let (map, items) = try failures { throw NotReady(what: "disk") }
            #expect(map?.code == .setUpFailed)
            #expect(map?.bodyRan == .no)
            #expect(map?.thrown?.decode(as: NotReady.self) == NotReady(what: "disk"))
            #expect(map?.message.contains("could not be run: setUp threw ") == true, "\(String(describing: map))")
            #expect(items.map { $0?.code } == Array(repeating: .setUpFailed, count: 10))
            #expect(items.map { $0?.index } == Array(0..<10))
        }
    }

    static func exiting() {
        Scene.survive { pool throws in
            for status in [Int32(0), 42] {
                let (map, items) = try failures { exit(status) }
                #expect(map?.code == .setUpFailed)
                #expect(map?.exitStatus == status)
                #expect(map?.bodyRan == .no)
                #expect(items.map { $0?.exitStatus } == Array(repeating: status, count: 10))
            }
        }
    }

    static func crashing() {
        Scene.survive { pool throws in
            let (map, items) = try failures { unsafe UnsafeMutablePointer<Int>(bitPattern: opaque(8))!.pointee = 1 }
            #expect(map?.code == .setUpFailed)
            #expect(map?.signal == SIGSEGV)
            #expect(map?.message.contains("SIGSEGV") == true)
            #expect(items.map { $0?.signal } == Array(repeating: SIGSEGV, count: 10))
            let (aborted, _) = try failures(workers: 1) { abort() }
            #expect(aborted?.code == .setUpFailed)
            #expect(aborted?.signal == SIGABRT)
        }
    }

    static func asynchronously() async {
        await Scene.survive { (pool) async throws in
            let started = SharedCounter()
            let options = ForkPool.Options(setUp: {
                started.add()
                throw NotReady(what: "net")
            })
            let broken = ForkPool(workers: 2, options: options)
            do throws(ForkPool.Failure) {
                _ = try await broken.map(0..<100) { $0 }
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.code == .setUpFailed)
                #expect(error.thrown?.decode(as: NotReady.self) == NotReady(what: "net"))
            }
            #expect(started.value <= 2)
            try await StreamCensus.expectSameAsync { () async throws in
                var codes: [ForkPool.Failure.Code?] = []
                for await (_, result) in broken.stream(sequence(first: 0) { $0 + 1 }, { $0 }).results {
                    codes.append(result.failure?.code)
                }
                // What was in flight, and then that nothing more is taken.
                #expect(!codes.isEmpty)
                #expect(codes.allSatisfy { $0 == .setUpFailed })
                #expect(codes.count <= 100)
            }
            #expect(started.value <= 6)
        }
    }

    static func later() {
        Scene.survive { pool throws in
            let started = SharedCounter()
            let options = ForkPool.Options(
                chunk: .fixed(1), itemsPerWorker: 2,
                setUp: { if started.add() > 3 { throw NotReady(what: "\(getpid())") } })
            let results = ForkPool(workers: 1, options: options).mapResults(0..<20) { $0 * 2 }
            #expect(results.prefix(6).map(\.value) == [0, 2, 4, 6, 8, 10])
            #expect(results.dropFirst(6).allSatisfy { $0.failure?.code == .setUpFailed })
            #expect(started.value == 4)
        }
    }

    static func killedOnce() {
        Scene.survive { pool throws in
            let started = SharedCounter()
            let options = ForkPool.Options(setUp: { if started.add() == 1 { Process.killSelf() } })
            #expect(try ForkPool(workers: 2, options: options).map(0..<50) { $0 } == Array(0..<50))
            #expect(started.value >= 2)
            #expect(started.value <= 3)
        }
    }

    static func killedAlways() {
        Scene.survive { pool throws in
            let started = SharedCounter()
            let options = ForkPool.Options(setUp: {
                started.add()
                Process.killSelf()
            })
            let thrown = failure { () throws(ForkPool.Failure) in
                try ForkPool(workers: 2, options: options).map(0..<50) { $0 }
            }
            #expect(thrown?.bodyRan == .no)
            #expect(thrown?.signal == SIGKILL)
            #expect(started.value <= 64)
        }
    }

    static func tearDown() {
        Scene.survive { pool throws in
            for end in [{ abort() }, { exit(5) }, { Process.killSelf() }] as [@Sendable () -> Void] {
                let broken = ForkPool(workers: 2, options: .init(tearDown: end))
                #expect(try broken.map(0..<50) { "\($0)" }.last == "49")
                #expect(broken.mapResults(0..<50) { $0 }.compactMap(\.value) == Array(0..<50))
                var last = -1
                for (index, result) in broken.stream(0..<50, { $0 }) { last = try result.get() == index ? index : -2 }
                #expect(last == 49)
            }
        }
    }
}
