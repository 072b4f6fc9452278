import ForkPool
import Glibc
import Testing

@Suite struct LimitTests {
    @Test("C6: memory that the system refuses is a failure that names mmap and ENOMEM")
    func mmapRefused() async {
        await #expect(processExitsWith: .success) { LimitScenes.mmapRefused() }
    }

    @Test("C6: a small address space makes smaller shares, and right results")
    func smallAddressSpace() async {
        await #expect(processExitsWith: .success) { LimitScenes.smallAddressSpace() }
    }

    @Test("C6: with no descriptor left the failure names pidfd_open and EMFILE")
    func noDescriptors() async {
        await #expect(processExitsWith: .success) { LimitScenes.noDescriptors() }
    }

    @Test("C6: with 8 descriptors in all a few workers do the work of 64")
    func eightDescriptors() async {
        await #expect(processExitsWith: .success) { LimitScenes.eightDescriptors() }
    }

    @Test("C6: asynchronous code without descriptors fails with the call's name too")
    func noDescriptorsAsynchronously() async {
        await #expect(processExitsWith: .success) { await LimitScenes.noDescriptorsAsynchronously() }
    }

    @Test("C6: a refused fork is a failure that names it and EAGAIN, with no thread allowed pthread_create")
    func noProcesses() async {
        await #expect(processExitsWith: .success) { LimitScenes.noFork() }
        await #expect(processExitsWith: .success) { LimitScenes.noThread() }
    }

    @Test(
        "C6: a resident pool hears of crashes, and goes on, when no descriptor is allowed any more",
        arguments: Way.allCases)
    func loweredLimit(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in LimitScenes.loweredLimit(way) }
    }

    @Test("C7: 1, 2, all cores', 64, 100 and 1000 workers are right", arguments: [1, 2, 0, 64, 100, 1000])
    func workers(_ count: Int) async {
        await #expect(processExitsWith: .success) { [count] in LimitScenes.workers(count) }
    }

    @Test("C7: 0 and -1 workers are a precondition that says so")
    func noWorkers() async {
        let zero = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            LimitScenes.makePool(workers: 0)
        }
        let negative = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            LimitScenes.makePool(workers: -1)
        }
        // An optimized build traps without a word.
        #if DEBUG
        for (result, number) in [(zero, 0), (negative, -1)] {
            let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
            #expect(text.contains("ForkPool: workers must be at least 1, not \(number)"), "\(text)")
        }
        #endif
    }
}

/// What this process, and what it starts, may have.
enum Limit: Int32 {
    case processes = 6
    case openFiles = 7
    case addressSpace = 9

    static func set(_ limit: Limit, to value: Int) {
        var limits = rlimit()
        _ = unsafe getrlimit(limit.rawValue, &limits)
        limits.rlim_cur = rlim_t(value)
        let result = unsafe setrlimit(limit.rawValue, &limits)
        precondition(result == 0, "no limit: errno \(errno)")
    }
}

private enum LimitScenes {
    static func mmapRefused() {
        Scene.survive { pool throws in
            let other = ForkPool(workers: 2)
            let before = Files.addressSpace
            Limit.set(.addressSpace, to: before + 32 << 20)
            let thrown = failure { () throws(ForkPool.Failure) in
                try other.fill(count: 1, slot: 64 << 20, of: UInt8.self) { _, _ in }
            }
            #expect(thrown?.code == .noMemory)
            #expect(thrown?.errno == ENOMEM)
            #expect(thrown?.index == nil)
            #expect(thrown?.bodyRan == .no)
            #expect(thrown?.message.contains("mmap") == true)
            #expect(thrown?.message.contains("errno 12") == true)
        }
    }

    static func smallAddressSpace() {
        Scene.setDeadline()
        Limit.set(.addressSpace, to: Files.addressSpace + 128 << 20)
        Scene.survive { pool throws in
            #expect(try pool.map(0..<100) { [$0, $0] } == (0..<100).map { [$0, $0] })
            // What does not fit into a worker's share is a failure of that item.
            let results = pool.mapResults(0..<3) { item in [UInt8](repeating: 7, count: item == 1 ? 60 << 20 : 10) }
            #expect(results[0].value?.count == 10)
            #expect(results[1].failure?.code == .noMemory)
            #expect(results[2].value?.count == 10)
        }
    }

    static func noDescriptors() {
        Scene.survive(workers: 3) { pool throws in
            Limit.set(.openFiles, to: 0)
            let body: (Int) -> Int = { _ in Process.sleepForEver() }
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map(0..<5, body) }
            #expect(thrown?.code == .forkRefused)
            #expect(thrown?.errno == EMFILE)
            #expect(thrown?.bodyRan == .no)
            #expect(thrown?.message.contains("pidfd_open") == true, "\(String(describing: thrown))")
            #expect(thrown?.message.contains("ulimit -n") == true)
            #expect(pool.mapResults(0..<5, body).map { $0.failure?.index } == [0, 1, 2, 3, 4])
            Limit.set(.openFiles, to: 512)
        }
    }

    static func eightDescriptors() {
        Scene.setDeadline()
        // In a process with no other thread, whose descriptors nobody else opens or closes.
        let child = Process.fork()
        if child == 0 {
            Scene.setDeadline()
            for descriptor in Int32(3)..<512 { close(descriptor) }
            Limit.set(.openFiles, to: 8)
            let results = try? ForkPool(workers: 64).map(0..<1000) { $0 + 1 }
            // Every descriptor is free again, too.
            _exit(results == Array(1...1000) && dup(0) == 3 ? 0 : 1)
        }
        #expect(Process.wait(for: child) == 0)
    }

    static func noDescriptorsAsynchronously() async {
        await Scene.survive { pool in
            Limit.set(.openFiles, to: 0)
            do throws(ForkPool.Failure) {
                _ = try await pool.map(0..<5) { $0 }
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.code == .forkRefused)
                #expect(error.errno == EMFILE)
                #expect(error.message.contains("eventfd"))
            }
            Limit.set(.openFiles, to: 512)
        }
    }

    /// Becomes a user whom the limit on processes binds; root has none.
    private static func becomeOrdinary() {
        if geteuid() == 0 {
            _ = setgid(65_534)
            precondition(setuid(65_534) == 0, "no other user: errno \(errno)")
        }
    }

    static func noFork() {
        Scene.survive { pool throws in
            becomeOrdinary()
            Limit.set(.processes, to: 0)
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map(0..<5) { $0 } }
            #expect(thrown?.code == .forkRefused)
            #expect(thrown?.errno == EAGAIN)
            #expect(thrown?.message.contains("the system refused fork: ") == true, "\(String(describing: thrown))")
            #expect(thrown?.message.contains("ulimit -u") == true)
            Limit.set(.processes, to: 4096)
        }
    }

    static func noThread() {
        Scene.setDeadline()
        becomeOrdinary()
        Limit.set(.processes, to: 0)
        let pool = ForkPool(workers: 2)
        let thrown = failure { () throws(ForkPool.Failure) in try pool.map(0..<5) { $0 } }
        #expect(thrown?.code == .forkRefused)
        #expect(thrown?.errno == EAGAIN)
        #expect(thrown?.message.contains("pthread_create") == true)
        Limit.set(.processes, to: 4096)
        Scene.answersRight(pool)
    }

    static func loweredLimit(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            Limit.set(.openFiles, to: 0)
            // The wait for the first one's end began before.
            for _ in 0..<2 {
                let results = pool.mapResults([.give(1), .raise(SIGSEGV), .give(2)])
                #expect(results.map(\.value) == [1, nil, 2])
                #expect(results[1].failure?.signal == SIGSEGV)
            }
            #expect(try pool.map((0..<100).map { .give($0) }) == Array(0..<100))
            Limit.set(.openFiles, to: 512)
        }
    }

    static func workers(_ count: Int) {
        Scene.survive(workers: count == 0 ? ForkPool.availableProcessors : count) { pool throws in
            #expect(try pool.map(0..<2000) { $0 + 1 } == Array(1...2000))
            #expect(try pool.map(0..<3) { "\($0)" } == ["0", "1", "2"])
        }
    }

    static func makePool(workers: Int) {
        Scene.setDeadline()
        // The runtime's own report of the crash would take its time.
        for number in [SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
        _ = opaque(ForkPool(workers: workers))
    }
}
