import ForkPool
import Glibc
import Testing

@Suite struct CrashTests {
    @Test("A1: SIGSEGV, SIGBUS, SIGFPE and abort are named with what they mean")
    func signals() async {
        await #expect(processExitsWith: .success) { CrashScenes.signals() }
    }

    @Test("A1: an overflow of the stack is told from other bad accesses")
    func stackOverflow() async {
        await #expect(processExitsWith: .success) { CrashScenes.stackOverflow() }
    }

    @Test("A2, A3: exit with any status is an error that carries it")
    func exits() async {
        await #expect(processExitsWith: .success) { CrashScenes.exits() }
    }

    @Test("A5: a worker that kills itself costs one of 20 results")
    func killsItself() async {
        await #expect(processExitsWith: .success) { CrashScenes.killsItself() }
    }

    @Test("A5: a death is told without waiting for siblings that never end")
    func doesNotWaitForSiblings() async {
        await #expect(processExitsWith: .success) { CrashScenes.doesNotWaitForSiblings() }
    }

    @Test("A5: a death is told to asynchronous code without waiting for siblings")
    func doesNotWaitForSiblingsAsynchronously() async {
        await #expect(processExitsWith: .success) { await CrashScenes.doesNotWaitForSiblingsAsynchronously() }
    }

    @Test("A7: SIGTERM from outside while it runs")
    func terminatedFromOutside() async {
        await #expect(processExitsWith: .success) { CrashScenes.terminatedFromOutside() }
    }

    @Test("A10: all workers die at once")
    func allDieAtOnce() async {
        await #expect(processExitsWith: .success) { CrashScenes.allDieAtOnce() }
    }

    @Test("A10: every one of 200 items crashes")
    func everyItemCrashes() async {
        await #expect(processExitsWith: .success) { CrashScenes.everyItemCrashes() }
    }

    @Test("A15: the grandchild of an ended worker does not hold the map up")
    func grandchild() async {
        await #expect(processExitsWith: .success) { CrashScenes.grandchild() }
    }
}

private enum CrashScenes {
    static func signals() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<8) { item in
                switch item {
                case 1: unsafe UnsafeMutablePointer<Int>(bitPattern: opaque(0x18))!.pointee = 1
                case 3: touchBeyondFile()
                case 5: raise(SIGFPE)
                case 7: abort()
                default: break
                }
                return item
            }
            #expect(results.map(\.value) == [0, nil, 2, nil, 4, nil, 6, nil])
            let expected = [
                (1, SIGSEGV, "SIGSEGV, a bad memory access at 0x18"), (3, SIGBUS, "SIGBUS, a bad memory access at 0x"),
                (5, SIGFPE, "SIGFPE, an arithmetic error"), (7, SIGABRT, "SIGABRT, abort() was called"),
            ]
            for (item, signal, text) in expected {
                let failure = results[item].failure
                #expect(failure?.code == .crashed)
                #expect(failure?.index == item)
                #expect(failure?.signal == signal)
                #expect(failure?.message.contains(text) == true, "\(String(describing: failure))")
            }
        }
    }

    /// Writes into a mapped page that lies behind the end of its file.
    private static func touchBeyondFile() {
        let file = unsafe tmpfile()!
        let page = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0)!
        unsafe page.storeBytes(of: 1, as: Int.self)
    }

    static func stackOverflow() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<3) { item in item == 1 ? depth(opaque(1)) : item }
            #expect(results[0].value == 0)
            #expect(results[2].value == 2)
            let failure = results[1].failure
            #expect(failure?.code == .crashed)
            #expect(failure?.signal == SIGSEGV)
            #expect(failure?.message.contains("stack overflow") == true, "\(String(describing: failure))")
        }
    }

    @inline(never) @_optimize(none)
    private static func depth(_ number: Int) -> Int {
        number == 0 ? 0 : depth(number + 1) + opaque(number)
    }

    static func exits() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<6) { item -> String in
                switch item {
                case 1: exit(0)
                case 3: exit(42)
                case 5: _exit(255)
                default: "value \(item)"
                }
            }
            #expect(results.map(\.value) == ["value 0", nil, "value 2", nil, "value 4", nil])
            for (item, status) in [(1, 0), (3, 42), (5, 255)] as [(Int, Int32)] {
                #expect(results[item].failure?.code == .exited)
                #expect(results[item].failure?.index == item)
                #expect(results[item].failure?.exitStatus == status)
                #expect(results[item].failure?.signal == nil)
            }
            #expect(failure { () throws(ForkPool.Failure) in try pool.map(0..<1) { _ in exit(0) } }?.exitStatus == 0)
        }
    }

    static func killsItself() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<20) { item in
                if item == 7 { Process.killSelf() }
                return item + 100
            }
            #expect(results.compactMap(\.value) == Array(100..<107) + Array(108..<120))
            #expect(results[7].failure?.code == .killed)
            #expect(results[7].failure?.signal == SIGKILL)
            #expect(results[7].failure?.index == 7)
            #expect(results[7].failure?.message.contains("out of memory") == true)
        }
    }

    static func doesNotWaitForSiblings() {
        Scene.survive(options: .init(chunk: .fixed(1))) { pool throws in
            let thrown = failure { () throws(ForkPool.Failure) in
                try pool.map(0..<2) { item in
                    if item == 1 { Process.sleepForEver() }
                    Process.killSelf()
                    return item
                }
            }
            #expect(thrown?.index == 0)
            #expect(thrown?.code == .killed)
        }
    }

    static func doesNotWaitForSiblingsAsynchronously() async {
        await Scene.survive(options: .init(chunk: .fixed(1))) { pool in
            do throws(ForkPool.Failure) {
                _ = try await pool.map(0..<2) { item in
                    if item == 1 { Process.sleepForEver() }
                    Process.killSelf()
                    return item
                }
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.index == 0)
                #expect(error.signal == SIGKILL)
            }
        }
    }

    static func terminatedFromOutside() {
        Scene.survive(options: .init(chunk: .fixed(1))) { pool throws in
            let pids = PidPipe()
            let results = pool.mapResults(0..<3) { item in
                switch item {
                case 0:
                    pids.send()
                    Process.sleepForEver()
                case 1: kill(pids.receive(), SIGTERM)
                default: break
                }
                return item
            }
            #expect(results.map(\.value) == [nil, 1, 2])
            #expect(results[0].failure?.code == .killed)
            #expect(results[0].failure?.signal == SIGTERM)
            #expect(results[0].failure?.message.contains("SIGTERM killed its worker") == true)
        }
    }

    static func allDieAtOnce() {
        Scene.survive(workers: 4, options: .init(chunk: .fixed(1))) { pool throws in
            let arrived = SharedCounter()
            let results = pool.mapResults(0..<4) { item in
                arrived.add()
                while arrived.value < 4 { sched_yield() }
                Process.killSelf()
                return item
            }
            #expect(results.map { $0.failure?.index } == [0, 1, 2, 3])
            #expect(results.allSatisfy { $0.failure?.signal == SIGKILL })
        }
    }

    static func everyItemCrashes() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<200) { item -> Int in
                if item % 3 == 0 { abort() }
                if item % 3 == 1 { Process.killSelf() }
                exit(Int32(item))
            }
            #expect(results.map { $0.failure?.index } == Array(0..<200))
            #expect(results[198].failure?.signal == SIGABRT)
            #expect(results[199].failure?.signal == SIGKILL)
            #expect(results[197].failure?.exitStatus == 197)
        }
    }

    static func grandchild() {
        Scene.survive { pool throws in
            let pids = PidPipe()
            let results = pool.mapResults(0..<4) { item in
                if item == 2 {
                    let grandchild = Process.fork()
                    if grandchild == 0 { Process.sleepForEver() }
                    pids.send(grandchild)
                    Process.killSelf()
                }
                return item
            }
            #expect(results.map(\.value) == [0, 1, nil, 3])
            let grandchild = pids.receive()
            // It outlives the map, which did not wait for it.
            #expect(kill(grandchild, SIGKILL) == 0)
        }
    }
}
