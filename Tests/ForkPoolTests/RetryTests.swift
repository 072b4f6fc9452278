import Glibc
import Testing

@testable import ForkPool

@Suite("What is done about an item that cost its worker")
struct RetryTests {
    private typealias Sight = ClaimSnapshot

    private static let killed = ProcessExit(pid: 7, .signal(SIGKILL))
    private static let crashed = ProcessExit(pid: 7, .signal(SIGILL))

    private static func policy(
        _ retries: Int?, _ reasons: ForkPool.Options.RetryReasons = .all, pause: Int = 0
    ) -> RetryPolicy {
        RetryPolicy(retries: retries, reasons: reasons, pause: pause)
    }

    private func machine(_ policy: RetryPolicy, stopsAtFailure: Bool = false) -> BatchMachine {
        var machine = BatchMachine(count: 100, stopsAtFailure: stopsAtFailure, policy: policy, timeout: 5)
        for worker in 0..<4 { _ = machine.started(worker) }
        return machine
    }

    private func sight(on item: Int?, leaving remaining: Range<Int>? = nil) -> Sight {
        Sight(finished: false, item: item, remaining: remaining, claimed: true)
    }

    private func blame(_ machine: BatchMachine, _ item: Int) -> ProcessExit.Cause? {
        guard case .ended(let death)? = machine.causes[item] else { return nil }
        return death.blame
    }

    @Test("it is begun again with the rest of its range, and fails after its last attempt")
    func poison() {
        var machine = machine(Self.policy(2))
        let seen = sight(on: 5, leaving: 6..<9)
        #expect(machine.attempt(at: 5) == 1)
        for attempt in 2...3 {
            #expect(
                machine.ended(1, Self.crashed, seen, open: true)
                    == .start(worker: 1, remaining: 5..<9, attempt: attempt))
            #expect(machine.attempt(at: 5) == attempt && machine.causes.isEmpty)
            _ = machine.started(1)
        }
        #expect(machine.ended(1, Self.crashed, seen, open: true) == .start(worker: 1, remaining: 6..<9))
        #expect(machine.causes.keys.sorted() == [5])
        #expect(machine.attempt(at: 5) == 3)
    }

    @Test("its worker rests first, if it is to")
    func pause() {
        var machine = machine(Self.policy(1, pause: 30))
        #expect(
            machine.ended(0, Self.killed, sight(on: 5), open: false)
                == .start(worker: 0, remaining: 5..<6, attempt: 2, pause: 30))
        _ = machine.started(0)
        #expect(machine.ended(0, Self.killed, sight(on: 5), open: false) == nil)
    }

    @Test("where a failure ends the map it fails only after its last attempt, and not at all above one")
    func stopping() {
        var machine = machine(Self.policy(1), stopsAtFailure: true)
        #expect(
            machine.ended(0, Self.crashed, sight(on: 5), open: true)
                == .start(worker: 0, remaining: 5..<6, attempt: 2))
        #expect(machine.lowestFailure == .max)
        _ = machine.started(0)
        #expect(machine.ended(0, Self.crashed, sight(on: 5), open: true) == .endAbove(5))
        #expect(machine.ended(1, Self.crashed, sight(on: 9), open: true) == nil)
    }

    @Test("it is begun again for the reasons that were asked for alone")
    func reasons() {
        var exited = ProcessExit(pid: 1, .exit(0))
        #expect(Self.policy(1, .crash).allows(after: exited, attempt: 1))
        #expect(Self.policy(1, .crash).allows(after: Self.crashed, attempt: 1))
        #expect(!Self.policy(1, .crash).allows(after: Self.killed, attempt: 1))
        #expect(Self.policy(1, .kill).allows(after: Self.killed, attempt: 1))
        #expect(!Self.policy(1, [.kill, .timeout, .deadlock]).allows(after: exited, attempt: 1))
        exited.blame = .timeout(1)
        #expect(Self.policy(1, .timeout).allows(after: exited, attempt: 1))
        #expect(!Self.policy(1, [.crash, .kill, .deadlock]).allows(after: exited, attempt: 1))
        for limit in [ProcessExit.Cause.memoryLimit(1), .cpuTimeLimit(1)] {
            exited.blame = limit
            #expect(!Self.policy(9).allows(after: exited, attempt: 1))
        }
    }

    @Test("a deadlock is run again twice where nobody says how often, and nothing else is")
    func deadlock() {
        var deadlocked = Self.killed
        deadlocked.blame = .deadlock
        #expect(Self.policy(nil).allows(after: deadlocked, attempt: 1))
        #expect(Self.policy(nil).allows(after: deadlocked, attempt: 2))
        #expect(!Self.policy(nil).allows(after: deadlocked, attempt: 3))
        #expect(!Self.policy(nil).allows(after: Self.killed, attempt: 1))
        #expect(!Self.policy(0).allows(after: deadlocked, attempt: 1))
        #expect(!Self.policy(nil, .crash).allows(after: deadlocked, attempt: 1))
        #expect(Self.policy(5).allows(after: deadlocked, attempt: 5))
    }

    /// What becomes of a worker that the supervisor killed, and of its item.
    private func end(
        _ machine: inout BatchMachine, _ worker: Int, for verdict: KillReason, _ sight: Sight,
        by death: ProcessExit = Self.killed
    ) -> BatchMachine.Action? {
        var death = death
        machine.requestKill(worker, verdict)
        machine.blame(worker, on: sight, &death)
        return machine.ended(worker, death, sight, open: false)
    }

    @Test("a worker that is killed for being overdue is blamed for that item alone")
    func overdue() {
        var machine = machine(.none)
        #expect(
            end(&machine, 0, for: .overdue(item: 5), sight(on: 5, leaving: 6..<9))
                == .start(worker: 0, remaining: 6..<9))
        #expect(blame(machine, 5) == .timeout(5))
        // It had gone on to the next item.
        #expect(
            end(&machine, 1, for: .overdue(item: 20), sight(on: nil, leaving: 21..<23))
                == .start(worker: 1, remaining: 21..<23))
        #expect(
            end(&machine, 2, for: .overdue(item: 30), sight(on: 31, leaving: 32..<33))
                == .start(worker: 2, remaining: 31..<33))
        #expect(machine.causes.keys.sorted() == [5])
        #expect(end(&machine, 3, for: .deadlocked, sight(on: 40)) == nil)
        #expect(blame(machine, 40) == .deadlock)
    }

    @Test("a worker that ended by itself when it was to be killed for being overdue did just that")
    func endedBefore() {
        var machine = machine(Self.policy(1, .crash))
        for (worker, death) in [ProcessExit(pid: 7, .exit(3)), Self.crashed].enumerated() {
            let item = worker * 10
            #expect(
                end(&machine, worker, for: .overdue(item: item), sight(on: item), by: death)
                    == .start(worker: worker, remaining: item..<item + 1, attempt: 2))
            // It had gone on to the next item, of which it is the second attempt then.
            #expect(
                end(&machine, worker, for: .overdue(item: item), sight(on: item + 1), by: death)
                    == .start(worker: worker, remaining: item + 1..<item + 2, attempt: 2))
            #expect(end(&machine, worker, for: .overdue(item: item), sight(on: item), by: death) == nil)
            guard case .ended(death)? = machine.causes[item] else {
                Issue.record("\(String(describing: machine.causes[item]))")
                continue
            }
        }
    }

    @Test("a sweep says which attempt each item is that it hands out, and no other item is taken for that")
    func sweep() {
        var machine = machine(Self.policy(3))
        #expect(
            machine.ended(0, Self.crashed, sight(on: 5, leaving: 6..<9), open: true)
                == .start(worker: 0, remaining: 5..<9, attempt: 2))
        #expect(
            machine.sweep([3..<9], workers: 4)
                == [
                    .start(worker: 0, remaining: 3..<5), .start(worker: 1, remaining: 5..<9, attempt: 2),
                ])
        #expect(machine.sweep([5..<9], workers: 4) == [.start(worker: 0, remaining: 5..<9, attempt: 2)])
    }

    @Test("replacements are counted within a time, and the one that is too many is told")
    func intensity() {
        let intensity = ForkPool.Options.RestartIntensity(2, within: .nanoseconds(100))
        var log = RestartLog(intensity)
        #expect([0, 10].allSatisfy { log.excess(at: $0) == nil })
        #expect(log.excess(at: 99) == intensity)
        #expect(log.excess(at: 100) == nil)
        #expect(log.excess(at: 109) == intensity)
        #expect(log.excess(at: 110) == nil)
        var endless = RestartLog(nil)
        #expect((0..<1000).allSatisfy { endless.excess(at: $0) == nil })
        var none = RestartLog(.init(0, within: .seconds(1)))
        #expect(none.excess(at: 0) != nil)
    }
}
