// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("What surrounds a map")
struct SurroundingsTests {
    @MainActor private static func mainActorScene() throws {
        let pool = ForkPool(workers: 2)
        // An escaping closure of the main actor checks at run time that it runs on it.
        let thirds = try pool.map(0..<3) { remainder in Array((0..<9).lazy.filter { $0 % 3 == remainder }) }
        #expect(thirds == [[0, 3, 6], [1, 4, 7], [2, 5, 8]])
        let assumed = try pool.map(0..<3) { item in MainActor.assumeIsolated { item + 1 } }
        #expect(assumed == [1, 2, 3])
    }

    @Test("lets a body of the main actor run its closures in a worker")
    func mainActor() async {
        await #expect(processExitsWith: .success) {
            await MainActor.run { Alone.run { try SurroundingsTests.mainActorScene() } }
        }
    }

    private static func strayScene() throws {
        let pool = ForkPool(workers: 1)
        let event = SharedCounter()
        _ = try pool.map(0..<1) { item in
            // The body's child returns from the body too, while the next map runs.
            if fork() == 0 {
                alarm(Alone.deadline)
                while event.value == 0 { sched_yield() }
            }
            return Int(getpid())
        }
        let next = try pool.map(0..<4) { item in
            event.add(1)
            usleep(20_000)
            return item
        }
        #expect(next == [0, 1, 2, 3])
    }

    @Test("keeps a child that a body forked, and that returns from the body, out of the next map")
    func stray() async {
        await #expect(processExitsWith: .success) { Alone.run { try SurroundingsTests.strayScene() } }
    }

    private static func affinityScene() throws {
        let pool = ForkPool(workers: 2)
        let before = ForkPool.availableProcessors
        #expect(try pool.map(0..<2) { _ in ForkPool.availableProcessors } == [before, before])
        let pinned = Threads.run(1) { _ in
            Affinity.pin(to: Affinity.processors[0])
            return try? pool.map(0..<2) { _ in ForkPool.availableProcessors }
        }
        #expect(pinned == [[1, 1]])
        #expect(try pool.map(0..<2) { _ in ForkPool.availableProcessors } == [before, before])
    }

    @Test("gives the workers the processors of the thread that maps")
    func affinity() async {
        await #expect(processExitsWith: .success) { Alone.run { try SurroundingsTests.affinityScene() } }
    }

    private static func keptScene() throws {
        let pool = ForkPool(workers: 16)
        let kept = try (0..<300).map { number in
            try pool.fill(count: 2, slot: 10, of: Int.self) { slot, numbers in
                for position in numbers.indices { numbers[position] = number + slot }
            }
        }
        #expect(kept.allSatisfy { $0.count == 20 })
        #expect(kept[299][0] == 299)
        #expect(kept[299][19] == 300)
        let block = unsafe malloc(1 << 30)
        #expect(unsafe block != nil, "300 kept results left the host no address space")
        unsafe free(block)
    }

    @Test("leaves the host its address space while many results are kept")
    func kept() async {
        await #expect(processExitsWith: .success) { Alone.run { try SurroundingsTests.keptScene() } }
    }

    private static func refusedScene() throws {
        let pool = ForkPool(workers: 2)
        #expect(throws: ForkPool.Failure.self) { try pool.fill(count: .max, slot: 0, of: Int.self) { _, _ in } }
        #expect(throws: ForkPool.Failure.self) { try pool.forEach(0..<Int.max) { _ in } }
        #expect(try pool.map(0..<2) { $0 } == [0, 1])
    }

    @Test("refuses more items than any memory has room for, and goes on")
    func refused() async {
        await #expect(processExitsWith: .success) { Alone.run { try SurroundingsTests.refusedScene() } }
    }

    private static func cancelledScene() async {
        let pool = ForkPool(workers: 2)
        let begun = SharedCounter()
        let task = Task {
            await pool.mapResults(0..<1000) { _ in
                begun.add(1)
                pause()
            }
        }
        while begun.value < 2 { await Task.yield() }
        task.cancel()
        let outcomes = await task.value
        #expect(outcomes.count == 1000)
        for (index, outcome) in outcomes.enumerated() {
            guard case .failure(let failure) = outcome else {
                Issue.record("item \(index) has a result")
                continue
            }
            #expect(failure.code == .cancelled)
            #expect(failure.index == index)
        }
    }

    @Test("gives each item of a cancelled map its failure")
    func cancelled() async {
        await #expect(processExitsWith: .success) {
            await Alone.runAsync { await SurroundingsTests.cancelledScene() }
        }
    }
}
