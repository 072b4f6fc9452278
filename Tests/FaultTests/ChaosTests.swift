// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@Suite struct ChaosTests {
    @Test(
        "F10: items are right, each once, although each worker is killed after a millisecond or two",
        arguments: [(Kind.oneShot, 1_000_000), (.residentBody, 300_000), (.residentJob, 300_000), (.exec, 10_000)])
    func mortalWorkers(_ kind: Kind, _ count: Int) async {
        await #expect(processExitsWith: .success) { [kind, count] in ChaosScenes.mortalWorkers(kind, count) }
    }

    @Test("F: two maps of one pool run at once", arguments: Kind.allCases)
    func twoMaps(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ChaosScenes.twoMaps(kind) }
    }

    // A one-shot pool has no calls to mix with maps.
    @Test("F: 10 threads and 100 tasks on one resident pool are all right", arguments: Kind.resident)
    func crowd(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await ChaosScenes.crowd(kind) }
    }

    @Test("F6: calls that are cancelled at any moment cost no other call", arguments: Kind.resident)
    func cancelsBesideCalls(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ChaosScenes.cancelsBesideCalls(kind) }
    }

    @Test("A4: maps that fail and end their own workers cost no other call", arguments: Kind.resident)
    func failuresBesideCalls(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ChaosScenes.failuresBesideCalls(kind) }
    }

    @Test("F10: workers that are killed all the time cost a call each at most", arguments: Kind.resident)
    func killedWorkers(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ChaosScenes.killedWorkers(kind) }
    }

    @Test("D: every call has one outcome where close(), cancel() or a drop races", arguments: Kind.resident)
    func endsBesideSubmits(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ChaosScenes.endsBesideSubmits(kind) }
    }
}

/// A job that has its worker killed at some moment after its first item began.
struct Mortal: PlainJob {
    typealias Input = Int
    typealias Output = Int

    /// The process that has a kill scheduled; a forked process inherits its parent's value.
    nonisolated(unsafe) private static var doomed: Int32 = 0

    func act(_ item: Int) throws -> Int {
        if item >= 0, unsafe Self.doomed != getpid() { Self.doom() }
        return item &* 7 + 1
    }

    /// Has the kernel kill this process within some 2 ms.
    private static func doom() {
        unsafe doomed = getpid()
        var event = unsafe sigevent()
        unsafe event.sigev_notify = Int32(SIGEV_SIGNAL)
        unsafe event.sigev_signo = SIGKILL
        var timer: timer_t?
        var time = itimerspec()
        time.it_value.tv_nsec = Int.random(in: 100_000..<2_000_000)
        let made = unsafe timer_create(CLOCK_MONOTONIC, &event, &timer)
        let set = unsafe timer_settime(timer, 0, &time, nil)
        if made != 0 || set != 0 { abort() }
    }
}

/// Counts outcomes of calls.
private final class Outcomes: Sendable {
    let right = Atomic(0)
    let wrong = Atomic(0)
    let failures = Mutex<[ForkPool.Failure.Code: Int]>([:])

    /// Counts the outcome of a call that is to return `expected`.
    func count(_ expected: Int, _ call: () throws(ForkPool.Failure) -> Int) {
        do throws(ForkPool.Failure) {
            if try call() == expected { right.add(1, ordering: .relaxed) } else { wrong.add(1, ordering: .relaxed) }
        } catch {
            failures.withLock { $0[error.code, default: 0] += 1 }
        }
    }

    func failed(_ code: ForkPool.Failure.Code) -> Int { failures.withLock { $0[code] ?? 0 } }
    var failed: Int { failures.withLock { $0.values.reduce(0, +) } }
}

private enum ChaosScenes {
    static func mortalWorkers(_ kind: Kind, _ count: Int) {
        let answers: (AnyPool<Mortal>) throws -> Void = { pool throws in
            #expect(try pool.map([-1, -2, -3]) == [-6, -13, -20])
        }
        Scene.survive(Mortal(), kind, options: .init(retries: 10), answers) { pool throws in
            let results = try pool.map(0..<count)
            #expect(results.count == count)
            #expect(results.indices.first { results[$0] != $0 * 7 + 1 } == nil)
        }
    }

    private static func use(_ pool: Scene.Pool, _ number: Int, _ outcomes: Outcomes) {
        let base = number * 1000
        switch number % 3 {
        case 0: outcomes.count(base) { () throws(ForkPool.Failure) in try pool(.give(base)) }
        case 1:
            outcomes.count(4 * base + 6) { () throws(ForkPool.Failure) in
                try pool.map((0..<4).map { .give(base + $0) }).reduce(0, +)
            }
        default:
            let calls = (0..<3).map { pool.submit(.give(base + $0)) }
            for (offset, call) in calls.enumerated() { outcomes.count(base + offset, call.wait) }
        }
    }

    private static func useAsync(_ pool: Scene.Pool, _ number: Int) async -> Bool {
        let base = number * 1000
        do {
            switch number % 3 {
            case 0: return try await pool(.give(base)) == base
            case 1: return try await pool.map((0..<4).map { .give(base + $0) }).reduce(0, +) == 4 * base + 6
            default:
                let calls = (0..<3).map { pool.submit(.give(base + $0)) }
                var sum = 0
                for call in calls { sum += try await call.value }
                return sum == 3 * base + 3
            }
        } catch {
            Issue.record(error)
            return false
        }
    }

    static func crowd(_ kind: Kind) async {
        await Scene.survive(kind, workers: 3) { pool in
            let outcomes = Outcomes()
            let tasks = (0..<100).map { task in
                Task {
                    var right = 0
                    for number in 0..<6 where await useAsync(pool, task * 6 + number) { right += 1 }
                    return right
                }
            }
            await withCheckedContinuation { continuation in
                Process.onThread {
                    Threads.run(10) { thread in
                        for number in 0..<60 { use(pool, thread * 60 + number, outcomes) }
                    }
                    continuation.resume()
                }
            }
            var right = 0
            for task in tasks { right += await task.value }
            #expect(right == 600)
            // 200 calls, 200 maps, and 200 times three calls.
            #expect(outcomes.right.load(ordering: .relaxed) == 1000)
            #expect(outcomes.wrong.load(ordering: .relaxed) == 0)
            #expect(outcomes.failed == 0)
        }
    }

    static func twoMaps(_ kind: Kind) {
        Scene.survive(kind, workers: 4, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            // No map could end if it had to wait for the other one.
            Threads.run(2) { number in
                let deeds = (0..<2).map { Deed.meet(at: meeting.path, 4, then: .give(number * 10 + $0)) }
                #expect((try? pool.map(deeds)) == [number * 10, number * 10 + 1])
            }
        }
    }

    static func cancelsBesideCalls(_ kind: Kind) {
        Scene.survive(kind, workers: 3) { pool throws in
            let outcomes = Outcomes()
            let isOver = Atomic(false)
            let cancelled = Outcomes()
            Threads.run(4) { thread in
                if thread == 0 {
                    var dice = Dice(state: 7)
                    for number in 0..<3000 {
                        let call = pool.submit(.give(number))
                        for _ in 0..<Int.random(in: 0..<400, using: &dice) { _ = opaque(0) }
                        call.cancel()
                        cancelled.count(number, call.wait)
                    }
                    isOver.store(true, ordering: .relaxed)
                } else {
                    var number = 0
                    while !isOver.load(ordering: .relaxed) {
                        use(pool, number, outcomes)
                        number += 1
                    }
                }
            }
            #expect(outcomes.failed == 0, "\(outcomes.failures.withLock { $0 })")
            #expect(outcomes.wrong.load(ordering: .relaxed) == 0)
            #expect(cancelled.right.load(ordering: .relaxed) + cancelled.failed(.cancelled) == 3000)
        }
    }

    static func failuresBesideCalls(_ kind: Kind) {
        Scene.survive(kind, workers: 3, options: .init(chunk: .fixed(1))) { pool throws in
            let outcomes = Outcomes()
            let isOver = Atomic(false)
            Threads.run(3) { thread in
                if thread == 0 {
                    for number in 0..<200 {
                        let deeds: [Deed] = [.give(number), .throwPlain("no"), .nap(4), .nap(2), .nap(1), .nap(3)]
                        let thrown = failure { () throws(ForkPool.Failure) in try pool.map(deeds) }
                        #expect(thrown?.index == 1)
                        #expect(thrown?.code == .thrown)
                    }
                    isOver.store(true, ordering: .relaxed)
                } else {
                    var number = 0
                    while !isOver.load(ordering: .relaxed) {
                        use(pool, number, outcomes)
                        number += 1
                    }
                }
            }
            #expect(outcomes.failed == 0, "\(outcomes.failures.withLock { $0 })")
            #expect(outcomes.wrong.load(ordering: .relaxed) == 0)
        }
    }

    static func killedWorkers(_ kind: Kind) {
        Scene.survive(kind, workers: 4) { pool throws in
            let outcomes = Outcomes()
            let isOver = Atomic(false)
            let kills = kind == .exec ? 100 : 500
            Threads.run(4) { thread in
                if thread == 0 {
                    var dice = Dice(state: 11)
                    var done = 0
                    while done < kills {
                        guard let pid = try? pool(.pid) else { continue }
                        for _ in 0..<Int.random(in: 0..<2000, using: &dice) { _ = opaque(0) }
                        if kill(Int32(pid), SIGKILL) == 0 { done += 1 }
                    }
                    isOver.store(true, ordering: .relaxed)
                } else {
                    var number = thread
                    while !isOver.load(ordering: .relaxed) {
                        use(pool, number, outcomes)
                        number += 1
                    }
                }
            }
            #expect(outcomes.wrong.load(ordering: .relaxed) == 0)
            #expect(outcomes.failed == outcomes.failed(.killed), "\(outcomes.failures.withLock { $0 })")
            #expect(outcomes.failed(.killed) <= kills)
        }
    }

    static func endsBesideSubmits(_ kind: Kind) {
        Scene.setDeadline()
        let pristine = Census.now()
        for round in 0..<(kind == .exec ? 20 : 100) {
            let outcomes = Outcomes()
            let submitted = Atomic(0)
            do {
                let pool = try kind.start(Performer(), workers: 1 + round % 3)
                let started = Atomic(0)
                Threads.run(4) { thread in
                    started.add(1, ordering: .relaxed)
                    while started.load(ordering: .relaxed) < 4 { sched_yield() }
                    if thread == 0 {
                        for _ in 0..<(round * 37 % 500) { _ = opaque(0) }
                        switch round % 3 {
                        case 0: pool.close()
                        case 1: pool.cancel()
                        // The thread that drops it last ends it.
                        default: break
                        }
                    } else {
                        let calls = (0..<60).map { pool.submit(.give($0)) }
                        submitted.add(60, ordering: .relaxed)
                        for (number, call) in calls.enumerated() { outcomes.count(number, call.wait) }
                    }
                }
            } catch {
                Issue.record(error)
            }
            let right = outcomes.right.load(ordering: .relaxed)
            #expect(outcomes.wrong.load(ordering: .relaxed) == 0)
            let told = right + outcomes.failed(.closed) + outcomes.failed(.cancelled)
            #expect(told == 180, "round \(round): \(outcomes.failures.withLock { $0 })")
            if round % 3 == 0 { #expect(outcomes.failed(.cancelled) == 0, "close() finishes what was submitted") }
            if round % 3 == 2 { #expect(right == 180) }
        }
        Scene.expectNothingLeft(since: pristine)
    }
}
