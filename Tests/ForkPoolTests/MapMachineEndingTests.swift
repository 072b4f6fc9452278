import Testing

@testable import ForkPool

@Suite("The machine that decides when a map ends")
struct MapMachineEndingTests {
    private typealias Sight = ClaimSnapshot

    private static let died = ExitStatus.signal(9)
    private static let refusal = SystemError(call: "fork", code: 11)

    private func running(_ workers: Int, stopsAtFailure: Bool = false) -> BatchMachine {
        var machine = BatchMachine(count: 100, stopsAtFailure: stopsAtFailure)
        for worker in 0..<workers { _ = machine.started(worker) }
        return machine
    }

    private func death(on item: Int?, leaving remaining: Range<Int>? = nil, claimed: Bool = true) -> Sight {
        Sight(finished: false, item: item, remaining: remaining, claimed: claimed)
    }

    private func isCancelled(_ machine: BatchMachine) -> Bool {
        if case .cancelled = machine.ending { true } else { false }
    }

    @Test("ends every worker when it is cancelled, blames no item and starts nothing more")
    func cancel() {
        var machine = running(2)
        #expect(machine.cancel() == .endAll)
        #expect(isCancelled(machine))
        #expect(machine.ended(0, ProcessExit(pid: 1, Self.died), death(on: 5, leaving: 6..<9), open: true) == nil)
        #expect(machine.causes.isEmpty)
        #expect(machine.started(2) == .endAll)
        #expect(machine.sweep([6..<9], workers: 2) == [])
        #expect(machine.cancel() == .endAll)
    }

    @Test("keeps what ended a map first")
    func firstEnding() {
        var cancelled = running(0)
        _ = cancelled.cancel()
        cancelled.refused(Self.refusal)
        #expect(isCancelled(cancelled))

        var refused = running(0)
        refused.refused(Self.refusal)
        _ = refused.cancel()
        guard case .refused(Self.refusal) = refused.ending else {
            Issue.record("another ending: \(String(describing: refused.ending))")
            return
        }
        #expect(refused.started(0) == .endAll)
    }

    @Test("goes on with the workers that run when another is refused, and hands out later what that one was to do")
    func refusedBesideOthers() {
        var machine = running(1)
        machine.refused(Self.refusal)
        #expect(machine.ending == nil)
        _ = machine.ended(
            0, ProcessExit(pid: 1, .exit(0)), Sight(finished: true, item: nil, remaining: nil, claimed: true),
            open: false
        )
        #expect(machine.isIdle)
        #expect(machine.sweep([6..<9], workers: 2) == [.start(worker: 0, remaining: 6..<9)])
    }

    @Test("ends the map when a worker is refused and none runs")
    func refusedAlone() {
        var machine = running(0)
        machine.refused(Self.refusal)
        guard case .refused(Self.refusal) = machine.ending else {
            Issue.record("another ending: \(String(describing: machine.ending))")
            return
        }
        #expect(machine.sweep([0..<100], workers: 2) == [])
    }

    @Test("gives up when 32 workers in a row die before they claim anything")
    func failedStarts() {
        var machine = running(2)
        for _ in 1...31 {
            #expect(
                machine.ended(0, ProcessExit(pid: 1, Self.died), death(on: nil, claimed: false), open: true)
                    == .start(worker: 0, remaining: nil))
            _ = machine.started(0)
        }
        #expect(machine.ending == nil)
        #expect(
            machine.ended(0, ProcessExit(pid: 1, .signal(11)), death(on: nil, claimed: false), open: true) == .endAll)
        guard case .unreachable(ProcessExit(pid: 1, .signal(11)))? = machine.ending else {
            Issue.record("another ending: \(String(describing: machine.ending))")
            return
        }
        #expect(machine.ended(1, ProcessExit(pid: 2, Self.died), death(on: 3), open: true) == nil)
        #expect(machine.causes.isEmpty)
    }

    @Test("does not give up while one of 32 workers claims something before it dies")
    func fertile() {
        var machine = running(1)
        for turn in 1...96 {
            let sight = death(on: nil, leaving: 3..<9, claimed: turn % 32 == 0)
            #expect(
                machine.ended(0, ProcessExit(pid: 1, Self.died), sight, open: true)
                    == .start(worker: 0, remaining: 3..<9))
            _ = machine.started(0)
        }
        #expect(machine.ending == nil)
    }

    @Test("ends what is above a failure, and above a lower one that comes later")
    func lowestWins() {
        var machine = running(4, stopsAtFailure: true)
        #expect(machine.failed(50) == .endAbove(50))
        #expect(machine.lowestFailure == 50)
        #expect(machine.failed(50) == nil)
        #expect(machine.failed(70) == nil)
        #expect(machine.lowestFailure == 50)
        #expect(machine.ended(0, ProcessExit(pid: 1, Self.died), death(on: 20), open: true) == .endAbove(20))
        #expect(machine.lowestFailure == 20)
        #expect(machine.ended(1, ProcessExit(pid: 2, Self.died), death(on: 30, leaving: 31..<40), open: true) == nil)
        #expect(machine.lowestFailure == 20)
        #expect(machine.failed(0) == .endAbove(0))
        #expect(machine.lowestFailure == 0)
        #expect(machine.ending == nil)
    }

    @Test("lets failures be where every outcome is wanted")
    func everyOutcome() {
        var machine = running(1)
        #expect(machine.failed(3) == nil)
        #expect(machine.lowestFailure == .max)
    }

    @Test("runs what a dead worker left below a failure")
    func leftBelowFailure() {
        var machine = running(2, stopsAtFailure: true)
        _ = machine.failed(50)
        #expect(
            machine.ended(0, ProcessExit(pid: 1, Self.died), death(on: nil, leaving: 11..<20), open: false)
                == .start(worker: 0, remaining: 11..<20))
    }

    @Test("hands out lost ranges, one to a worker")
    func sweep() {
        var machine = running(0)
        #expect(
            machine.sweep([1..<2, 4..<9, 12..<13], workers: 2)
                == [.start(worker: 0, remaining: 1..<2), .start(worker: 1, remaining: 4..<9)])
        #expect(machine.sweep([12..<13], workers: 2) == [.start(worker: 0, remaining: 12..<13)])
        #expect(machine.sweep([], workers: 2) == [])
    }

    @Test("gives up a range that 32 sweeps in a row did not make smaller")
    func vainSweeps() {
        var machine = running(0)
        for _ in 0...31 { #expect(machine.sweep([4..<7], workers: 2) == [.start(worker: 0, remaining: 4..<7)]) }
        #expect(machine.sweep([4..<7], workers: 2) == [])

        var slow = running(0)
        for end in stride(from: 90, to: 10, by: -1) {
            #expect(slow.sweep([10..<end], workers: 1) == [.start(worker: 0, remaining: 10..<end)])
        }
    }
}
