// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The table of workers and their processes")
struct WorkerTableTests {
    /// A worker's exit; by default it is killed from outside while at work.
    func exit(
        isReady: Bool = true, claimed: Bool = true, finished: Bool = false, setUpError: WorkerError? = nil,
        pause: Int = 0, by process: ProcessExit = ProcessExit(pid: 7, .signal(SIGKILL))
    ) -> WorkerExit {
        WorkerExit(
            process: process, finished: finished, setUpError: setUpError, isReady: isReady, isInSetUp: !isReady,
            claimed: claimed, pause: pause)
    }

    /// A table of running workers, each in the slot of its number, and a spare in the last slot.
    func running(_ workers: Int) -> WorkerTable {
        var table = WorkerTable(workers: workers)
        _ = table.fill()
        for slot in 0...workers { _ = table.started(slot) }
        return table
    }

    // MARK: - Starts

    @Test("begins with a process for each worker and a spare")
    func fill() {
        var table = WorkerTable(workers: 3)
        #expect(!table.isManned)
        #expect(table.unassigned == [2, 1, 0])
        #expect(table.fill() == [.start([0, 1, 2, 3])])
        #expect(table.isManned)
        #expect(table.fill() == [])
        #expect(table.started(2) == [.assign(slot: 2, worker: 0)])
        #expect(table.started(0) == [.assign(slot: 0, worker: 1)])
        #expect(table.started(3) == [.assign(slot: 3, worker: 2)])
        #expect(table.started(1) == [])
        #expect(table.unassigned == [])
        #expect((0...3).map { table.worker(in: $0) } == [1, nil, 0, 2])
        #expect((0..<3).map { table.slot(of: $0) } == [2, 0, 3])
    }

    @Test("lets the spare take over at once, and starts another")
    func replace() {
        var table = running(3)
        #expect(table.exited(1, exit(), at: 5) == [.assign(slot: 3, worker: 1), .start([1])])
        #expect(table.worker(in: 3) == 1)
        #expect(table.worker(in: 1) == nil)
        #expect(table.started(1) == [])
        #expect(table.exited(0, exit(), at: 5) == [.assign(slot: 1, worker: 0), .start([0])])
    }

    @Test("starts a process for each of several workers that end at once, and assigns each as it comes")
    func several() {
        var table = running(3)
        #expect(table.exited(0, exit(), at: 5) == [.assign(slot: 3, worker: 0), .start([0])])
        #expect(table.exited(1, exit(), at: 5) == [.start([1])])
        #expect(table.exited(2, exit(), at: 5) == [.start([2])])
        #expect(table.unassigned == [1, 2])
        #expect(table.started(0) == [.assign(slot: 0, worker: 2)])
        #expect(table.started(2) == [.assign(slot: 2, worker: 1)])
        #expect(table.started(1) == [])
    }

    @Test("replaces a spare, although no worker lacks a process")
    func spareEnds() {
        var table = running(2)
        #expect(table.exited(2, exit(isReady: false, claimed: false), at: 5) == [.start([2])])
        #expect(table.unassigned == [])
        #expect(table.ending == nil)
    }

    @Test("gives no process to a worker without anything to do")
    func notNeeded() {
        var table = running(1)
        var exit = exit()
        exit.isNeeded = false
        #expect(table.exited(0, exit, at: 5) == [])
        #expect(table.unassigned == [])
        #expect(table.slot(of: 0) == nil)
    }

    @Test("goes on with the processes that run where the system refuses more, and is unmanned without any")
    func refused() {
        var table = WorkerTable(workers: 2)
        _ = table.fill()
        table.refused(0)
        #expect(table.started(1) == [.assign(slot: 1, worker: 0)])
        table.refused(2)
        #expect(table.isManned)
        #expect(table.unassigned == [1])
        // The next exit makes the table try again.
        #expect(table.exited(1, exit(), at: 5) == [.start([0, 1, 2])])
        for slot in 0...2 { table.refused(slot) }
        #expect(!table.isManned)
        #expect(table.fill() == [.start([0, 1, 2])])
        #expect(table.ending == nil)
    }

    // MARK: - Rests

    @Test("gives a resting worker no process until its time has come")
    func rest() {
        var table = running(2)
        #expect(table.nextRestEnd == .max)
        #expect(table.exited(0, exit(pause: 30), at: 100) == [.start([0])])
        #expect(table.exited(1, exit(pause: 20), at: 105) == [.start([1])])
        #expect(table.unassigned == [] && table.isManned)
        #expect(table.nextRestEnd == 125)
        #expect(table.started(0) == [])
        #expect(table.endRests(at: 124) == [])
        #expect(table.endRests(at: 125) == [.assign(slot: 0, worker: 1)])
        #expect(table.nextRestEnd == 130)
        #expect(table.endRests(at: 200) == [.assign(slot: 2, worker: 0)])
        #expect(table.nextRestEnd == .max)
    }

    @Test("ends a rest when the resting worker's item becomes needless, and begins nothing after the end")
    func restIsCut() {
        var table = running(2)
        _ = table.exited(0, exit(pause: 1000), at: 100)
        #expect(table.kill(0, for: .needless) == [])
        #expect(table.nextRestEnd == 0)
        #expect(table.killReason(of: 0) == nil)
        #expect(table.endRests(at: 101) == [.assign(slot: 2, worker: 0)])
        _ = table.exited(1, exit(pause: 1000), at: 200)
        _ = table.close()
        #expect(table.endRests(at: 5000) == [])
        #expect(table.nextRestEnd == .max)
    }

    // MARK: - Kills

    @Test("kills the process of a worker, and knows why until it has ended")
    func kill() {
        var table = running(2)
        #expect(table.kill(1, for: .overdue(item: 5)) == [.kill(slot: 1)])
        #expect(table.killReason(of: 1) == .overdue(item: 5))
        #expect(table.killReason(of: 0) == nil)
        let taken = table.takeKillReason(of: 1)
        #expect(taken.reason == .overdue(item: 5) && !taken.sameCause)
        #expect(table.killReason(of: 1) == nil)
        let again = table.takeKillReason(of: 1)
        #expect(again.reason == nil && !again.sameCause)
    }

    @Test("kills nothing for a worker that waits for a process, and forgets a kill that did not happen")
    func killWithoutProcess() {
        var table = running(1)
        _ = table.exited(0, exit(), at: 5)
        _ = table.exited(1, exit(), at: 5)
        #expect(table.unassigned == [0])
        #expect(table.kill(0, for: .needless) == [])
        #expect(table.killReason(of: 0) == nil)
        // A kill's reason goes with its process.
        _ = table.started(0)
        _ = table.kill(0, for: .needless)
        _ = table.exited(0, exit(), at: 5)
        #expect(table.started(1) == [.assign(slot: 1, worker: 0)])
        #expect(table.killReason(of: 0) == nil)
    }

    @Test("dismisses spares with a worker that is in a deadlock, and starts others")
    func deadlock() {
        var table = running(2)
        #expect(table.kill(0, for: .deadlocked) == [.kill(slot: 0), .kill(slot: 2)])
        #expect(table.kill(1, for: .deadlocked, isRepeat: true) == [.kill(slot: 1)])
        let (first, second) = (table.takeKillReason(of: 0), table.takeKillReason(of: 1))
        #expect(first.reason == .deadlocked && !first.sameCause)
        #expect(second.reason == .deadlocked && second.sameCause)
        #expect(table.takeKillReason(of: 1).sameCause == false)
        // The dismissed spare takes over no slot.
        #expect(table.exited(0, exit(), at: 5) == [.start([0])])
        #expect(table.unassigned == [0])
        #expect(table.exited(2, exit(isReady: false, claimed: false), at: 5) == [.start([2])])
        #expect(table.started(0) == [.assign(slot: 0, worker: 0)])
        #expect(table.started(2) == [])
        #expect(table.ending == nil)
    }
}
