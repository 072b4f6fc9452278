// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The state machine of a batch and workers' exits")
struct BatchMachineExitTests {
    private static let killed = ProcessExit(pid: 1, .signal(SIGKILL))

    private func machine(stopsAtFailure: Bool = false) -> BatchMachine {
        BatchMachine(count: 100, stopsAtFailure: stopsAtFailure, timeout: 5)
    }

    /// The record of a worker that ends on an item, or before the first one.
    private func claim(on item: Int?, leaving remaining: Range<Int>? = nil, claimed: Bool = true) -> ClaimSnapshot {
        ClaimSnapshot(finished: false, item: item, remaining: remaining, claimed: claimed)
    }

    /// Lets a worker end.
    @discardableResult
    private func end(
        _ machine: inout BatchMachine, _ claim: ClaimSnapshot, worker: Int = 0, by exit: ProcessExit = killed,
        for reason: KillReason? = nil
    ) -> BatchMachine.Action? {
        var exit = exit
        return machine.exited(worker, &exit, claim, killedFor: reason)
    }

    /// The failure of the item that the worker was on.
    private func exit(_ machine: BatchMachine, on item: Int) -> ProcessExit? {
        if case .ended(let exit)? = machine.causes[item] { exit } else { nil }
    }

    // MARK: - Exits by themselves

    @Test("ignores a worker that left its loop, whatever its status says")
    func finished() {
        var machine = machine()
        let nothing = ClaimSnapshot(finished: true, item: nil, remaining: nil, claimed: true)
        let something = ClaimSnapshot(finished: true, item: 7, remaining: 8..<9, claimed: true)
        #expect(end(&machine, nothing, by: ProcessExit(pid: 1, .exit(0))) == nil)
        #expect(end(&machine, something, by: ProcessExit(pid: 2, .exit(3))) == nil)
        #expect(end(&machine, something) == nil)
        #expect(machine.causes.isEmpty && machine.ending == nil)
    }

    @Test("blames a crash on the item that the worker was on, and runs the rest of its range")
    func crashOnItem() {
        var machine = machine()
        let report = CrashReport(signal: 4, address: 0, isStackOverflow: false, message: "Fatal error: x")
        let crash = ProcessExit(pid: 4711, .signal(4), crash: report)
        #expect(
            end(&machine, claim(on: 5, leaving: 6..<9), worker: 1, by: crash) == .rerun(6..<9, attempt: 1, pause: 0))
        #expect(exit(machine, on: 5) == crash)
        #expect(machine.causes.count == 1)
        #expect(machine.lowestFailure == .max)
    }

    @Test("leaves nothing to a successor where nothing remains")
    func crashOnLastItem() {
        var machine = machine()
        #expect(end(&machine, claim(on: 5)) == nil)
        #expect(machine.causes.keys.sorted() == [5])
    }

    @Test("blames no item for a worker that died between two")
    func crashBetweenItems() {
        var machine = machine()
        let gone = ProcessExit(pid: 1, .exit(0))
        #expect(end(&machine, claim(on: nil, leaving: 3..<5), by: gone) == .rerun(3..<5, attempt: 1, pause: 0))
        #expect(end(&machine, claim(on: nil), by: gone) == nil)
        #expect(machine.causes.isEmpty)
    }

    @Test("stops what is above a crash, and still runs what remains below")
    func crashStops() {
        var machine = machine(stopsAtFailure: true)
        #expect(machine.failed(50) == .stopAbove(50))
        #expect(end(&machine, claim(on: 20, leaving: 21..<25)) == .stopAbove(20))
        #expect(machine.lowestFailure == 20)
        #expect(end(&machine, claim(on: 30, leaving: 31..<40)) == nil)
        #expect(machine.lowestFailure == 20)
        #expect(machine.causes.keys.sorted() == [20, 30])
        #expect(end(&machine, claim(on: nil, leaving: 11..<20)) == .rerun(11..<20, attempt: 1, pause: 0))
    }

    @Test("blames no item for an exit after the batch was cancelled, and leaves nothing to a successor")
    func cancelled() {
        var machine = machine()
        machine.end(.cancelled)
        #expect(end(&machine, claim(on: 5, leaving: 6..<9)) == nil)
        #expect(end(&machine, claim(on: 5, leaving: 6..<9), for: .needless) == nil)
        #expect(machine.causes.isEmpty)
    }

    // MARK: - Failed starts

    @Test("gives up when 32 workers in a row die before they claim anything")
    func failedStarts() {
        var machine = machine()
        for _ in 1...31 { #expect(end(&machine, claim(on: nil, claimed: false)) == nil) }
        #expect(machine.ending == nil)
        let last = ProcessExit(pid: 1, .signal(11))
        #expect(end(&machine, claim(on: nil, claimed: false), by: last) == .stop)
        guard case .unreachable(last)? = machine.ending else {
            Issue.record("another ending: \(String(describing: machine.ending))")
            return
        }
        #expect(end(&machine, claim(on: 3), worker: 1) == nil)
        #expect(machine.causes.isEmpty)
    }

    @Test("does not give up while one of 32 workers claims something before it dies")
    func someClaim() {
        var machine = machine()
        for turn in 1...96 {
            let action = end(&machine, claim(on: nil, leaving: 3..<9, claimed: turn % 32 == 0))
            #expect(action == .rerun(3..<9, attempt: 1, pause: 0))
        }
        #expect(machine.ending == nil)
    }

    @Test("counts no kill that raced, and no needless worker, as a failed start")
    func killsAreNoFailedStarts() {
        var machine = machine()
        for _ in 1...31 { end(&machine, claim(on: nil, claimed: false)) }
        for _ in 1...40 {
            #expect(end(&machine, claim(on: nil, claimed: false), for: .overdue(item: 5)) == nil)
            #expect(end(&machine, claim(on: nil, claimed: false), for: .needless) == nil)
        }
        #expect(machine.ending == nil)
        #expect(end(&machine, claim(on: nil, claimed: false)) == .stop)
    }

    // MARK: - Kills

    @Test("neither blames an item for a worker that was killed as needless nor runs what remains")
    func needless() {
        var machine = machine()
        #expect(end(&machine, claim(on: 5, leaving: 6..<9), for: .needless) == nil)
        #expect(machine.causes.isEmpty)
        // The next exit of the same worker is another process's.
        #expect(end(&machine, claim(on: 5, leaving: 6..<9)) == .rerun(6..<9, attempt: 1, pause: 0))
        #expect(machine.causes.keys.sorted() == [5])
    }

    @Test("blames the item that a worker was overdue on, and no other")
    func overdue() {
        var machine = machine()
        #expect(
            end(&machine, claim(on: 5, leaving: 6..<9), for: .overdue(item: 5)) == .rerun(6..<9, attempt: 1, pause: 0))
        #expect(exit(machine, on: 5)?.cause == .timeout(5))
        // The item was done when the kill arrived.
        #expect(
            end(&machine, claim(on: nil, leaving: 21..<23), for: .overdue(item: 20))
                == .rerun(21..<23, attempt: 1, pause: 0))
        // The worker was on the next item already, which runs again: the kill was not for it.
        #expect(
            end(&machine, claim(on: 31, leaving: 32..<33), for: .overdue(item: 30))
                == .rerun(31..<33, attempt: 1, pause: 0))
        #expect(end(&machine, claim(on: 42), for: .overdue(item: 41)) == .rerun(42..<43, attempt: 1, pause: 0))
        #expect(machine.causes.keys.sorted() == [5])
    }

    @Test("takes a lost status for the pool's kill")
    func lostStatus() {
        var machine = machine()
        let lost = ProcessExit(pid: 1, .unknown)
        #expect(end(&machine, claim(on: 5), by: lost, for: .overdue(item: 5)) == nil)
        #expect(exit(machine, on: 5)?.cause == .timeout(5))
        #expect(
            end(&machine, claim(on: 8), by: lost, for: .overdue(item: 7)) == .rerun(8..<9, attempt: 1, pause: 0))
    }

    @Test("blames the item that a worker was in a deadlock on")
    func deadlock() {
        var machine = machine()
        #expect(end(&machine, claim(on: 40), for: .deadlocked) == nil)
        #expect(exit(machine, on: 40)?.cause == .deadlock)
    }

    @Test("tells the caller why the process ended")
    func attribution() {
        for (reason, cause) in [
            (KillReason.overdue(item: 5), ProcessExit.Cause.timeout(5)), (.overdue(item: 4), nil),
            (.deadlocked, .deadlock), (.needless, nil), (nil, nil),
        ] as [(KillReason?, ProcessExit.Cause?)] {
            var machine = machine()
            var exit = Self.killed
            _ = machine.exited(0, &exit, claim(on: 5), killedFor: reason)
            #expect(exit.cause == cause)
        }
    }
}
