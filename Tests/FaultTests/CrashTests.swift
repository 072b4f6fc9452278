// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct CrashTests {
    @Test(
        "A1: a worker's SIGSEGV, SIGBUS, SIGFPE, abort and stack overflow are named with item, signal and meaning",
        arguments: Kind.allCases)
    func signals(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CrashScenes.signals(kind) }
    }

    @Test("A1: a worker's trap of each kind names item, signal and message", arguments: Kind.allCases)
    func traps(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CrashScenes.traps(kind) }
    }

    @Test("A2, A3: a worker's exit with any status is an error that carries it", arguments: Kind.allCases)
    func exits(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CrashScenes.exits(kind) }
    }

    @Test(
        "A5, A15: a worker that kills itself costs one of 20 results, and its grandchild does not hold the map up",
        arguments: Kind.allCases)
    func killsItself(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CrashScenes.killsItself(kind) }
    }

    @Test(
        "A1, A5: threads and tasks learn of a worker's exit without waiting for siblings that never end",
        arguments: Kind.allCases)
    func doesNotWaitForSiblings(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await CrashScenes.doesNotWaitForSiblings(kind) }
    }

    @Test("A7: SIGTERM from outside to a worker while it runs", arguments: Kind.allCases)
    func terminatedFromOutside(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CrashScenes.terminatedFromOutside(kind) }
    }

    // Between two maps a one-shot pool has no worker.
    @Test("A7: SIGKILL from outside to workers that are idle costs no item", arguments: Kind.resident)
    func killedWhileIdle(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in CrashScenes.killedWhileIdle(kind) }
    }

    @Test("A10: all workers die at once, and every one of 100 items crashes its worker", arguments: Kind.allCases)
    func allDie(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            CrashScenes.allDieAtOnce(kind)
            CrashScenes.everyItemCrashes(kind)
        }
    }
}

private enum CrashScenes {
    static func signals(_ kind: Kind) {
        let deeds: [Deed] = [
            .give(0), .readNowhere, .give(2), .writeBeyondFile, .give(4), .raise(SIGFPE), .give(6), .raise(SIGABRT),
            .overflowStack,
        ]
        kind.survive(deeds) { results in
            #expect(results.map(\.value) == [0, nil, 2, nil, 4, nil, 6, nil, nil])
            let expected = [
                (1, SIGSEGV, "SIGSEGV, a bad memory access at 0x18"), (3, SIGBUS, "SIGBUS, a bad memory access at 0x"),
                (5, SIGFPE, "SIGFPE, an arithmetic error"), (7, SIGABRT, "SIGABRT, abort() was called"),
                (8, SIGSEGV, "stack overflow"),
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

    static func traps(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let traps = Trap.allCases
            // Every second item springs a trap.
            let results = pool.mapResults(
                (0..<20).map { (item: Int) -> Deed in item % 2 == 1 ? .spring(traps[item / 2]) : .give(item * 10) })
            for item in stride(from: 0, to: 20, by: 2) { #expect(results[item].value == item * 10) }
            for (trap, item) in zip(traps, stride(from: 1, to: 20, by: 2)) {
                guard let failure = results[item].failure else {
                    Issue.record("\(trap) did not fail")
                    continue
                }
                #expect(failure.code == .crashed, "\(trap): \(failure)")
                #expect(failure.index == item, "\(trap): \(failure)")
                #expect([SIGILL, SIGTRAP, SIGABRT].contains(failure.signal), "\(trap): \(failure)")
                #expect(failure.bodyRan == .yes)
                #expect(failure.description.hasPrefix("item \(item) crashed its worker (pid \(failure.pid ?? 0)): SIG"))
                // An optimized build traps without a message.
                #if DEBUG
                #expect(failure.message.contains(trap.text), "\(trap): \(failure)")
                #endif
            }
            // The trap of the lowest item ends a map.
            let deeds = (0..<100).map { $0 >= 13 ? Deed.spring(.index) : .give($0) }
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map(deeds) }
            #expect(thrown?.index == 13)
            #expect(thrown?.code == .crashed)
        }
    }

    static func exits(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
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

    static func killsItself(_ kind: Kind) {
        let meeting = Rendezvous()
        let fork = Deed.fork(at: meeting.path, then: .raise(SIGKILL))
        let deeds = (0..<20).map { (item: Int) -> Deed in
            switch item {
            case 7: .raise(SIGKILL)
            case 15: fork
            default: .give(item + 100)
            }
        }
        kind.survive(deeds) { results in
            #expect(results.compactMap(\.value) == Array(100..<107) + Array(108..<115) + Array(116..<120))
            for item in [7, 15] {
                #expect(results[item].failure?.code == .killed)
                #expect(results[item].failure?.signal == SIGKILL)
                #expect(results[item].failure?.index == item)
                #expect(results[item].failure?.bodyRan == .yes)
                #expect(results[item].failure?.message.contains("out of memory") == true)
            }
            // The grandchild outlives the map, which did not wait for it.
            #expect(kill(meeting.receive(), SIGKILL) == 0)
        }
    }

    /// A deed that kills its worker beside one that never ends.
    private static func dyingBesideSleeper(_ meeting: Rendezvous) -> [Deed] {
        [.raise(SIGKILL), .sleep(at: meeting.path)].map { .meet(at: meeting.path, 2, then: $0) }
    }

    static func doesNotWaitForSiblings(_ kind: Kind) async {
        let options = ForkPool.Options(chunk: .fixed(1))
        await Scene.survive(kind, options: options) { pool in
            let meeting = Rendezvous()
            do throws(ForkPool.Failure) {
                _ = try await pool.map(dyingBesideSleeper(meeting))
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.index == 0)
                #expect(error.signal == SIGKILL)
            }
            let results = await pool.mapResults([.give(0), .give(1), .spring(.fatalError), .give(3)])
            #expect(results.map(\.value) == [0, 1, nil, 3])
            #expect(results[2].failure?.code == .crashed)
        }
        onThread(kind, options)
    }

    private static func onThread(_ kind: Kind, _ options: ForkPool.Options) {
        Scene.survive(kind, options: options) { pool throws in
            let meeting = Rendezvous()
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map(dyingBesideSleeper(meeting)) }
            #expect(thrown?.index == 0)
            #expect(thrown?.code == .killed)
        }
    }

    static func terminatedFromOutside(_ kind: Kind) {
        Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            let worker = SharedArray<Int32>(count: 1)
            // The other worker ends this one.
            let deeds: [Deed] = [.sleep(at: meeting.path), .wait(at: meeting.path, 1, then: .give(1)), .give(2)]
            Process.onThread {
                worker[0] = meeting.receive()
                kill(worker[0], SIGTERM)
                meeting.arrive()
            }
            let results = pool.mapResults(deeds)
            #expect(results.map(\.value) == [nil, 1, 2])
            #expect(results[0].failure?.code == .killed)
            #expect(results[0].failure?.signal == SIGTERM)
            #expect(results[0].failure?.pid == worker[0])
            #expect(results[0].failure?.message.contains("SIGTERM killed its worker") == true)
            #expect(Scene.isGone(worker[0]))
        }
    }

    static func killedWhileIdle(_ kind: Kind) {
        Scene.survive(kind, workers: 3, options: .init(chunk: .fixed(1))) { pool throws in
            for _ in 0..<10 {
                let meeting = Rendezvous()
                let pids = try pool.map((0..<3).map { _ in .meet(at: meeting.path, 3, then: .pid) })
                #expect(Set(pids).count == 3)
                for pid in pids { kill(Int32(pid), SIGKILL) }
                // A worker that still looks for work would begin an item.
                #expect(ProcessStatus.waitForEnd(of: pids.map { Int32($0) }) == [])
                #expect(try pool.map((0..<50).map { .give($0) }) == Array(0..<50))
            }
        }
    }

    static func allDieAtOnce(_ kind: Kind) {
        Scene.survive(kind, workers: 4, options: .init(chunk: .fixed(1))) { pool throws in
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

    static func everyItemCrashes(_ kind: Kind) {
        let deeds = (0..<100).map { (item: Int) -> Deed in
            switch item % 3 {
            case 0: .raise(SIGABRT)
            case 1: .raise(SIGKILL)
            default: .exit(Int32(item))
            }
        }
        kind.survive(deeds) { results in
            #expect(results.map { $0.failure?.index } == Array(0..<100))
            #expect(results[96].failure?.signal == SIGABRT)
            #expect(results[97].failure?.signal == SIGKILL)
            #expect(results[98].failure?.exitStatus == 98)
        }
    }
}
