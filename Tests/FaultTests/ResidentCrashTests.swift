import ForkPool
import Glibc
import Testing

@Suite struct ResidentCrashTests {
    @Test("A1: a resident worker's SIGSEGV, SIGBUS, SIGFPE and abort are named", arguments: Way.allCases)
    func signals(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.signals(way) }
    }

    @Test("A1: a resident worker's overflow of the stack is told from other bad accesses", arguments: Way.allCases)
    func stackOverflow(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.stackOverflow(way) }
    }

    @Test("A1: a resident worker's trap of each kind names item, signal and message", arguments: Way.allCases)
    func eachTrap(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.eachTrap(way) }
    }

    @Test("A2, A3: a resident worker's exit with any status is an error that carries it", arguments: Way.allCases)
    func exits(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.exits(way) }
    }

    @Test("A5: a resident worker that kills itself costs one of 20 results", arguments: Way.allCases)
    func killsItself(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.killsItself(way) }
    }

    @Test("A5: a resident worker's death is told without waiting for siblings that never end", arguments: Way.allCases)
    func doesNotWaitForSiblings(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.doesNotWaitForSiblings(way) }
        await #expect(processExitsWith: .success) { [way] in await ResidentCrashScenes.doesNotWaitAsynchronously(way) }
    }

    @Test("A7: SIGTERM from outside to a resident worker while it runs", arguments: Way.allCases)
    func terminatedFromOutside(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.terminatedFromOutside(way) }
    }

    @Test("A7: SIGKILL from outside to resident workers that are idle costs no item", arguments: Way.allCases)
    func killedWhileIdle(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.killedWhileIdle(way) }
    }

    @Test("A10: all resident workers die at once", arguments: Way.allCases)
    func allDieAtOnce(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.allDieAtOnce(way) }
    }

    @Test("A10: every one of 100 items crashes its resident worker", arguments: Way.allCases)
    func everyItemCrashes(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.everyItemCrashes(way) }
    }

    @Test("A15: the grandchild of an ended resident worker does not hold the map up", arguments: Way.allCases)
    func grandchild(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentCrashScenes.grandchild(way) }
    }
}

private enum ResidentCrashScenes {
    static func signals(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let results = pool.mapResults([
                .give(0), .readNowhere, .give(2), .writeBeyondFile, .give(4), .raise(SIGFPE), .give(6), .raise(SIGABRT),
            ])
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

    static func stackOverflow(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let results = pool.mapResults([.give(0), .overflowStack, .give(2)])
            #expect(results.map(\.value) == [0, nil, 2])
            let failure = results[1].failure
            #expect(failure?.code == .crashed)
            #expect(failure?.signal == SIGSEGV)
            #expect(failure?.message.contains("stack overflow") == true, "\(String(describing: failure))")
        }
    }

    static func eachTrap(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let traps = Trap.allCases
            // Every second item springs a trap.
            let results = pool.mapResults((0..<20).map { $0 % 2 == 1 ? .spring(traps[$0 / 2]) : .give($0 * 10) })
            for item in stride(from: 0, to: 20, by: 2) { #expect(results[item].value == item * 10) }
            for (trap, item) in zip(traps, stride(from: 1, to: 20, by: 2)) {
                guard let failure = results[item].failure else {
                    Issue.record("\(trap) did not fail")
                    continue
                }
                #expect(failure.code == .crashed, "\(trap): \(failure)")
                #expect([SIGILL, SIGTRAP, SIGABRT].contains(failure.signal), "\(trap): \(failure)")
                #expect(failure.description.hasPrefix("item \(item) crashed its worker (pid \(failure.pid ?? 0)): SIG"))
                // An optimized build traps without a word.
                #if DEBUG
                #expect(failure.message.contains(trap.text), "\(trap): \(failure)")
                #endif
            }
        }
    }

    static func exits(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let results = pool.mapResults([.give(0), .exit(0), .give(2), .exit(42), .give(4), .exitAtOnce(255)])
            #expect(results.map(\.value) == [0, nil, 2, nil, 4, nil])
            for (item, status) in [(1, 0), (3, 42), (5, 255)] as [(Int, Int32)] {
                #expect(results[item].failure?.code == .exited)
                #expect(results[item].failure?.index == item)
                #expect(results[item].failure?.exitStatus == status)
                #expect(results[item].failure?.signal == nil)
            }
            #expect(failure { () throws(ForkPool.Failure) in try pool(.exit(0)) }?.exitStatus == 0)
        }
    }

    static func killsItself(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let results = pool.mapResults((0..<20).map { $0 == 7 ? .raise(SIGKILL) : .give($0 + 100) })
            #expect(results.compactMap(\.value) == Array(100..<107) + Array(108..<120))
            #expect(results[7].failure?.code == .killed)
            #expect(results[7].failure?.signal == SIGKILL)
            #expect(results[7].failure?.index == 7)
            #expect(results[7].failure?.bodyRan == .yes)
            #expect(results[7].failure?.message.contains("out of memory") == true)
        }
    }

    static func doesNotWaitForSiblings(_ way: Way) {
        ResidentScene.survive(way, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            let sibling = Deed.meet(at: meeting.path, 2, then: .sleep(at: meeting.path))
            let dying = Deed.meet(at: meeting.path, 2, then: .raise(SIGKILL))
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map([dying, sibling]) }
            #expect(thrown?.index == 0)
            #expect(thrown?.code == .killed)
        }
    }

    static func doesNotWaitAsynchronously(_ way: Way) async {
        await ResidentScene.survive(way, options: .init(chunk: .fixed(1))) { pool in
            let meeting = Rendezvous()
            let sibling = Deed.meet(at: meeting.path, 2, then: .sleep(at: meeting.path))
            let dying = Deed.meet(at: meeting.path, 2, then: .raise(SIGKILL))
            do throws(ForkPool.Failure) {
                _ = try await pool.map([dying, sibling])
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.index == 0)
                #expect(error.signal == SIGKILL)
            }
        }
    }

    static func terminatedFromOutside(_ way: Way) {
        ResidentScene.survive(way, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            let call = pool.submit(.sleep(at: meeting.path))
            let worker = meeting.receive()
            #expect(try pool.map([.give(1), .give(2)]) == [1, 2])
            kill(worker, SIGTERM)
            let thrown = failure { () throws(ForkPool.Failure) in try call.wait() }
            #expect(thrown?.code == .killed)
            #expect(thrown?.signal == SIGTERM)
            #expect(thrown?.pid == worker)
            #expect(thrown?.message.contains("SIGTERM killed its worker") == true)
            #expect(ResidentScene.isGone(worker))
        }
    }

    static func killedWhileIdle(_ way: Way) {
        ResidentScene.survive(way, workers: 3, options: .init(chunk: .fixed(1))) { pool throws in
            for _ in 0..<10 {
                let meeting = Rendezvous()
                let pids = try pool.map((0..<3).map { _ in .meet(at: meeting.path, 3, then: .pid) })
                #expect(Set(pids).count == 3)
                for pid in pids { kill(Int32(pid), SIGKILL) }
                #expect(try pool.map((0..<50).map { .give($0) }) == Array(0..<50))
            }
        }
    }

    static func allDieAtOnce(_ way: Way) {
        ResidentScene.survive(way, workers: 4, options: .init(chunk: .fixed(1))) { pool throws in
            for _ in 0..<5 {
                let meeting = Rendezvous()
                let results = pool.mapResults(
                    (0..<4).map { _ in .meet(at: meeting.path, 4, then: .raise(SIGKILL)) } + [.give(5)])
                #expect(results.map { $0.failure?.index } == [0, 1, 2, 3, nil])
                #expect(results[..<4].allSatisfy { $0.failure?.signal == SIGKILL })
                #expect(results[4].value == 5)
            }
        }
    }

    static func everyItemCrashes(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let results = pool.mapResults(
                (0..<100).map { (item: Int) -> Deed in
                    switch item % 3 {
                    case 0: .raise(SIGABRT)
                    case 1: .raise(SIGKILL)
                    default: .exit(Int32(item))
                    }
                })
            #expect(results.map { $0.failure?.index } == Array(0..<100))
            #expect(results[96].failure?.signal == SIGABRT)
            #expect(results[97].failure?.signal == SIGKILL)
            #expect(results[98].failure?.exitStatus == 98)
        }
    }

    static func grandchild(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let meeting = Rendezvous()
            let results = pool.mapResults([
                .give(0), .give(1), .fork(at: meeting.path, then: .raise(SIGKILL)), .give(3),
            ])
            #expect(results.map(\.value) == [0, 1, nil, 3])
            // It outlives the map, which did not wait for it.
            #expect(kill(meeting.receive(), SIGKILL) == 0)
        }
    }
}
