// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The retry policy for an item that cost its worker")
struct RetryPolicyTests {
    private static let killed = ProcessExit(pid: 7, .signal(SIGKILL))
    private static let crashed = ProcessExit(pid: 7, .signal(SIGILL))

    private static func policy(
        _ retries: Int?, _ reasons: ForkPool.Options.RetryReasons = .all, pause: Int = 0
    ) -> RetryPolicy {
        RetryPolicy(retries: retries, reasons: reasons, pause: pause)
    }

    private func machine(_ policy: RetryPolicy, stopsAtFailure: Bool = false) -> BatchMachine {
        BatchMachine(count: 100, stopsAtFailure: stopsAtFailure, policy: policy, timeout: 5)
    }

    /// Lets a worker end on an item.
    private func end(
        _ machine: inout BatchMachine, _ worker: Int, on item: Int, leaving remaining: Range<Int>? = nil,
        by exit: ProcessExit = crashed, for reason: KillReason? = nil
    ) -> BatchMachine.Action? {
        var exit = exit
        return machine.exited(
            worker, &exit, ClaimSnapshot(finished: false, item: item, remaining: remaining, claimed: true),
            killedFor: reason)
    }

    @Test("it is begun again with the rest of its range, and fails after its last attempt")
    func poison() {
        var machine = machine(Self.policy(2))
        #expect(machine.attempt(at: 5) == 1)
        for attempt in 2...3 {
            #expect(end(&machine, 1, on: 5, leaving: 6..<9) == .rerun(5..<9, attempt: attempt, pause: 0))
            #expect(machine.attempt(at: 5) == attempt && machine.causes.isEmpty)
        }
        #expect(end(&machine, 1, on: 5, leaving: 6..<9) == .rerun(6..<9, attempt: 1, pause: 0))
        #expect(machine.causes.keys.sorted() == [5])
        #expect(machine.attempt(at: 5) == 3)
    }

    @Test("what remains behind it runs for its own attempt")
    func attemptBehind() {
        var machine = machine(Self.policy(1))
        #expect(end(&machine, 0, on: 6) == .rerun(6..<7, attempt: 2, pause: 0))
        #expect(end(&machine, 1, on: 5) == .rerun(5..<6, attempt: 2, pause: 0))
        #expect(end(&machine, 1, on: 5, leaving: 6..<9) == .rerun(6..<9, attempt: 2, pause: 0))
    }

    @Test("its worker rests first, where the options say so")
    func pause() {
        var machine = machine(Self.policy(1, pause: 30))
        #expect(end(&machine, 0, on: 5, leaving: 6..<8, by: Self.killed) == .rerun(5..<8, attempt: 2, pause: 30))
        // Other items do not wait for it.
        #expect(end(&machine, 0, on: 5, leaving: 6..<8, by: Self.killed) == .rerun(6..<8, attempt: 1, pause: 0))
        #expect(machine.causes.keys.sorted() == [5])
    }

    @Test("where a failure ends the map it fails only after its last attempt, and has no second one above a failure")
    func stopping() {
        var machine = machine(Self.policy(1), stopsAtFailure: true)
        #expect(end(&machine, 0, on: 5) == .rerun(5..<6, attempt: 2, pause: 0))
        #expect(machine.lowestFailure == .max)
        #expect(end(&machine, 0, on: 5) == .stopAbove(5))
        #expect(end(&machine, 1, on: 9) == nil)
        #expect(machine.attempt(at: 9) == 1)
    }

    @Test("it is begun again for the given reasons alone")
    func reasons() {
        var exited = ProcessExit(pid: 1, .exit(0))
        #expect(Self.policy(1, .crash).allows(after: exited, attempt: 1))
        #expect(Self.policy(1, .crash).allows(after: Self.crashed, attempt: 1))
        #expect(!Self.policy(1, .crash).allows(after: Self.killed, attempt: 1))
        #expect(Self.policy(1, .kill).allows(after: Self.killed, attempt: 1))
        #expect(!Self.policy(1, [.kill, .timeout, .deadlock]).allows(after: exited, attempt: 1))
        exited.cause = .timeout(1)
        #expect(Self.policy(1, .timeout).allows(after: exited, attempt: 1))
        #expect(!Self.policy(1, [.crash, .kill, .deadlock]).allows(after: exited, attempt: 1))
        for limit in [ProcessExit.Cause.memoryLimit(1), .cpuTimeLimit(1)] {
            exited.cause = limit
            #expect(!Self.policy(9).allows(after: exited, attempt: 1))
        }
    }

    @Test("a deadlock is run again twice where the options do not say how often, and nothing else is")
    func deadlock() {
        var deadlocked = Self.killed
        deadlocked.cause = .deadlock
        #expect(Self.policy(nil).allows(after: deadlocked, attempt: 1))
        #expect(Self.policy(nil).allows(after: deadlocked, attempt: 2))
        #expect(!Self.policy(nil).allows(after: deadlocked, attempt: 3))
        #expect(!Self.policy(nil).allows(after: Self.killed, attempt: 1))
        #expect(!Self.policy(0).allows(after: deadlocked, attempt: 1))
        #expect(!Self.policy(nil, .crash).allows(after: deadlocked, attempt: 1))
        #expect(Self.policy(5).allows(after: deadlocked, attempt: 5))
    }

    @Test("a deadlock and a timeout are retried as such")
    func causes() {
        var machine = machine(Self.policy(1, [.timeout, .deadlock]))
        #expect(
            end(&machine, 0, on: 5, by: Self.killed, for: .overdue(item: 5)) == .rerun(5..<6, attempt: 2, pause: 0))
        #expect(end(&machine, 0, on: 7, by: Self.killed, for: .deadlocked) == .rerun(7..<8, attempt: 2, pause: 0))
        #expect(end(&machine, 0, on: 9, by: Self.killed) == nil)
        #expect(machine.causes.keys.sorted() == [9])
    }

    @Test("a kill that raced with the item's end is no attempt at the next item")
    func lateKill() {
        var machine = machine(Self.policy(1))
        #expect(
            end(&machine, 0, on: 6, by: Self.killed, for: .overdue(item: 5)) == .rerun(6..<7, attempt: 1, pause: 0))
        #expect(machine.attempt(at: 6) == 1 && machine.causes.isEmpty)
    }

    @Test("a worker that ended by itself before its kill for being overdue counts as ended by itself")
    func endedBefore() {
        var machine = machine(Self.policy(1, .crash))
        for (worker, exit) in [ProcessExit(pid: 7, .exit(3)), Self.crashed].enumerated() {
            let item = worker * 10
            #expect(
                end(&machine, worker, on: item, by: exit, for: .overdue(item: item))
                    == .rerun(item..<item + 1, attempt: 2, pause: 0))
            // The worker was on the next item: this was an attempt at that one.
            #expect(
                end(&machine, worker, on: item + 1, by: exit, for: .overdue(item: item))
                    == .rerun(item + 1..<item + 2, attempt: 2, pause: 0))
            #expect(end(&machine, worker, on: item, by: exit, for: .overdue(item: item)) == nil)
            guard case .ended(exit)? = machine.causes[item] else {
                Issue.record("\(String(describing: machine.causes[item]))")
                continue
            }
        }
    }
}
