// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct TimeoutTests {
    @Test(
        "A12, A13, F5: items that stop themselves, sleep deaf or compute deaf past their timeout fail, each alone",
        arguments: Kind.allCases)
    func timesOut(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in TimeoutScenes.timesOut(kind) }
    }

    @Test("A13: where a failure ends the map, a timeout does so, of the lowest index", arguments: Kind.allCases)
    func lowest(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in TimeoutScenes.lowest(kind) }
    }

    @Test(
        "A13: items in a chunk are timed one by one, and those behind one that is overdue run", arguments: Kind.allCases
    )
    func chunk(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in TimeoutScenes.chunk(kind) }
    }

    // Closures only: `Preparing` covers jobs.
    @Test(
        "A13: what a worker needs to start is not charged to its first item", arguments: [Kind.oneShot, .residentBody])
    func start(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in TimeoutScenes.start(kind) }
    }

    @Test("A13: a resident pool that was idle for long times its next item as any other", arguments: Kind.resident)
    func afterIdleTime(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in TimeoutScenes.afterIdleTime(kind) }
    }

    @Test("A13: an error with an endless description is cut off, and known by its type", arguments: Kind.allCases)
    func describes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in TimeoutScenes.describes(kind) }
    }

    @Test(
        "A13: an item of a stream or of a task's map that is overdue is that item's failure", arguments: Kind.allCases)
    func stream(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            TimeoutScenes.stream(kind)
            await TimeoutScenes.asynchronous(kind)
        }
    }

    @Test("A13: a submitted call that nothing waits for is timed as well", arguments: [Kind.residentBody])
    func submitted(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in await TimeoutScenes.submitted(kind) }
    }
}

private enum TimeoutScenes {
    private static let options = ForkPool.Options(chunk: .fixed(1), timeout: .milliseconds(300))

    private static func expectTimedOut(_ failure: ForkPool.Failure?, _ index: Int, after limit: String = "0.3 seconds")
    {
        #expect(failure?.code == .timedOut && failure?.index == index && failure?.signal == SIGKILL)
        #expect(failure?.bodyRan == .yes && failure?.attempt == 1)
        #expect(failure?.description.contains("item \(index) took longer than its timeout of \(limit)") == true)
    }

    static func timesOut(_ kind: Kind) {
        let overdue: [Deed] = [.stop, .deaf(then: .nap(60_000)), .deaf(then: .spin), .nap(60_000)]
        let deeds = (0..<12).map { $0 % 3 == 1 ? overdue[$0 / 3] : .give($0) }
        kind.survive(deeds, workers: 6, options: options) { results in
            for (index, result) in results.enumerated() {
                if index % 3 == 1 { expectTimedOut(result.failure, index) } else { #expect(result.value == index) }
            }
        }
    }

    static func lowest(_ kind: Kind) {
        let failure = kind.failure(of: [.give(1), .nap(60_000), .give(3), .nap(60_000)], options: options)
        expectTimedOut(failure, 1)
    }

    static func describes(_ kind: Kind) {
        kind.survive([.give(1), .throwEndless, .give(3)], options: options) { results in
            #expect(results[0].value == 1 && results[2].value == 3)
            #expect(results[1].failure?.code == .thrown)
            #expect(results[1].failure?.description.contains("Endless") == true)
        }
        guard kind == .residentBody else { return }
        Scene.survive(kind, options: options) { pool throws in
            for order in [ForkPool.Order.input, .completion] {
                var codes: [Int: ForkPool.Failure.Code] = [:]
                for (index, result) in pool.stream([.give(1), .throwEndless, .give(3)], order: order) {
                    codes[index] = result.failure?.code
                }
                #expect(codes == [1: .thrown])
            }
        }
    }

    static func chunk(_ kind: Kind) {
        var options = options
        options.chunk = .fixed(8)
        options.timeout = .milliseconds(1200)
        // The items of a chunk together take longer than the timeout, but only one does alone.
        let deeds: [Deed] = (0..<8).map { $0 == 5 ? .nap(60_000) : .nap(200) }
        kind.survive(deeds, workers: 1, options: options) { results in
            for (index, result) in results.enumerated() {
                guard index == 5 else {
                    #expect(result.value == -1)
                    continue
                }
                expectTimedOut(result.failure, index, after: "1.2 seconds")
            }
        }
    }

    static func start(_ kind: Kind) {
        var options = options
        options.setUp = { usleep(600_000) }
        Scene.leaveNothing { () throws in
            let pool = try kind.start(Performer(), options: options)
            #expect(try pool.map((0..<4).map { .give($0) }) == [0, 1, 2, 3])
            pool.close()
        }
    }

    static func afterIdleTime(_ kind: Kind) {
        Scene.survive(kind, options: options) { pool throws in
            // The watchdog sleeps then.
            Looking.untilIdle()
            for _ in 0..<2 {
                let results = pool.mapResults([.nap(60_000), .give(2)])
                expectTimedOut(results[0].failure, 0)
                #expect(results[1].value == 2)
            }
            let failure = failure { () throws(ForkPool.Failure) in try pool(.nap(60_000)) }
            #expect(failure?.code == .timedOut)
        }
    }

    static func stream(_ kind: Kind) {
        Scene.survive(kind, options: options) { pool throws in
            var seen = 0
            for (index, result) in pool.stream((0..<10).map { $0 == 4 ? .nap(60_000) : .give($0) }) {
                #expect(index == seen)
                if index == 4 { expectTimedOut(result.failure, 4) } else { #expect(result.value == index) }
                seen += 1
            }
            #expect(seen == 10)
        }
    }

    static func submitted(_ kind: Kind) async {
        await Scene.survive(kind, options: options) { (pool) async throws in
            let call = pool.submit(.nap(60_000))
            while !call.isDone { sched_yield() }
            #expect(failure { () throws(ForkPool.Failure) in try call.wait() }?.code == .timedOut)
            let later = pool.submit(.nap(60_000))
            do {
                _ = try await later.value
                Issue.record("nothing was thrown")
            } catch {
                #expect((error as? ForkPool.Failure)?.code == .timedOut)
            }
        }
    }

    static func asynchronous(_ kind: Kind) async {
        await Scene.survive(kind, options: options) { (pool) async throws in
            let results = await pool.mapResults([Deed.give(1), .nap(60_000)])
            expectTimedOut(results[1].failure, 1)
            #expect(results[0].value == 1)
        }
    }
}
