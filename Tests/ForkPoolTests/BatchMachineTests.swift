// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The state machine of a batch")
struct BatchMachineTests {
    private static let crash = ProcessExit(pid: 1, .signal(4))

    private func machine(_ count: Int = 100, stopsAtFailure: Bool = false, grace: Int = 0) -> BatchMachine {
        BatchMachine(
            count: count, stopsAtFailure: stopsAtFailure,
            policy: RetryPolicy(retries: 3, reasons: .all, pause: 0), grace: grace)
    }

    /// Lets a worker crash on the first item of a range.
    private func crash(_ machine: inout BatchMachine, on range: Range<Int>, worker: Int = 0) -> BatchMachine.Action? {
        var exit = Self.crash
        let rest = range.dropFirst()
        return machine.exited(
            worker, &exit,
            ClaimSnapshot(
                finished: false, item: range.lowerBound, remaining: rest.isEmpty ? nil : rest, claimed: true),
            killedFor: nil)
    }

    private func isCancelled(_ machine: BatchMachine) -> Bool {
        if case .cancelled = machine.ending { true } else { false }
    }

    // MARK: - Failures and ends

    @Test("stops what is above a failure, and above a lower one that comes later")
    func lowestFailure() {
        var machine = machine(stopsAtFailure: true)
        #expect(machine.end == 100)
        #expect(machine.failed(50) == .stopAbove(50))
        #expect(machine.lowestFailure == 50 && machine.end == 50)
        #expect(machine.failed(50) == nil)
        #expect(machine.failed(70) == nil)
        #expect(machine.lowestFailure == 50)
        #expect(machine.failed(0) == .stopAbove(0))
        #expect(machine.lowestFailure == 0 && machine.end == 0)
        #expect(machine.ending == nil && machine.causes.isEmpty)
    }

    @Test("stops nothing at a failure where every outcome is wanted")
    func everyOutcome() {
        var machine = machine()
        #expect(machine.failed(3) == nil)
        #expect(machine.lowestFailure == .max && machine.end == 100)
    }

    @Test("keeps the cause of a rejected item, which stops the batch like any other failure")
    func rejected() {
        for stopsAtFailure in [false, true] {
            var machine = machine(stopsAtFailure: stopsAtFailure)
            machine.reject(7, .noRoomForInput)
            machine.reject(9, .inputNotEncodable("it was full"))
            #expect(machine.causes.keys.sorted() == [7, 9])
            #expect(machine.lowestFailure == (stopsAtFailure ? 7 : .max))
            guard case .noRoomForInput? = machine.causes[7], case .inputNotEncodable("it was full")? = machine.causes[9]
            else {
                Issue.record("other causes: \(machine.causes)")
                continue
            }
        }
    }

    @Test("keeps what ended the batch first, until every item turns out to have its result")
    func ending() {
        var machine = machine()
        #expect(machine.end(.cancelled) == .stop)
        #expect(machine.end(.refused(SystemError(call: "fork", code: 11))) == .stop)
        #expect(isCancelled(machine))
        #expect(machine.sweep([6..<9]) == nil)
        machine.forgetEnding()
        #expect(machine.ending == nil)
        #expect(machine.sweep([6..<9])?.range == 6..<9)
    }

    // MARK: - Records

    /// Reads a record in a batch of 100 items, of which those from 40 on have no outcome.
    private func snapshot(
        _ position: Int, _ end: Int, finished: Bool = false, hasBegun: Bool = true, of machine: BatchMachine? = nil
    ) -> ClaimSnapshot {
        (machine ?? self.machine()).snapshot(
            of: 0, position: position, end: end, finished: finished, isUnfinished: { $0 >= 40 }, hasBegun: hasBegun)
    }

    @Test("reads the item and the remaining range from a record")
    func snapshots() {
        #expect(snapshot(50, 53) == ClaimSnapshot(finished: false, item: 50, remaining: 51..<53, claimed: true))
        #expect(snapshot(50, 51) == ClaimSnapshot(finished: false, item: 50, remaining: nil, claimed: true))
        #expect(snapshot(99, 100) == ClaimSnapshot(finished: false, item: 99, remaining: nil, claimed: true))
        // The item has its outcome: the worker died between two items.
        #expect(snapshot(39, 53) == ClaimSnapshot(finished: false, item: nil, remaining: 40..<53, claimed: true))
        #expect(snapshot(39, 40) == ClaimSnapshot(finished: false, item: nil, remaining: nil, claimed: true))
        #expect(
            snapshot(50, 53, finished: true)
                == ClaimSnapshot(finished: true, item: 50, remaining: 51..<53, claimed: true))
    }

    @Test("blames no item that the record does not show as begun")
    func notBegun() {
        #expect(
            snapshot(50, 53, hasBegun: false)
                == ClaimSnapshot(finished: false, item: nil, remaining: 50..<53, claimed: true))
        #expect(
            snapshot(39, 53, hasBegun: false)
                == ClaimSnapshot(finished: false, item: nil, remaining: 40..<53, claimed: true))
    }

    @Test(
        "ignores an impossible record",
        arguments: [
            (-1, 0), (-1, 5), (.min, 5), (5, 5), (6, 5), (5, 0), (5, .min), (99, 101), (100, 101), (.max, .max),
            (.max - 1, .max), (0, .max),
        ] as [(Int, Int)])
    func impossible(position: Int, end: Int) {
        let nothing = ClaimSnapshot(finished: false, item: nil, remaining: nil, claimed: false)
        #expect(snapshot(position, end) == nothing)
        #expect(snapshot(position, end, hasBegun: false) == nothing)
    }

    @Test("ignores a successor's record that lies before the range that the successor was given")
    func turnedBack() {
        var machine = machine()
        #expect(crash(&machine, on: 50..<53) == .rerun(50..<53, attempt: 2, pause: 0))
        #expect(!snapshot(49, 53, of: machine).claimed)
        #expect(snapshot(50, 53, of: machine).item == 50)
        // A new offer may start anywhere.
        machine.offer(from: 45)
        #expect(snapshot(45, 53, of: machine).item == 45)
    }

    @Test("counts as unfinished the item and all behind it")
    func unfinished() {
        #expect(ClaimSnapshot(finished: false, item: 5, remaining: 6..<9, claimed: true).unfinished == 5..<9)
        #expect(ClaimSnapshot(finished: false, item: 5, remaining: nil, claimed: true).unfinished == 5..<6)
        #expect(ClaimSnapshot(finished: false, item: nil, remaining: 6..<9, claimed: true).unfinished == 6..<9)
        #expect(ClaimSnapshot(finished: false, item: nil, remaining: nil, claimed: true).unfinished == nil)
    }

    // MARK: - Offers

    @Test("lets an offer stand for two exits an attempt at each item and 64 more, unless the cursor turns back")
    func offers() {
        var machine = BatchMachine(
            count: 3, stopsAtFailure: false, policy: RetryPolicy(retries: 1, reasons: .all, pause: 0))
        machine.offer(from: 2)
        #expect((0..<76).allSatisfy { _ in machine.keepsOffer(cursor: 2) })
        #expect(machine.keepsOffer(cursor: 2) == false)
        machine.offer(from: 2)
        #expect([.max, 1, .min, 3].map { machine.keepsOffer(cursor: $0) } == [true, false, false, true])
    }

    @Test("lets an offer stand while workers end for other batches, those that were open and those that came later")
    func offersBesideOthers() {
        var machine = BatchMachine(
            count: 3, stopsAtFailure: false, policy: RetryPolicy(retries: 1, reasons: .all, pause: 0))
        machine.offer(from: 2, besides: 100, allowed: 1000)
        #expect((0..<170).allSatisfy { _ in machine.keepsOffer(cursor: 2, allowed: 1000) })
        #expect((0..<56).allSatisfy { _ in machine.keepsOffer(cursor: 2, allowed: 1050) })
        #expect(machine.keepsOffer(cursor: 2, allowed: 1050) == false)
        machine.offer(from: 2, besides: .max, allowed: .max)
        #expect(machine.keepsOffer(cursor: 2, allowed: .min) == true)
    }

    @Test("offers nothing more after three offers that were withdrawn and got nothing done")
    func withdrawn() {
        var machine = BatchMachine(count: 100, stopsAtFailure: false)
        for round in 0..<3 {
            machine.offer(from: 50)
            #expect(machine.sweep([50..<90])?.range == 50..<90, "\(round)")
            // Further exits do not count again.
            #expect((0..<5).allSatisfy { _ in !machine.keepsOffer(cursor: 3) })
        }
        #expect(machine.sweep([50..<90]) == nil)
        // Fewer items are lost than ever before.
        #expect(machine.sweep([50..<60])?.range == 50..<60)
    }

    @Test("allows as many exits as can be counted")
    func mostExits() {
        #expect(BatchMachine.mostExits(of: 0, retries: nil) == 64)
        // A proven deadlock is run again twice, unless the options say otherwise.
        #expect(BatchMachine.mostExits(of: 10, retries: nil) == 124)
        #expect(BatchMachine.mostExits(of: 10, retries: 0) == 84)
        #expect(BatchMachine.mostExits(of: 10, retries: 4) == 164)
        for (count, retries) in [(Int.max, 0), (.max, .max), (10, .max), (.max, 1), (1 << 61, 3)] {
            #expect(BatchMachine.mostExits(of: count, retries: retries) > 1 << 60)
        }
    }

    // MARK: - Sweeps

    @Test("offers the first lost range once more")
    func sweep() {
        var machine = machine()
        let first = machine.sweep([1..<2, 4..<9, 12..<13])
        #expect(first?.range == 1..<2 && first?.attempt == 1)
        #expect(machine.sweep([4..<9, 12..<13])?.range == 4..<9)
        #expect(machine.sweep([12..<13])?.range == 12..<13)
        #expect(machine.sweep([]) == nil)
    }

    @Test("gives up after 31 more sweeps in a row that did not shrink the lost ranges")
    func vainSweeps() {
        var machine = machine()
        for _ in 0...31 { #expect(machine.sweep([4..<7])?.range == 4..<7) }
        #expect(machine.sweep([4..<7]) == nil)
        // A sweep that leaves fewer items is not in vain.
        var slow = self.machine()
        for end in stride(from: 90, to: 10, by: -1) {
            for _ in 0..<20 { #expect(slow.sweep([10..<end])?.range == 10..<end) }
        }
    }

    @Test("gives up also when results are undone as often as items are done")
    func undoing() {
        var machine = machine()
        for sweep in 0...31 { #expect(machine.sweep([sweep % 2 * 5..<sweep % 2 * 5 + 1]) != nil) }
        #expect(machine.sweep([3..<4]) == nil)
    }

    @Test("offers each item for its own attempt, and no other item with it")
    func sweepAttempts() {
        var machine = machine()
        #expect(crash(&machine, on: 5..<9) == .rerun(5..<9, attempt: 2, pause: 0))
        let before = machine.sweep([3..<9])
        #expect(before?.range == 3..<5 && before?.attempt == 1)
        let retried = machine.sweep([5..<9])
        #expect(retried?.range == 5..<6 && retried?.attempt == 2)
        let behind = machine.sweep([6..<9])
        #expect(behind?.range == 6..<9 && behind?.attempt == 1)
    }

    // MARK: - Reviews

    @Test("kills workers on needless items at once where there is no grace, soon again, and then less and less often")
    func withoutGrace() {
        var machine = machine(stopsAtFailure: true)
        let kills = machine.killsNeedless(hasFailed: false, at: 5)
        #expect(!kills && machine.nextReview == nil)
        for (now, next) in [(1_000_000, 1_100_000), (1_100_000, 3_100_000), (5_000_000, 9_000_000)] {
            let kills = machine.killsNeedless(hasFailed: true, at: now)
            #expect(kills)
            #expect(machine.nextReview == next)
        }
        // A damaged word that is right again.
        let stillKills = machine.killsNeedless(hasFailed: false, at: 9_000_000)
        #expect(!stillKills && machine.nextReview == nil)
    }

    @Test("lets workers on needless items go on for the grace, if the batch was not cancelled")
    func withGrace() {
        var machine = machine(stopsAtFailure: true, grace: 2_000_000)
        func kills(at now: Int) -> Bool { machine.killsNeedless(hasFailed: true, at: now) }
        #expect(!kills(at: 10_000_000))
        #expect(machine.nextReview == 12_000_000)
        #expect(!kills(at: 11_999_999))
        #expect(kills(at: 12_000_000))
        #expect(machine.nextReview == 14_000_000)
        #expect(kills(at: 16_000_000))
        #expect(machine.nextReview == 22_000_000)

        var cancelled = self.machine(grace: 2_000_000)
        cancelled.end(.cancelled)
        #expect(cancelled.killsNeedless(hasFailed: true, at: 10_000_000) == true)
        #expect(cancelled.nextReview == 12_000_000)
    }

    @Test("ends the grace when a batch that failed is cancelled")
    func cancelledInGrace() {
        var machine = machine(stopsAtFailure: true, grace: 2_000_000)
        #expect(machine.killsNeedless(hasFailed: true, at: 10_000_000) == false)
        machine.end(.cancelled)
        #expect(machine.killsNeedless(hasFailed: true, at: 10_000_001) == true)
    }

    @Test("kills workers that are elsewhere for the second time in a row")
    func strays() {
        var machine = machine()
        #expect(machine.strays([1, 2]) == [])
        #expect(machine.strays([2, 3]) == [2])
        #expect(machine.strays([2, 3]) == [2, 3])
        #expect(machine.strays([]) == [])
        #expect(machine.strays([2, 3]) == [])
    }
}
