// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The state machine of a batch whose time is over")
struct BatchMachineDeadlineTests {
    private static let limit = 2_000_000_000
    private static let killed = ProcessExit(pid: 1, .signal(SIGKILL))

    private func machine(retries: Int = 0) -> BatchMachine {
        BatchMachine(
            count: 10, stopsAtFailure: false, policy: RetryPolicy(retries: retries, reasons: .all, pause: 9), grace: 50)
    }

    private func end(
        _ machine: inout BatchMachine, on item: Int?, by exit: ProcessExit = killed, for reason: KillReason? = nil
    ) -> BatchMachine.Action? {
        var exit = exit
        let claim = ClaimSnapshot(finished: false, item: item, remaining: 5..<7, claimed: true)
        return machine.exited(0, &exit, claim, killedFor: reason)
    }

    private func failure(_ machine: BatchMachine, of item: Int) -> ForkPool.Failure? {
        (machine.causes[item] ?? machine.ending).map { ForkPool.Failure($0, item) }
    }

    @Test("says of an item whose worker was killed for that that it ran, and of others that they waited")
    func killed() {
        var machine = machine()
        let action = machine.end(.overdue(Self.limit))
        #expect(action == .stop)
        #expect(end(&machine, on: 4, for: .needless) == nil)
        let ran = failure(machine, of: 4)
        #expect(ran?.code == .timedOut && ran?.bodyRan == .yes && ran?.pid == 1 && ran?.signal == SIGKILL)
        #expect(
            ran?.description
                == "item 4 was not done within its deadline of 2.0 seconds, and its worker (pid 1) was killed for that; "
                + "raise CallOptions.deadline or use more workers")
        let waited = failure(machine, of: 5)
        #expect(waited?.code == .timedOut && waited?.bodyRan == .no && waited?.pid == nil)
        #expect(
            waited?.description
                == "item 5 waited in the queue for 2.0 seconds, its whole deadline, and did not begin; use more workers, or "
                + "raise CallOptions.deadline or its priority")
    }

    @Test("does not run again what was killed for its deadline, whatever the retries are, nor the rest of the range")
    func retries() {
        var machine = machine(retries: 7)
        machine.end(.overdue(Self.limit))
        #expect(end(&machine, on: 4, for: .needless) == nil)
        #expect(end(&machine, on: 3) == nil)
        #expect(failure(machine, of: 3)?.bodyRan == .yes)
        let offer = machine.sweep([0..<10])
        #expect(offer == nil)
    }

    @Test("keeps the end of a worker that ended by itself just then, and knows nothing of one that was on no item")
    func own() {
        var machine = machine()
        machine.end(.overdue(Self.limit))
        #expect(end(&machine, on: 4, by: ProcessExit(pid: 7, .exit(3)), for: .needless) == nil)
        #expect(failure(machine, of: 4)?.code == .exited && failure(machine, of: 4)?.exitStatus == 3)
        #expect(end(&machine, on: nil, for: .needless) == nil)
        #expect(machine.causes.count == 1)
    }

    @Test("says of an item that was to run again that it ran before")
    func again() {
        var machine = machine(retries: 2)
        #expect(end(&machine, on: 4) == .rerun(4..<7, attempt: 2, pause: 9))
        machine.end(.overdue(Self.limit))
        let failed = failure(machine, of: 4)
        #expect(failed?.code == .timedOut && failed?.bodyRan == .yes && failed?.pid == nil)
        #expect(failed?.message.hasPrefix("was not done within its deadline of 2.0 seconds; ") == true)
        // Its second attempt had begun when its worker was killed.
        #expect(end(&machine, on: 4, for: .needless) == nil)
        #expect(failure(machine, of: 4)?.pid == 1)
    }

    @Test("fails as a whole with the first cause, and has no time left for what is needless")
    func whole() {
        var machine = machine()
        machine.end(.overdueInQueue(Self.limit))
        machine.end(.cancelled)
        let whole = machine.ending.map { ForkPool.Failure($0, nil) }
        #expect(whole?.code == .timedOut && whole?.bodyRan == .no && whole?.index == nil)
        #expect(whole?.message.hasPrefix("the map waited in the queue for 2.0 seconds, its whole deadline") == true)
        let kills = machine.killsNeedless(hasFailed: true, at: 1000)
        #expect(kills)
        let running = ForkPool.Failure(.overdue(Self.limit), nil)
        #expect(running.message.hasPrefix("the map was not done within its deadline of 2.0 seconds; "))
        #expect(running.bodyRan == .unknown)
    }
}
