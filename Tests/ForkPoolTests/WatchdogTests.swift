// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The watchdog over workers that do not move")
struct WatchdogTests {
    private static let second = 1_000_000_000
    private static let busy = ItemSnapshot(position: 3, began: 0)

    private func none() -> ProcSample? { nil }

    private static func watchdog(from start: Int = 0) -> Watchdog {
        var watchdog = Watchdog(provesDeadlocks: false, from: start)
        watchdog.shortestTimeout = second
        return watchdog
    }

    /// An item that may take a second.
    private static func item(_ position: Int, began: Int) -> ItemSnapshot {
        ItemSnapshot(position: position, began: began, timeout: second)
    }

    @Test("finds a worker that is on an item for longer than the timeout, from when the item began")
    func overdue() {
        var watchdog = Self.watchdog()
        let snapshot = Self.item(3, began: 500)
        #expect(watchdog.check(0, snapshot, at: 600, sample: none) == nil)
        #expect(watchdog.nextTime(now: 600) == 500 + Self.second)
        #expect(watchdog.check(0, snapshot, at: 499 + Self.second, sample: none) == nil)
        #expect(watchdog.check(0, snapshot, at: 500 + Self.second, sample: none) == .overdue(item: 3))
    }

    @Test("finds several workers that are overdue at once")
    func several() {
        var watchdog = Self.watchdog()
        let snapshots = (0..<5).map { Self.item($0, began: 7) }
        for (worker, snapshot) in snapshots.enumerated() {
            #expect(watchdog.check(worker, snapshot, at: 9, sample: none) == nil)
        }
        for (worker, snapshot) in snapshots.enumerated() {
            #expect(watchdog.check(worker, snapshot, at: 7 + Self.second, sample: none) == .overdue(item: worker))
        }
    }

    @Test("gives each item the timeout of its own batch, and none where its batch has none")
    func ownTimeouts() {
        var watchdog = Self.watchdog()
        let items = [Self.second, 3 * Self.second, nil].map { ItemSnapshot(position: 1, began: 7, timeout: $0) }
        for (worker, item) in items.enumerated() { #expect(watchdog.check(worker, item, at: 9, sample: none) == nil) }
        #expect(watchdog.nextTime(now: 9) == 7 + Self.second)
        let found = [1, 2, 3, 99].map { time in
            items.indices.map { watchdog.check($0, items[$0], at: 7 + time * Self.second, sample: none) != nil }
        }
        #expect(found == [[true, false, false], [true, false, false], [true, true, false], [true, true, false]])
    }

    @Test("plans its looks by the shortest timeout that the pool is used with")
    func shortestTimeout() {
        var watchdog = Watchdog(provesDeadlocks: false)
        #expect(!watchdog.isNeeded && watchdog.nextTime(now: 4) == .max)
        watchdog.shortestTimeout = 2 * Self.second
        #expect(watchdog.isNeeded && watchdog.nextTime(now: 4) == 4 + 2 * Self.second)
        watchdog.shortestTimeout = Self.second
        #expect(watchdog.nextTime(now: 4) == 4 + Self.second)
        var prover = Watchdog(provesDeadlocks: true)
        #expect(prover.isNeeded && prover.nextTime(now: 4) == 4 + Watchdog.firstSample)
    }

    @Test("gives a worker that goes on to another item, or to the same one again, the whole timeout once more")
    func moving() {
        var watchdog = Self.watchdog()
        for step in 0..<10 {
            let began = 1 + step * Self.second
            let snapshot = Self.item(step / 2, began: began)
            #expect(watchdog.check(0, snapshot, at: began + Self.second - 1, sample: none) == nil)
        }
    }

    @Test("counts no time before an item, and ignores an impossible start time")
    func impossible() {
        var watchdog = Self.watchdog()
        #expect(watchdog.check(0, Self.item(-1, began: 0), at: 0, sample: none) == nil)
        #expect(watchdog.check(0, Self.item(-1, began: 0), at: 90 * Self.second, sample: none) == nil)
        let future = Self.item(1, began: .max)
        #expect(watchdog.check(1, future, at: 5, sample: none) == nil)
        #expect(watchdog.check(1, future, at: 5 + Self.second, sample: none) == .overdue(item: 1))
        #expect(watchdog.check(2, Self.item(1, began: .min), at: 5, sample: none) == nil)
        #expect(watchdog.check(2, Self.item(1, began: .min), at: 9 * Self.second, sample: none) == nil)
    }

    @Test("takes no time before its last look for the start of an item: a worker may have another clock")
    func otherClock() {
        var watchdog = Self.watchdog(from: 900 * Self.second)
        for now in [901, 902, 903].map({ $0 * Self.second }) {
            watchdog.resume(at: now)
            let snapshot = Self.item(3, began: now - 500 * Self.second)
            #expect(watchdog.check(0, snapshot, at: now, sample: none) == nil)
            #expect(watchdog.check(0, snapshot, at: now + Self.second - 1, sample: none) == nil)
            #expect(watchdog.check(0, snapshot, at: now + Self.second, sample: none) == .overdue(item: 3))
        }
    }

    @Test("counts no time in which every process was stopped, its own included")
    func stopped() {
        var watchdog = Self.watchdog()
        let snapshot = Self.item(3, began: 500)
        #expect(watchdog.check(0, snapshot, at: 600, sample: none) == nil)
        let planned = watchdog.nextTime(now: 600)
        // An hour late.
        let late = planned + 3600 * Self.second
        watchdog.resume(at: late)
        #expect(watchdog.check(0, snapshot, at: late - 1, sample: none) == nil)
        #expect(watchdog.check(0, snapshot, at: late, sample: none) == .overdue(item: 3))
        // The delays of a busy machine count.
        _ = watchdog.nextTime(now: late)
        watchdog.resume(at: late + Self.second / 4)
        #expect(watchdog.check(0, snapshot, at: late + Self.second / 4, sample: none) == .overdue(item: 3))
    }

    @Test("counts no stopped time either for a worker that began after the last check before it")
    func stoppedUnseen() {
        var watchdog = Self.watchdog()
        let planned = watchdog.nextTime(now: 0)
        let late = planned + 60 * Self.second
        watchdog.resume(at: late)
        let snapshot = Self.item(3, began: planned - 5)
        #expect(watchdog.check(0, snapshot, at: late, sample: none) == nil)
        #expect(watchdog.check(0, snapshot, at: late + Self.second - 1, sample: none) == nil)
        #expect(watchdog.check(0, snapshot, at: late + Self.second, sample: none) == .overdue(item: 3))
        // A worker that begins later has the whole timeout.
        let later = Self.item(4, began: late + 7)
        #expect(watchdog.check(0, later, at: late + 6 + Self.second, sample: none) == nil)
        #expect(watchdog.check(0, later, at: late + 7 + Self.second, sample: none) == .overdue(item: 4))
    }

    @Test("asks to be woken for the next deadline, and never twice within half a millisecond")
    func nextTime() {
        var watchdog = Self.watchdog()
        #expect(watchdog.nextTime(now: 0) == Self.second)
        _ = watchdog.check(0, Self.item(0, began: 50), at: 60, sample: none)
        _ = watchdog.check(1, Self.item(1, began: 40), at: 60, sample: none)
        #expect(watchdog.nextTime(now: 60) == 40 + Self.second)
        #expect(watchdog.nextTime(now: 40 + Self.second) == 40 + Self.second + 500_000)
        watchdog.forget(1)
        #expect(watchdog.nextTime(now: 60) == 50 + Self.second)
        var idle = Watchdog(provesDeadlocks: false)
        #expect(idle.nextTime(now: 5) == .max && !idle.isNeeded)
    }

    @Test("samples a worker that did not move for a while, and then less and less often")
    func looks() {
        var watchdog = Watchdog(provesDeadlocks: true)
        var times: [Int] = []
        var now = 0
        while now < 20 * Self.second {
            let reason = watchdog.check(0, Self.busy, at: now) {
                times.append(now)
                return nil
            }
            #expect(reason == nil)
            now = watchdog.nextTime(now: now)
        }
        #expect(times.first == Watchdog.firstSample)
        #expect((5...20).contains(times.count))
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(gaps == gaps.sorted() && gaps.last == 2 * Self.second)
    }

    @Test("has a worker stopped that may spin, and has it killed when it is found at the same lock again")
    func spins() throws {
        let spins = try (1...2).map { StopSample.spin(try Self.spin(owner: UInt32($0))) }
        #expect(Self.findings([spins[0], spins[0], .otherwise]) == (proven: true, left: 1))
        #expect(Self.findings([spins[0], .unseen, .unseen, spins[0], .otherwise]) == (proven: true, left: 1))
        #expect(Self.findings([spins[0], spins[1], spins[1], .otherwise]) == (proven: true, left: 1))
        #expect(Self.findings([spins[0], .otherwise, spins[0], .otherwise, .otherwise]) == (proven: false, left: 0))
        #expect(Self.findings([spins[0], spins[1], spins[0], .otherwise]) == (proven: false, left: 0))
        // A worker that did not run between two stops is not suspected again.
        #expect(Self.findings([spins[0], spins[0]], ticks: 0) == (proven: false, left: 1))
    }

    @Test("stops workers that may spin together, and forgets the suspicion when one waits or ends")
    func suspects() throws {
        var watchdog = Watchdog(provesDeadlocks: true)
        let spin = StopSample.spin(try Self.spin(owner: 1))
        var stopped: [[Int]] = []
        var ticks = 1
        for step in 0...3 {
            ticks += 5
            let now = step * 2 * Self.second
            for worker in 0..<3 {
                let state = worker == 1 && step == 3 ? "S (sleeping)" : "R (running)"
                let reason = watchdog.check(worker, Self.busy, at: now) {
                    Self.sample(state: state, ticks: ticks, pauses: 0)
                }
                #expect(reason == nil)
            }
            if step == 3 { watchdog.forget(2) }
            let proven = watchdog.stopSuspects(at: now) { workers in
                stopped.append(workers)
                return workers.map { _ in spin }
            }
            #expect(proven == (step == 3 ? [0] : []))
        }
        #expect(stopped == [[0, 1, 2], [0]])
    }

    /// Checks a worker that runs in the kernel, with some ticks between two samples, and that each stop finds as given;
    /// returns whether the watchdog proves a spin, and how many stops are left.
    private static func findings(_ samples: [StopSample], ticks: Int = 5) -> (proven: Bool, left: Int) {
        var watchdog = Watchdog(provesDeadlocks: true)
        var (now, time, samples, stops) = (0, 0, samples, 0)
        while now < 60 * second, !samples.isEmpty {
            let reason = watchdog.check(0, busy, at: now) {
                time += stops == 0 ? 5 : ticks
                return sample(state: "R (running)", ticks: time, pauses: stops)
            }
            #expect(reason == nil)
            let proven = watchdog.stopSuspects(at: now) { workers in
                #expect(workers == [0])
                stops += 1
                return [samples.removeFirst()]
            }
            if proven == [0] { return (true, samples.count) }
            now = watchdog.nextTime(now: now)
        }
        return (false, samples.count)
    }

    private static func spin(owner: UInt32) throws -> StopSample.Spin {
        let call = FutexCall(Array("202 0x10 0x86 0x1 0x0 0x0 0x0 0x20 0x30\n".utf8)[...], number: 202)
        return try #require(StopSample.Spin(call: call, word: owner, pid: 4711))
    }

    private static func sample(
        state: String, ticks: Int, pauses: Int, call: String = "running"
    ) -> ProcSample? {
        let status = """
            State:\t\(state)
            TracerPid:\t0
            Threads:\t1
            SigBlk:\t0000000000000000
            SigCgt:\t0000000000000000
            voluntary_ctxt_switches:\t\(pauses)
            nonvoluntary_ctxt_switches:\t\(ticks)

            """
        return ProcSample(
            before: Array(status.utf8)[...], call: Array("\(call)\n".utf8)[...],
            waitChannel: Array((call == "running" ? "0" : "futex_do_wait").utf8)[...], children: [],
            work: Array("4711 (a) R 1 1 1 0 -1 0 0 0 0 0 0 \(ticks) 0 0\n".utf8)[...],
            traffic: Array("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\n".utf8)[...], after: Array(status.utf8)[...])
    }

    @Test("does not sample more often a worker that waits for work")
    func idlers() {
        var watchdog = Watchdog(provesDeadlocks: true)
        var (now, looks) = (0, 0)
        while now < 20 * Self.second {
            let reason = watchdog.check(0, Self.busy, at: now) {
                looks += 1
                // A shared wait: any process that shares the memory may wake it.
                return Self.sample(
                    state: "S (sleeping)", ticks: 1, pauses: 1, call: "202 0x10 0x0 0x1 0x0 0x0 0x0 0x20 0x30")
            }
            #expect(reason == nil)
            now = watchdog.nextTime(now: now)
        }
        #expect((5...20).contains(looks))
    }

    @Test("takes no sample of a worker that moves")
    func movers() {
        var watchdog = Watchdog(provesDeadlocks: true)
        for step in 0..<100 {
            let reason = watchdog.check(0, .init(position: step, began: 0), at: step * Watchdog.firstSample) {
                Issue.record("it looked")
                return nil
            }
            #expect(reason == nil)
        }
    }
}
