// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

extension WorkerTableTests {
    @Test("kills spares when it closes, replaces nothing, and kills what starts too late")
    func close() {
        var table = WorkerTable(workers: 2)
        _ = table.fill()
        for slot in 0...1 { _ = table.started(slot) }
        #expect(table.close() == [])
        #expect(table.isEnding && table.ending == nil)
        #expect(table.started(2) == [.kill(slot: 2)])
        #expect(table.exited(0, exit(finished: true), at: 5) == [])
        #expect(table.exited(1, exit(), at: 5) == [])
        #expect(table.exited(2, exit(), at: 5) == [])
        #expect(!table.isManned)
        #expect(table.fill() == [])

        var other = running(2)
        #expect(other.close() == [.kill(slot: 2)])
        #expect(other.close() == [])
        #expect(other.kill(1, for: .needless) == [.kill(slot: 1)])
    }

    @Test("kills every process when it ends, and each that starts too late")
    func end() {
        var table = WorkerTable(workers: 3)
        _ = table.fill()
        for slot in 0...1 { _ = table.started(slot) }
        #expect(table.end(.cancelled) == [.kill(slot: 0), .kill(slot: 1)])
        #expect(table.isEnding)
        #expect(table.started(2) == [.kill(slot: 2)])
        table.refused(3)
        for slot in 0...2 { #expect(table.exited(slot, exit(), at: 5) == []) }
        #expect(!table.isManned)
        #expect(table.fill() == [])
        // The first cause stays.
        _ = table.end(.refused(SystemError(call: "fork", code: 11)))
        guard case .cancelled = table.ending else {
            Issue.record("it ended with \(String(describing: table.ending))")
            return
        }
    }

    // MARK: - Set-up

    private struct Trouble: Error {}

    @Test("ends with what setUp threw, and kills the other processes")
    func setUpThrows() {
        var table = running(2)
        let exit = exit(
            isReady: false, claimed: false, setUpError: WorkerError(throwing: Trouble()),
            by: ProcessExit(pid: 7, .exit(0)))
        #expect(table.exited(0, exit, at: 5) == [.kill(slot: 1), .kill(slot: 2)])
        _ = table.end(.cancelled)
        guard case .notSetUp = table.ending else {
            Issue.record("it ended with \(String(describing: table.ending))")
            return
        }
    }

    @Test("ends with a setUp that exits or crashes, but not with one that is killed from outside")
    func setUpEnds() {
        let report = CrashReport(signal: SIGSEGV, address: 0, isStackOverflow: false, message: "")
        for process in [ProcessExit(pid: 7, .exit(9)), ProcessExit(pid: 7, .signal(SIGSEGV), crash: report)] {
            var table = running(2)
            let actions = table.exited(0, exit(isReady: false, claimed: false, by: process), at: 5)
            #expect(actions == [.kill(slot: 1), .kill(slot: 2)])
            guard case .endedInSetUp(process, of: nil) = table.ending else {
                Issue.record("it ended with \(String(describing: table.ending))")
                continue
            }
        }
        var deadlocked = ProcessExit(pid: 7, .signal(SIGKILL))
        deadlocked.cause = .deadlock
        for process in [
            ProcessExit(pid: 7, .signal(SIGKILL)), ProcessExit(pid: 7, .unknown), deadlocked,
            ProcessExit(pid: 7, .exit(ProcessExit.noWorker)),
        ] {
            var table = running(2)
            let actions = table.exited(0, exit(isReady: false, claimed: false, by: process), at: 5)
            #expect(actions == [.assign(slot: 2, worker: 0), .start([0])])
            #expect(table.ending == nil)
        }
    }

    @Test("goes on after a crash of a process that was in no setUp: it waited to take over, or was about to begin")
    func parked() {
        let report = CrashReport(signal: SIGSEGV, address: 0, isStackOverflow: false, message: "")
        var table = running(2)
        var exit = exit(
            isReady: false, claimed: false, by: ProcessExit(pid: 7, .signal(SIGSEGV), crash: report))
        exit.isInSetUp = false
        #expect(table.exited(0, exit, at: 5) == [.assign(slot: 2, worker: 0), .start([0])])
        #expect(table.exited(0, exit, at: 5) == [.start([0])])
        #expect(table.ending == nil)
    }

    @Test("goes on while processes end that no batch waits for, but starts them ever later")
    func pacing() {
        var table = running(1)
        var exit = exit(isReady: false, claimed: false)
        exit.isInSetUp = false
        exit.hasWork = false
        for _ in 0..<32 {
            #expect(table.exited(1, exit, at: 5) == [.start([1])])
            #expect(table.started(1) == [])
        }
        // From here on there is a pause of 2 ms, of 4 ms, and so on, up to 32 ms.
        for pause in [2_000_000, 4_000_000, 8_000_000] {
            #expect(table.exited(1, exit, at: 5) == [])
            #expect(table.nextRestEnd == 5 + pause)
            #expect(table.endRests(at: 4 + pause) == [])
            #expect(table.endRests(at: 5 + pause) == [.start([1])])
            #expect(table.started(1) == [])
        }
        for _ in 0..<20 {
            _ = table.exited(1, exit, at: 5)
            _ = table.endRests(at: .max)
            _ = table.started(1)
        }
        _ = table.exited(1, exit, at: 5)
        #expect(table.nextRestEnd == 5 + 32_000_000)
        #expect(table.ending == nil)
        // A worker that claims ends the pause for the next one.
        _ = table.endRests(at: .max)
        _ = table.started(1)
        exit.claimed = true
        #expect(table.exited(0, exit, at: 5) == [.assign(slot: 1, worker: 0), .start([0])])
    }

    @Test("does not take a worker that left its loop for one that ended in setUp")
    func finishedUnready() {
        var table = running(1)
        let exit = exit(isReady: false, claimed: false, finished: true, by: ProcessExit(pid: 7, .exit(0)))
        #expect(table.exited(0, exit, at: 5) == [.assign(slot: 1, worker: 0), .start([0])])
        #expect(table.ending == nil)
    }

    // MARK: - Failed starts

    /// Ends processes that claim nothing, one after the other; returns whether that ended the table.
    private func wearDown(
        _ table: inout WorkerTable, _ times: Int, claimed: Bool = false, sameCause: Bool = false,
        by process: ProcessExit = ProcessExit(pid: 7, .signal(SIGKILL))
    ) -> Bool {
        for _ in 0..<times where table.ending == nil {
            let slot = table.slot(of: 0) ?? 0
            var exit = exit(claimed: claimed, by: process)
            exit.sameCause = sameCause
            _ = table.exited(slot, exit, at: 5)
            // A pause before the next start is over.
            _ = table.endRests(at: .max)
            _ = table.started(slot)
        }
        return table.ending != nil
    }

    @Test("gives up after 32 exits in a row without a claim, and not after 31")
    func failedStarts() {
        for hasSpare in [true, false] {
            var table = hasSpare ? WorkerTable(workers: 1) : WorkerTable(workers: 1, held: [0])
            _ = table.fill()
            for slot in 0...(hasSpare ? 1 : 0) { _ = table.started(slot) }
            #expect(wearDown(&table, 31) == false)
            #expect(wearDown(&table, 1, claimed: true) == false)
            #expect(wearDown(&table, 31) == false)
            #expect(wearDown(&table, 1) == true)
            guard case .unreachable = table.ending else {
                Issue.record("it ended with \(String(describing: table.ending))")
                continue
            }
        }
    }

    @Test("gives up after three programs in a row that cannot be loaded, and not for one that refuses to be a worker")
    func failedLoads() {
        var unloaded = ProcessExit(pid: 7, .exit(127))
        unloaded.isBeforeWork = true
        var refused = unloaded
        refused.status = .exit(121)
        for other in [refused, ProcessExit(pid: 7, .exit(127)), ProcessExit(pid: 7, .signal(SIGKILL))] {
            var table = running(1)
            #expect(wearDown(&table, 2, by: unloaded) == false)
            #expect(wearDown(&table, 5, by: other) == false)
            #expect(wearDown(&table, 2, by: unloaded) == false)
            table.resetFailedStarts()
            #expect(wearDown(&table, 2, by: unloaded) == false)
            #expect(wearDown(&table, 1, by: unloaded) == true)
            guard case .unreachable(unloaded) = table.ending else {
                Issue.record("it ended with \(String(describing: table.ending))")
                continue
            }
        }
    }

    @Test("counts no exits for the same cause, none of dismissed spares, and none before items got done")
    func excused() {
        var table = running(1)
        #expect(wearDown(&table, 96, sameCause: true) == false)
        #expect(wearDown(&table, 31) == false)
        _ = table.kill(0, for: .deadlocked)
        let spare = table.slot(of: 0) == 0 ? 1 : 0
        _ = table.exited(spare, exit(isReady: false, claimed: false), at: 5)
        #expect(table.ending == nil)
        table.resetFailedStarts()
        #expect(wearDown(&table, 31) == false)
        #expect(wearDown(&table, 1) == true)
    }
}
