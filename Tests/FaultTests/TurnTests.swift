// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// How maps of one pool take turns at its workers.
@Suite struct TurnTests {
    @Test("Maps of threads and of tasks that take up every thread for tasks all end")
    func starvation() async {
        await #expect(processExitsWith: .success) { await TurnScenes.starvation() }
    }

    @Test("They all end too where they take several turns, and where those of tasks have the higher priority")
    func longStarvation() async {
        await #expect(processExitsWith: .success) {
            await TurnScenes.longStarvation(priority: 0)
            await TurnScenes.longStarvation(priority: 1)
        }
    }

    @Test("5 short maps end before a long one that began first, also where the pool has one worker", arguments: [1, 2])
    func fair(_ workers: Int) async {
        await #expect(processExitsWith: .success) { [workers] in TurnScenes.fair(workers) }
    }

    @Test("A map that gave workers up has them again when no other map waits")
    func again() async {
        await #expect(processExitsWith: .success) { TurnScenes.again() }
    }

    @Test(
        "A map that is given a worker while another one gives way starts one process, and the map in line has the other"
    )
    func givenWhileLeaving() async {
        await #expect(processExitsWith: .success) { TurnScenes.givenWhileLeaving() }
    }

    @Test("A worker with a long setUp does not give way after its first item")
    func setUp() async {
        await #expect(processExitsWith: .success) { TurnScenes.setUp() }
    }

    @Test("A map that is cancelled while it has no worker, having had one, fails as cancelled")
    func cancelledBetweenTurns() async {
        await #expect(processExitsWith: .success) { await TurnScenes.cancelledBetweenTurns() }
    }

    @Test("Maps that wait for their next turn have no process")
    func waiting() async {
        await #expect(processExitsWith: .success) { TurnScenes.waiting() }
    }
}

private enum TurnScenes {
    static func starvation() async {
        await Scene.leaveNothing { () async throws in
            let pool = ForkPool(workers: 1)
            // A map in a function that is not asynchronous blocks the thread of its task.
            let blocking: @Sendable (Int) throws -> [Int] = { number in try pool.map(0..<3) { $0 + number } }
            let sums = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        number % 4 == 0
                            ? try await pool.map(0..<3) { $0 + number }.reduce(0, +) : try blocking(number).reduce(0, +)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sums.sorted() == (0..<40).map { 3 * $0 + 3 })
        }
    }

    static func longStarvation(priority: Int) async {
        await Scene.leaveNothing { () async throws in
            let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))
            let urgent = pool.with { $0.priority = priority }
            // Each takes longer than a turn, so it waits again after it has begun.
            let body: @Sendable (Int) -> Int = { item in
                usleep(60_000)
                return item
            }
            let blocking: @Sendable () throws -> [Int] = { try pool.map(0..<4, body) }
            let processors = ForkPool.availableProcessors
            let sums = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<4 * processors {
                    group.addTask {
                        number % 2 == 0 ? try blocking().reduce(0, +) : try await urgent.map(0..<4, body).reduce(0, +)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sums == Array(repeating: 6, count: 4 * processors))
        }
    }

    static func fair(_ workers: Int) {
        Scene.leaveNothing { () throws in
            let pool = ForkPool(workers: workers, options: .init(chunk: .fixed(1)))
            let (begun, ended) = (SharedCounter(), SharedCounter())
            let results = Threads.run(2) { thread -> [Int]? in
                guard thread == 1 else {
                    // Unless others have their turn meanwhile, this map takes minutes.
                    return try? pool.map(0..<50_000) { _ in
                        begun.add()
                        if ended.value < 5 { usleep(1000) }
                        return ended.value
                    }
                }
                while begun.value < 2 * workers { sched_yield() }
                return (0..<5).map { number in
                    let sum = (try? pool.map(0..<4) { $0 + number })?.reduce(0, +) ?? -1
                    ended.add()
                    return sum
                }
            }
            #expect(results[1] == [6, 10, 14, 18, 22])
            #expect(results[0]?.count == 50_000)
            #expect(results[0]?.first == 0 && results[0]?.last == 5)
            #expect(begun.value == 50_000)
        }
    }

    static func again() {
        Scene.leaveNothing { () throws in
            let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
            let (begun, ended, together) = (SharedCounter(), SharedCounter(), SharedCounter())
            Threads.run(2) { thread in
                if thread == 0 {
                    try? pool.forEach(0..<50_000) { _ in
                        begun.add()
                        if ended.value == 0 {
                            usleep(1000)
                        } else if together.value < 2 {
                            // Two workers are in their items at once.
                            together.add()
                            while together.value < 2 { sched_yield() }
                        }
                    }
                } else {
                    while begun.value < 4 { sched_yield() }
                    try? pool.forEach(0..<1) { _ in }
                    ended.add()
                }
            }
            #expect(begun.value == 50_000 && together.value >= 2)
        }
    }

    static func givenWhileLeaving() {
        Scene.leaveNothing { () throws in
            let (begun, first, blocked, goesOn, ended) = (
                SharedCounter(), SharedCounter(), SharedCounter(), SharedCounter(), SharedCounter()
            )
            // The supervisor of the long map sees nothing while the handler waits.
            let handler: @Sendable (ForkPool.Options.Progress) -> Void = { progress in
                guard progress.total == 50_000, first.value > 0, blocked.value == 0 else { return }
                blocked.add()
                while goesOn.value == 0 { sched_yield() }
            }
            let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), progress: handler, name: "turn"))
            var workers: Int { ProcessStatus.children(of: getpid()).count { $0.name.hasPrefix("turn-") } }
            let results = Threads.run(3) { thread -> [Int]? in
                switch thread {
                case 0:
                    return try? pool.map(0..<50_000) { _ in
                        begun.add()
                        if ended.value == 0 { usleep(1000) }
                        return ended.value
                    }
                case 1:
                    while begun.value < 4 { sched_yield() }
                    try? pool.forEach(0..<1) { _ in
                        first.add()
                        while blocked.value == 0 { sched_yield() }
                    }
                    // The long map was given this worker back, and now its other one gives way to this map.
                    try? pool.forEach(0..<1) { _ in }
                    ended.add()
                    return []
                default:
                    while blocked.value == 0 || pool.pending == 0 || workers > 0 { sched_yield() }
                    goesOn.add()
                    return []
                }
            }
            #expect(results[0]?.count == 50_000 && results[0]?.last == 1)
        }
    }

    static func setUp() {
        Scene.leaveNothing { () throws in
            let setUps = SharedCounter()
            let options = ForkPool.Options(
                chunk: .fixed(1),
                setUp: {
                    setUps.add()
                    usleep(20_000)
                })
            let pool = ForkPool(workers: 1, options: options)
            let results = Threads.run(2) { thread in
                try? pool.map(0..<400) { item in
                    usleep(500)
                    return item * thread
                }
            }
            #expect(results[0] == Array(repeating: 0, count: 400))
            #expect(results[1] == Array(0..<400))
            // Each worker is in 100 ms of items or more: much more than one item.
            #expect(setUps.value < 200, "\(setUps.value)")
        }
    }

    static func cancelledBetweenTurns() async {
        await Scene.leaveNothing { () async throws in
            let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))
            let (begun, isOver, second) = (SharedCounter(), SharedCounter(), SharedCounter())
            let first = Task {
                try await pool.map(0..<50_000) { item in
                    begun.add()
                    usleep(1000)
                    return item
                }
            }
            while begun.value == 0 { await Task.yield() }
            let other = Task {
                try await pool.map(0..<1) { _ in
                    second.add()
                    while isOver.value == 0 { sched_yield() }
                    return 1
                }
            }
            // The first map has given its only worker up now.
            while second.value == 0 { await Task.yield() }
            #expect(pool.pending == 0 && pool.busy == 1)
            first.cancel()
            await Scene.expectCancelled(first)
            isOver.add()
            #expect(try await other.value == [1])
            #expect(try await pool.map(0..<3) { $0 } == [0, 1, 2])
        }
    }

    static func waiting() {
        Scene.leaveNothing { () throws in
            let (setUps, arrived, isOver) = (SharedCounter(), SharedCounter(), SharedCounter())
            let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1), setUp: { setUps.add() }))
            let counts = Threads.run(7) { thread -> Int in
                arrived.add()
                while arrived.value < 7 { sched_yield() }
                guard thread < 6 else {
                    var most = 0
                    while isOver.value < 6 { most = max(most, ProcessStatus.children(of: getpid()).count) }
                    return most
                }
                defer { isOver.add() }
                // Two turns or more.
                let sum = try? pool.map(0..<30) { item in
                    usleep(10_000)
                    return item
                }.reduce(0, +)
                return sum ?? -1
            }
            #expect(counts.prefix(6) == [435, 435, 435, 435, 435, 435])
            // A worker, and its guard where there is one.
            #expect((1...2).contains(counts[6]), "\(counts[6])")
            #expect(setUps.value > 6)
        }
    }
}
