// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct LimitTests {
    @Test("C6: memory that the system refuses is a failure that names mmap and ENOMEM", arguments: Kind.allCases)
    func mmapRefused(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LimitScenes.mmapRefused(kind) }
    }

    @Test("C6: a small address space gives right results, but for what does not fit", arguments: Kind.allCases)
    func smallAddressSpace(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LimitScenes.smallAddressSpace(kind) }
    }

    @Test(
        "C6: with no descriptor left the failure names the call and EMFILE, and a pool that runs goes on",
        arguments: Kind.allCases)
    func noDescriptors(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            // A one-shot map needs descriptors itself; other pools need them when they are made.
            guard kind != .oneShot else {
                LimitScenes.noDescriptorsForMap()
                await LimitScenes.noDescriptorsForTask()
                return
            }
            LimitScenes.noDescriptorsForPool(kind)
            LimitScenes.loweredLimit(kind)
        }
    }

    @Test("C6: with 8 descriptors in all a few workers do the work of 64", arguments: Kind.allCases)
    func eightDescriptors(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LimitScenes.eightDescriptors(kind) }
    }

    // Other pools fork their processes in the same way, when they are made.
    @Test("C6: a refused fork is a failure that names fork and EAGAIN, a refused thread one that names pthread_create")
    func noProcesses() async {
        await #expect(processExitsWith: .success) { LimitScenes.noFork() }
        await #expect(processExitsWith: .success) { LimitScenes.noThread() }
    }

    @Test("C7: 1, 2, all cores', 64, 100 and 1000 workers are right", arguments: Kind.allCases)
    func workers(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LimitScenes.workers(kind) }
    }

    @Test("C7: 0 and -1 workers are a precondition that says so")
    func noWorkers() async {
        let zero = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            LimitScenes.makePool(workers: 0)
        }
        let negative = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            LimitScenes.makePool(workers: -1)
        }
        for (result, number) in [(zero, 0), (negative, -1)] {
            let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
            #expect(text.contains("ForkPool: workers must be at least 1, not \(number)"), "\(text)")
        }
    }
}

/// Limits of this process and its children.
enum Limit: Int32 {
    case fileSize = 1
    case core = 4
    case processes = 6
    case openFiles = 7
    case lockedMemory = 8
    case addressSpace = 9

    static func set(_ limit: Limit, to value: Int) {
        var limits = rlimit()
        _ = unsafe getrlimit(limit.rawValue, &limits)
        limits.rlim_cur = rlim_t(value)
        let result = unsafe setrlimit(limit.rawValue, &limits)
        precondition(result == 0, "no limit: errno \(errno)")
    }

    /// Becomes a user that limits bind; some do not bind root.
    static func becomeOrdinary() {
        if geteuid() == 0 {
            _ = setgid(65_534)
            precondition(setuid(65_534) == 0, "no other user: errno \(errno)")
        }
    }
}

private enum LimitScenes {
    static func mmapRefused(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let other = ForkPool(workers: 2)
            Limit.set(.addressSpace, to: Files.addressSpace + (kind == .oneShot ? 32 << 20 : 256 << 10))
            let thrown = failure { () throws(ForkPool.Failure) in
                if kind == .oneShot {
                    _ = try other.fill(count: 1, slot: 64 << 20, of: UInt8.self) { _, _ in }
                } else {
                    _ = try kind.start(Performer(), workers: 3)
                }
            }
            Limit.set(.addressSpace, to: Int(Int32.max) << 20)
            #expect(thrown?.code == .noMemory, "\(String(describing: thrown))")
            #expect(thrown?.errno == ENOMEM)
            #expect(thrown?.index == nil)
            #expect(thrown?.bodyRan == .no)
            #expect(thrown?.message.contains("mmap") == true, "\(String(describing: thrown))")
            #expect(thrown?.message.contains("errno 12") == true)
        }
    }

    static func smallAddressSpace(_ kind: Kind) {
        let (size, tooMuch) = kind == .oneShot ? (128 << 20, 60 << 20) : (256 << 20, 150 << 20)
        Limit.set(.addressSpace, to: Files.addressSpace + size)
        Scene.survive(Filling(), kind, Filling.answersRight) { pool throws in
            #expect(try pool.map((0..<100).map { [$0, 2] }) == (0..<100).map { [UInt8($0), UInt8($0)] })
            // A result that does not fit into a worker's share fails its item.
            let results = pool.mapResults([[1, 10], [2, tooMuch], [3, 10]])
            #expect(results[0].value?.count == 10 && results[2].value?.count == 10)
            #expect(results[1].failure?.index == 1, "\(results[1])")
            if kind == .oneShot { #expect(results[1].failure?.code == .noMemory) }
        }
    }

    static func noDescriptorsForMap() {
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

    static func noDescriptorsForTask() async {
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

    static func noDescriptorsForPool(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            Limit.set(.openFiles, to: 0)
            let thrown = failure { () throws(ForkPool.Failure) in try kind.start(Performer(), workers: 3) }
            Limit.set(.openFiles, to: 512)
            #expect(thrown?.code == .forkRefused, "\(String(describing: thrown))")
            #expect(thrown?.errno == EMFILE && thrown?.bodyRan == .no)
            #expect(thrown?.message.contains("ulimit -n") == true, "\(String(describing: thrown))")
        }
    }

    static func loweredLimit(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            // A resident pool that runs has a spare.
            if kind != .oneShot { Looking.untilIdle() }
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

    static func eightDescriptors(_ kind: Kind) {
        Scene.setDeadline()
        // The process has no other thread, so nothing else opens or closes descriptors.
        let child = Process.fork()
        if child == 0 {
            Scene.setDeadline()
            for descriptor in Int32(3)..<512 { close(descriptor) }
            Limit.set(.openFiles, to: 8)
            do throws(ForkPool.Failure) {
                let pool = try kind.start(Performer(), workers: 64)
                if try pool.map((0..<1000).map { .give($0) }) != Array(0..<1000) { _exit(1) }
                pool.close()
            } catch {
                _exit(2)
            }
            // Every descriptor is free again, too.
            _exit(dup(0) == 3 ? 0 : 3)
        }
        #expect(Process.wait(for: child) == 0)
    }

    static func noFork() {
        guard Fault.isAvailable else { return }
        // The first fault maps the memory that says which call fails.
        Fault.none.begin()
        Fault.end()
        Scene.survive { pool throws in
            let fault = Fault(call: "fork", role: .parent, first: 1, times: Int(UInt32.max), error: EAGAIN)
            fault.begin()
            defer { Fault.end() }
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map(0..<5) { $0 } }
            #expect(thrown?.code == .forkRefused)
            #expect(thrown?.errno == EAGAIN)
            #expect(thrown?.message.contains("the system refused fork: ") == true, "\(String(describing: thrown))")
            #expect(thrown?.message.contains("ulimit -u") == true)
        }
    }

    static func noThread() {
        Scene.setDeadline()
        Limit.becomeOrdinary()
        Limit.set(.processes, to: 0)
        let pool = ForkPool(workers: 2)
        let thrown = failure { () throws(ForkPool.Failure) in try pool.map(0..<5) { $0 } }
        #expect(thrown?.code == .forkRefused)
        #expect(thrown?.errno == EAGAIN)
        #expect(thrown?.message.contains("pthread_create") == true)
        Limit.set(.processes, to: 4096)
        do { try Scene.answersRight(pool) } catch { Issue.record(error) }
    }

    /// The numbers of workers to try of each kind: few for kinds that are supervised like another.
    private static func counts(_ kind: Kind) -> [Int] {
        switch kind {
        case .oneShot: [1, 2, ForkPool.availableProcessors, 64, 100, 1000]
        case .residentBody: [1, ForkPool.availableProcessors, 64, 1000]
        case .residentJob: [2]
        case .exec: [2, 64]
        }
    }

    static func workers(_ kind: Kind) {
        for workers in counts(kind) {
            Scene.survive(kind, workers: workers) { pool throws in
                #expect(pool.workers == workers)
                #expect(try pool.map((0..<2000).map { .give($0) }) == Array(0..<2000))
                #expect(failure { () throws(ForkPool.Failure) in try pool(.raise(SIGKILL)) }?.signal == SIGKILL)
                #expect(try pool.map([.give(5), .give(6), .give(7)]) == [5, 6, 7])
            }
        }
    }

    static func makePool(workers: Int) {
        Scene.setDeadline()
        // Without the runtime's crash report, which is slow.
        for number in [SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
        _ = opaque(ForkPool(workers: workers))
    }
}
