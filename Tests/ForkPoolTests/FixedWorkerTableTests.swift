// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The table of a one-shot map: workers fixed to their slots")
struct FixedWorkerTableTests {
    private func exit(isNeeded: Bool = true, finished: Bool = false, pause: Int = 0) -> WorkerExit {
        WorkerExit(
            process: ProcessExit(pid: 7, .signal(SIGKILL)), finished: finished, isReady: true, claimed: true,
            isNeeded: isNeeded, pause: pause)
    }

    private func running(_ workers: Int) -> WorkerTable {
        var table = WorkerTable(workers: workers, held: Array(0..<workers))
        _ = table.fill()
        for slot in 0..<workers { _ = table.started(slot) }
        return table
    }

    @Test("starts each worker in its slot, and no more than the map has")
    func fill() {
        var table = WorkerTable(workers: 3, held: [0, 1])
        #expect(table.unassigned == [])
        #expect(table.fill() == [.start([0, 1])])
        #expect(table.fill() == [])
        #expect(table.started(1) == [])
        #expect(table.started(0) == [])
        #expect((0..<3).map { table.worker(in: $0) } == [0, 1, nil])
        #expect(table.isManned)
    }

    @Test("starts a worker again in its slot if there is something to do, and is unmanned after the last one")
    func replace() {
        var table = running(2)
        #expect(table.exited(1, exit(), at: 5) == [.start([1])])
        #expect(table.started(1) == [])
        #expect(table.worker(in: 1) == 1)
        #expect(table.exited(0, exit(isNeeded: false, finished: true), at: 5) == [])
        #expect(table.isManned)
        #expect(table.exited(1, exit(isNeeded: false), at: 5) == [])
        #expect(!table.isManned)
        #expect(table.ending == nil)
        #expect(table.fill() == [.start([0, 1])])
    }

    @Test("starts only the workers that the map has, and knows which of them have no process")
    func shared() {
        var table = WorkerTable(workers: 5, held: [3, 1])
        #expect(table.heldCount == 2 && table.unused == [1, 3])
        #expect(table.fill() == [.start([1, 3])])
        for slot in [1, 3] { #expect(table.started(slot) == []) }
        #expect(table.unused == [] && table.fill() == [])
        table.take([0])
        #expect(table.unused == [0] && table.fill() == [.start([0])])
        #expect(table.started(0) == [])
        // One that gave way is not replaced, although there is something to do.
        var leaving = exit(finished: true)
        leaving.gaveWay = true
        #expect(table.exited(1, leaving, at: 5) == [])
        #expect(table.unused == [1])
        table.giveBack([1])
        #expect(table.unused == [] && table.fill() == [] && table.heldCount == 2)
        // One that ended is, and one that rests is not unused.
        #expect(table.exited(3, exit(), at: 5) == [.start([3])])
        #expect(table.exited(0, exit(pause: 30), at: 5) == [])
        #expect(table.unused == [])
        #expect(table.endRests(at: 35) == [.start([0])])
    }

    @Test("goes on without a worker that is refused")
    func refused() {
        var table = running(2)
        #expect(table.exited(1, exit(), at: 5) == [.start([1])])
        table.refused(1)
        #expect(table.isManned)
        #expect(table.exited(0, exit(finished: true), at: 5) == [.start([0])])
        table.refused(0)
        #expect(!table.isManned)
        #expect(table.fill() == [.start([0, 1])])
    }

    @Test("starts no process for a worker that rests, and is manned meanwhile: no other has anything to do")
    func rest() {
        var table = running(2)
        #expect(table.exited(0, exit(pause: 30), at: 100) == [])
        #expect(table.nextRestEnd == 130)
        #expect(table.exited(1, exit(isNeeded: false), at: 100) == [])
        #expect(table.isManned)
        #expect(table.fill() == [.start([1])])
        table.refused(1)
        #expect(table.isManned)
        #expect(table.endRests(at: 129) == [])
        #expect(table.endRests(at: 130) == [.start([0])])
        #expect(table.nextRestEnd == .max)
        #expect(table.isManned)
        table.refused(0)
        #expect(!table.isManned)
    }

    @Test("kills a worker in a deadlock alone, there being no spare")
    func deadlock() {
        var table = running(2)
        #expect(table.kill(1, for: .deadlocked) == [.kill(slot: 1)])
        let taken = table.takeKillReason(of: 1)
        #expect(taken.reason == .deadlocked && !taken.sameCause)
        #expect(table.exited(1, exit(), at: 5) == [.start([1])])
        #expect(table.started(1) == [])
        #expect(table.killReason(of: 1) == nil)
    }

    @Test("kills what starts after the end, and every process at the end")
    func end() {
        var table = WorkerTable(workers: 3, held: [0, 1, 2])
        _ = table.fill()
        _ = table.started(0)
        #expect(table.end(.cancelled) == [.kill(slot: 0)])
        #expect(table.started(1) == [.kill(slot: 1)])
        table.refused(2)
        #expect(table.exited(0, exit(), at: 5) == [])
        #expect(table.exited(1, exit(pause: 30), at: 5) == [])
        #expect(table.nextRestEnd == .max)
        #expect(!table.isManned)
        #expect(table.fill() == [])
    }

    @Test("replaces nothing once it closes, and kills no worker for that")
    func close() {
        var table = running(2)
        #expect(table.close() == [])
        #expect(table.exited(0, exit(), at: 5) == [])
        #expect(table.isManned)
        #expect(table.exited(1, exit(finished: true), at: 5) == [])
        #expect(!table.isManned)
    }
}
