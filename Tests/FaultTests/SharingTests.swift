// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// What all maps of one pool share: its workers.
@Suite struct SharingTests {
    @Test("50 maps of tasks on a pool of 2 have 2 workers at a moment, and every result")
    func tasks() async {
        await #expect(processExitsWith: .success) { await SharingScenes.tasks() }
    }

    @Test("50 maps of threads on a pool of 2 have 2 workers at a moment, and every result")
    func threads() async {
        await #expect(processExitsWith: .success) { SharingScenes.threads() }
    }

    @Test("50 maps of any kind of pool of 2 have 2 worker processes at a moment", arguments: Kind.allCases)
    func processes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SharingScenes.processes(kind) }
    }

    @Test("A map that is cancelled while it waits fails as cancelled at once, and leaves the line")
    func cancelled() async {
        await #expect(processExitsWith: .success) { await SharingScenes.cancelled() }
    }

    @Test("Maps that fail, crash, or are refused a fork give their workers back")
    func failing() async {
        await #expect(processExitsWith: .success) { SharingScenes.failing() }
        await #expect(processExitsWith: .success) { SharingScenes.refused() }
    }

    @Test("Crashes in maps that share workers are those of their items alone")
    func crashes() async {
        await #expect(processExitsWith: .success) { SharingScenes.crashes() }
    }

    @Test(
        "pending and busy say what waits and what works, of maps in line, and with whenFull: .fail one more fails as full"
    )
    func pending() async {
        await #expect(processExitsWith: .success) { await SharingScenes.pending() }
    }
}

/// How many workers there are, and the most that there were.
private struct Peak: BitwiseCopyable {
    var now = 0
    var most = 0
}

/// A pool whose workers count themselves.
private struct CountedPool {
    let pool: ForkPool
    private let peak: SharedValue<Peak>

    init(workers: Int, options: ForkPool.Options = .init()) {
        let peak = SharedValue(Peak())
        var options = options
        options.setUp = {
            peak.withLock { peak in
                peak.now += 1
                peak.most = max(peak.most, peak.now)
            }
        }
        options.tearDown = { peak.withLock { $0.now -= 1 } }
        pool = ForkPool(workers: workers, options: options)
        self.peak = peak
    }

    var most: Int { peak.value.most }
}

private enum SharingScenes {
    static func tasks() async {
        await Scene.leaveNothing { () async throws in
            let counted = CountedPool(workers: 2)
            let pool = counted.pool
            let results = try await withThrowingTaskGroup(of: (Int, [Int]).self) { group in
                for number in 0..<50 {
                    group.addTask { (number, try await pool.map(0..<20) { $0 * $0 + number }) }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(results.count == 50)
            for (number, values) in results { #expect(values == (0..<20).map { $0 * $0 + number }) }
            #expect((1...2).contains(counted.most))
            #expect(pool.pending == 0 && pool.busy == 0)
        }
    }

    static func threads() {
        Scene.leaveNothing { () throws in
            let counted = CountedPool(workers: 2, options: .init(chunk: .fixed(1)))
            let results = Threads.run(50) { number in
                (0..<2).map { round in counted.pool.mapResults(0..<7) { "\(number) \(round) \($0)" }.map(\.value) }
            }
            for (number, rounds) in results.enumerated() {
                #expect(rounds == (0..<2).map { round in (0..<7).map { "\(number) \(round) \($0)" } })
            }
            #expect((1...2).contains(counted.most))
            #expect(counted.pool.pending == 0 && counted.pool.busy == 0)
        }
    }

    static func processes(_ kind: Kind) {
        let options = ForkPool.Options(chunk: .fixed(1), name: "shared")
        Scene.survive(kind, workers: 2, options: options) { pool throws in
            let meeting = Rendezvous()
            let isOver = SharedCounter()
            var workers: Int { ProcessStatus.below(getpid()).count { $0.name.hasPrefix("shared-") } }
            let results = Threads.run(51) { number -> [Int]? in
                switch number {
                case 0:
                    defer { isOver.add() }
                    return try? pool.map(
                        (0..<2).map { .say(at: meeting.path, then: .wait(at: meeting.path, 1, then: .give($0))) })
                case 50:
                    // Both workers are on their items, and all other maps wait.
                    for _ in 0..<2 { _ = meeting.receive() }
                    while pool.pending < 49 { sched_yield() }
                    let before = [workers, pool.busy]
                    meeting.arrive()
                    var most = 0
                    while isOver.value < 50 { most = max(most, workers) }
                    return before + [most]
                default:
                    defer { isOver.add() }
                    while pool.busy < 2 { sched_yield() }
                    return try? pool.map((0..<9).map { .give($0 + number) })
                }
            }
            #expect(results[0] == [0, 1])
            for number in 1..<50 { #expect(results[number] == (0..<9).map { $0 + number }) }
            #expect(results[50]?.prefix(2) == [2, 2])
            #expect(results[50]!.last! <= 2, "\(results[50]!)")
            #expect(pool.pending == 0)
        }
    }

    static func cancelled() async {
        await Scene.leaveNothing { () async throws in
            let pool = ForkPool(workers: 1)
            let (begun, isOver) = (SharedCounter(), SharedCounter())
            let holder = Task {
                try await pool.map(0..<1) { _ in
                    begun.add()
                    while isOver.value == 0 { sched_yield() }
                    return 7
                }
            }
            while begun.value == 0 { await Task.yield() }
            let waiting = Task { try await pool.map(0..<3) { _ in begun.add() } }
            let outcomes = Task { await pool.mapResults(0..<3) { _ in begun.add() } }
            while pool.pending < 2 { await Task.yield() }
            waiting.cancel()
            await Scene.expectCancelled(waiting)
            outcomes.cancel()
            for (index, outcome) in await outcomes.value.enumerated() {
                #expect(outcome.failure?.code == .cancelled && outcome.failure?.index == index)
            }
            #expect(pool.pending == 0 && pool.busy == 1)
            isOver.add()
            #expect(try await holder.value == [7])
            #expect(begun.value == 1 && pool.busy == 0)
        }
    }

    static func failing() {
        Scene.survive(workers: 2) { pool throws in
            let ends = Threads.run(12) { number -> ForkPool.Failure.Code? in
                do throws(ForkPool.Failure) {
                    _ = try pool.map(0..<10) { item -> Int in
                        if item == 3, number % 3 == 0 { throw CancellationError() }
                        if item == 3, number % 3 == 1 { kill(getpid(), SIGKILL) }
                        return item
                    }
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(ends == (0..<12).map { [.thrown, .killed, nil][$0 % 3] })
            #expect(pool.pending == 0 && pool.busy == 0)
        }
    }

    static func refused() {
        guard Fault.isAvailable else { return }
        // The first fault maps the memory that says which call fails.
        Fault.none.begin()
        Fault.end()
        Scene.survive(workers: 3) { pool throws in
            // Every other fork fails, and at last all do.
            for first in [1, 2, 3, 4] {
                Fault(call: "fork", role: .parent, first: first, times: 2, error: EAGAIN).begin()
                defer { Fault.end() }
                let ends = Threads.run(4) { _ in (try? pool.map(0..<50) { $0 }) == Array(0..<50) }
                #expect(ends.count { $0 } >= 2, "\(ends)")
                #expect(pool.pending == 0 && pool.busy == 0)
            }
            Fault(call: "fork", role: .parent, first: 1, times: Int(UInt32.max), error: EAGAIN).begin()
            defer { Fault.end() }
            let codes = Threads.run(4) { _ in
                failure { () throws(ForkPool.Failure) in try pool.map(0..<50) { $0 } }?.code
            }
            #expect(codes == Array(repeating: .forkRefused, count: 4))
            #expect(pool.pending == 0 && pool.busy == 0)
        }
    }

    static func crashes() {
        Scene.survive(workers: 2, options: .init(chunk: .fixed(3), retries: 1)) { pool throws in
            let tries = SharedArray<Int>(count: 16)
            let results = Threads.run(8) { number in
                pool.mapResults(0..<40) { item -> Int in
                    if item == 20 { kill(getpid(), SIGABRT) }
                    if item == 30, tries[number] == 0 {
                        tries[number] = 1
                        _exit(4)
                    }
                    return item + number
                }
            }
            for (number, outcomes) in results.enumerated() {
                #expect(outcomes.map(\.value) == (0..<40).map { $0 == 20 ? nil : $0 + number })
                #expect(outcomes[20].failure?.signal == SIGABRT && outcomes[20].failure?.attempt == 2)
            }
        }
    }

    static func pending() async {
        await Scene.leaveNothing { () async throws in
            for limit in [0, 2] {
                let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), maxPending: limit, whenFull: .fail))
                let (begun, isOver) = (SharedCounter(), SharedCounter())
                let hold: @Sendable (Int) async throws -> [Int] = { count in
                    try await pool.map(0..<count) { item in
                        begun.add()
                        while isOver.value == 0 { sched_yield() }
                        return item
                    }
                }
                let first = Task { try await hold(2) }
                while begun.value < 2 { await Task.yield() }
                #expect(pool.pending == 0 && pool.busy == 2)
                let waiting = (0..<limit).map { _ in Task { try await hold(1) } }
                while pool.pending < limit { await Task.yield() }
                #expect(pool.pending == limit && pool.busy == 2)
                do throws(ForkPool.Failure) {
                    _ = try await pool.map(0..<1) { $0 }
                    Issue.record("nothing was thrown")
                } catch {
                    #expect(error.code == .full && error.index == nil && error.bodyRan == .no)
                    #expect(error.message.contains("\(limit) others wait"), "\(error)")
                }
                let outcomes = await pool.mapResults(0..<2) { $0 }
                #expect(outcomes.map { $0.failure?.code } == [.full, .full])
                #expect(outcomes.map { $0.failure?.index } == [0, 1])
                // A map without items needs no worker.
                #expect(try await pool.map([Int]()) { $0 } == [])
                isOver.add()
                #expect(try await first.value == [0, 1])
                for task in waiting { #expect(try await task.value == [0]) }
                #expect(pool.pending == 0 && pool.busy == 0)
                #expect(try await pool.map(0..<3) { $0 } == [0, 1, 2])
            }
        }
    }
}
