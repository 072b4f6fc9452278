import Testing

@testable import ForkPool

@Suite("The machine that decides what a worker's end means")
struct MapMachineTests {
    private typealias Sight = ClaimSnapshot

    private static let died = ExitStatus.signal(9)
    private static let left = Sight(finished: true, item: nil, remaining: nil, claimed: true)

    /// A machine whose workers all run.
    private func running(
        _ workers: Int, count: Int = 100, stopsAtFailure: Bool = false
    ) -> BatchMachine {
        var machine = BatchMachine(count: count, stopsAtFailure: stopsAtFailure)
        for worker in 0..<workers { #expect(machine.started(worker) == nil) }
        return machine
    }

    /// What a worker leaves that dies while it is on an item of a range, or before the first one.
    private func death(on item: Int?, leaving remaining: Range<Int>? = nil, claimed: Bool = true) -> Sight {
        Sight(finished: false, item: item, remaining: remaining, claimed: claimed)
    }

    @Test("begins with every worker, but with no more than there are items")
    func begin() {
        let some = BatchMachine(count: 2, stopsAtFailure: false)
        #expect(
            some.begin(workers: 5) == [.start(worker: 0, remaining: nil), .start(worker: 1, remaining: nil)])
        #expect(some.begin(workers: 1) == [.start(worker: 0, remaining: nil)])
        #expect(BatchMachine(count: 0, stopsAtFailure: false).begin(workers: 5) == [])
    }

    @Test("is idle before the first start and after the last end")
    func idle() {
        var machine = BatchMachine(count: 4, stopsAtFailure: false)
        #expect(machine.isIdle)
        _ = machine.started(0)
        _ = machine.started(1)
        _ = machine.ended(0, ProcessExit(pid: 1, .exit(0)), Self.left, open: false)
        #expect(!machine.isIdle)
        _ = machine.ended(1, ProcessExit(pid: 2, .exit(0)), Self.left, open: false)
        #expect(machine.isIdle)
    }

    @Test("does not replace a worker that left its loop, whatever is open or its status says")
    func finished() {
        var machine = running(3)
        let sight = Sight(finished: true, item: 7, remaining: 8..<9, claimed: true)
        #expect(machine.ended(0, ProcessExit(pid: 1, .exit(0)), Self.left, open: true) == nil)
        #expect(machine.ended(1, ProcessExit(pid: 2, .exit(3)), sight, open: true) == nil)
        #expect(machine.ended(2, ProcessExit(pid: 3, Self.died), sight, open: true) == nil)
        #expect(machine.causes.isEmpty && machine.ending == nil)
    }

    @Test("blames a crash on the item that the worker was on, and runs the rest of its range")
    func crashOnItem() throws {
        var machine = running(2)
        let crash = CrashReport(signal: 4, address: 0, isStackOverflow: false, message: "Fatal error: x")
        let action = machine.ended(
            1, ProcessExit(pid: 4711, .signal(4), crash: crash), death(on: 5, leaving: 6..<9), open: true)
        #expect(action == .start(worker: 1, remaining: 6..<9))
        guard case .ended(ProcessExit(pid: 4711, .signal(4), crash: crash)) = try #require(machine.causes[5]) else {
            Issue.record("not the end that was seen: \(machine.causes)")
            return
        }
        #expect(machine.causes.count == 1)
        #expect(machine.lowestFailure == .max)
        #expect(!machine.isIdle)
    }

    @Test("runs the rest of a range though nothing is left to claim")
    func crashOnItemWithLeftover() {
        var machine = running(1)
        let action = machine.ended(0, ProcessExit(pid: 1, Self.died), death(on: 97, leaving: 98..<100), open: false)
        #expect(action == .start(worker: 0, remaining: 98..<100))
    }

    @Test("replaces a worker without remaining only while items are open")
    func crashOnLastItem() {
        var machine = running(2)
        #expect(
            machine.ended(0, ProcessExit(pid: 1, Self.died), death(on: 5), open: true)
                == .start(worker: 0, remaining: nil))
        #expect(machine.ended(1, ProcessExit(pid: 2, Self.died), death(on: 6), open: false) == nil)
        #expect(machine.causes.keys.sorted() == [5, 6])
    }

    @Test("blames no item for a worker that died between two")
    func crashBetweenItems() {
        var machine = running(2)
        #expect(
            machine.ended(0, ProcessExit(pid: 1, .exit(0)), death(on: nil, leaving: 3..<5), open: false)
                == .start(worker: 0, remaining: 3..<5))
        #expect(machine.ended(1, ProcessExit(pid: 2, .exit(0)), death(on: nil), open: false) == nil)
        #expect(machine.causes.isEmpty)
    }

    @Test("neither blames nor replaces a worker that it had killed, once")
    func killRequested() {
        var machine = running(1)
        machine.requestKill(0)
        let sight = death(on: 5, leaving: 6..<9)
        #expect(machine.ended(0, ProcessExit(pid: 1, Self.died), sight, open: true) == nil)
        #expect(machine.causes.isEmpty && machine.isIdle)
        // The next worker in this place is another one.
        #expect(machine.started(0) == nil)
        #expect(
            machine.ended(0, ProcessExit(pid: 2, Self.died), sight, open: true) == .start(worker: 0, remaining: 6..<9))
        #expect(machine.causes.keys.sorted() == [5])
    }
}
