// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("Memory between maps")
struct OneShotPoolsTests {
    private static let page = sysconf(Int32(_SC_PAGESIZE))
    private static let shape = Batch.Shape(count: 10, inputStride: 0, slotStride: 8, stopsAtFailure: false)

    private static func pool(_ workers: Int = 2, keeping mark: Int) throws -> Pool {
        try Pool(workers: workers, options: .init(warmMemory: mark), for: .oneBatch)
    }

    /// How many of the first pages of some memory exist.
    private func pages(_ memory: UnsafeMutableRawBufferPointer, first count: Int) -> Int {
        var exists = [UInt8](repeating: 0, count: count)
        let result = unsafe mincore(memory.baseAddress, count * Self.page, &exists)
        #expect(result == 0, "mincore: errno \(errno)")
        return exists.count { $0 & 1 == 1 }
    }

    /// Has a map write to the first pages of its slots and of each arena, and record how many blocks of the arenas that
    /// was.
    private func map(
        _ pool: Pool, _ shape: Batch.Shape = Self.shape, slots: Int = 0, pages count: Int, saying blocks: Int
    ) throws {
        let batch = try pool.openOnlyBatch(shape)
        for page in 0..<slots {
            unsafe batch.results.slots.storeBytes(of: 1, toByteOffset: page * Self.page, as: UInt8.self)
        }
        for worker in 0..<pool.layout.workers {
            let arena = unsafe pool.layout.arenas.memory(worker)
            for page in 0..<count { unsafe arena.storeBytes(of: 1, toByteOffset: page * Self.page, as: UInt8.self) }
            unsafe pool.layout.record(worker).blocksTouched.pointee.store(blocks, ordering: .relaxed)
            unsafe ArenaUsers.add(worker, to: pool.layout.batchSlot(0).arenaUsers)
            #expect(unsafe pages(arena, first: 128) == count)
        }
        pool.endWithoutWorkers(.cancelled)
        extendLifetime(batch)
    }

    private func pagesLeft(_ pool: Pool) -> [Int] {
        (0..<pool.layout.workers).map { unsafe pages(pool.layout.arenas.memory($0), first: 128) }
    }

    /// The blocks of each arena that had pages when the last map began, as its workers read them.
    private func warmBlocks(_ pool: Pool) -> [Int] {
        (0..<pool.layout.workers).map { unsafe pool.layout.record($0).warmBlocks.pointee.load(ordering: .relaxed) }
    }

    /// How many pages of each arena stay after a map that used 25 blocks (100 pages) of each.
    private func pagesAfter(mark: Int, saying blocks: Int = 25) throws -> [Int] {
        let pool = try Self.pool(keeping: mark)
        try map(pool, pages: 100, saying: blocks)
        return pagesLeft(pool)
    }

    @Test("stays where it is not more than the mark")
    func kept() throws {
        #expect(try pagesAfter(mark: 1000 * Self.page) == [100, 100])
    }

    @Test("goes back above the mark, from each arena's end")
    func aboveMark() throws {
        // Half of 101 pages are 12 blocks of 4 pages.
        #expect(try pagesAfter(mark: 101 * Self.page) == [48, 48])
        #expect(try pagesAfter(mark: 0) == [0, 0])
    }

    @Test("goes back at a later map, if an earlier one kept it")
    func later() throws {
        let pool = try Self.pool(keeping: 101 * Self.page)
        try map(pool, pages: 40, saying: 10)
        #expect(pagesLeft(pool) == [40, 40])
        try map(pool, pages: 100, saying: 25)
        #expect(warmBlocks(pool) == [10, 10])
        #expect(pagesLeft(pool) == [48, 48])
        try map(pool, pages: 100, saying: 0)
        #expect(warmBlocks(pool) == [12, 12])
    }

    @Test("goes back where a record is damaged")
    func damaged() throws {
        #expect(try pagesAfter(mark: 101 * Self.page, saying: .max) == [48, 48])
        #expect(try pagesAfter(mark: 101 * Self.page, saying: .min) == [100, 100])
    }

    @Test("of states and slots comes first, and arenas have the rest")
    func statesAndSlots() throws {
        let pool = try Self.pool(keeping: 101 * Self.page)
        let big = Batch.Shape(count: 10, inputStride: 0, slotStride: 12 * Self.page, stopsAtFailure: false)
        try map(pool, big, slots: 120, pages: 100, saying: 25)
        #expect(pagesLeft(pool) == [0, 0])
        let front = unsafe UnsafeMutableRawBufferPointer(
            start: pool.layout.base, count: pool.layout.heap.upperBound)
        // The mark from the heap's beginning on, which is in the first page.
        #expect(unsafe pages(front, first: 200) == 102)
    }

    @Test("of workers that share it unevenly goes back too")
    func manyWorkers() throws {
        let pool = try Self.pool(24, keeping: 0)
        try map(pool, pages: 6, saying: 2)
        #expect(pagesLeft(pool) == Array(repeating: 0, count: 24))
    }

    @Test("that a map's result still holds stays until the result is gone")
    func held() throws {
        let pool = try Self.pool(keeping: 0)
        do {
            let batch = try pool.openOnlyBatch(Self.shape)
            unsafe batch.results.slots.storeBytes(of: 5, as: Int.self)
            pool.endWithoutWorkers(.cancelled)
            try map(pool, pages: 100, saying: 25)
            #expect(pagesLeft(pool) == [100, 100])
            #expect(unsafe batch.results.slots.load(as: Int.self) == 5)
        }
        #expect(pagesLeft(pool) == [0, 0])
    }

    @Test("of a pool's maps is one mapping, which the pool takes along")
    func oneMapping() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let before = try SharedMappings.now()
                do {
                    let pool = ForkPool(workers: 2)
                    #expect(try pool.map([1, 2, 3]) { $0 * 2 } == [2, 4, 6])
                    let first = try SharedMappings.now().subtracting(before)
                    #expect(first.resident.count == 1)
                    #expect(try pool.map(["a", "b"]) { $0 + "!" } == ["a!", "b!"])
                    #expect(try pool.map(["c"]) { $0 + "!" } == ["c!"])
                    #expect(try pool.map([true]) { !$0 } == [false])
                    #expect(try SharedMappings.now().subtracting(before).resident.keys == first.resident.keys)
                    withExtendedLifetime(pool) {}
                }
                #expect(try SharedMappings.now().subtracting(before).resident.isEmpty)
            }
        }
    }

    @Test("of a pool is another mapping after a map that the first has no room for")
    func larger() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let before = try SharedMappings.now()
                let pools = OneShotPools(workers: 2, options: .init())
                func run(_ stride: Int) throws -> Int {
                    let layout = SlotLayout(count: 2, stride: stride, alignment: 8, of: UInt8.self)
                    let result = try pools.run(layout, stopsAtFailure: true) { range, writer, _ in
                        for item in range {
                            guard writer.begin(item) else { return false }
                            writer.finish(item)
                        }
                        return true
                    }
                    return result.isComplete ? try SharedMappings.now().subtracting(before).resident.count : 0
                }
                #expect(try run(8) == 1)
                let first = try SharedMappings.now().subtracting(before)
                // While it runs, and while its result is held, no other mapping is left either.
                #expect(try run(20 << 30) == 1)
                let second = try SharedMappings.now().subtracting(before)
                #expect(second.resident.keys != first.resident.keys)
                #expect(try run(8) == 1)
                #expect(try SharedMappings.now().subtracting(before).resident.keys == second.resident.keys)
                extendLifetime(pools)
            }
        }
    }

    @Test("is kept by a pool up to the mark and not above it")
    func residency() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let before = try SharedMappings.now()
                // With a mark of 0 the control words, the crash reports, the read-only words and the block tags of two arenas
                // stay.
                for (mark, expected) in [
                    (64 << 20, 16 << 20...17 << 20), (1 << 20, 0...2 << 20), (0, 0...5 * Self.page),
                ] {
                    let pool = ForkPool(workers: 2, options: .init(warmMemory: mark))
                    // 16 results of 1 MiB, which reading makes part of this process too.
                    let results = try pool.map(0..<16) { [UInt8](repeating: UInt8($0), count: 1 << 20) }
                    #expect(results.map(\.count) == Array(repeating: 1 << 20, count: 16))
                    let kept = try SharedMappings.now().subtracting(before).residentBytes
                    #expect(expected.contains(kept), "\(kept) bytes with a mark of \(mark)")
                    withExtendedLifetime(pool) {}
                }
            }
        }
    }

    @Test("is not the next map's where a worker died: a process that shares the worker's memory may still write there")
    func torn() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let before = try SharedMappings.now()
                let pool = ForkPool(workers: 2)
                let results = pool.mapResults(0..<4) { item in
                    if item == 2 { kill(getpid(), SIGKILL) }
                    return [UInt8](repeating: 7, count: 1 << 20)
                }
                #expect(results.map { (try? $0.get())?.count } == [1 << 20, 1 << 20, nil, 1 << 20])
                #expect(try SharedMappings.now().subtracting(before).residentBytes == 0)
                #expect(try pool.map([1, 2]) { "\($0)" } == ["1", "2"])
                #expect(try SharedMappings.now().subtracting(before).resident.count == 1)
                withExtendedLifetime(pool) {}
            }
        }
    }

    @Test("is tainted by the exit of a worker that did not end by itself")
    func tainted() throws {
        let pool = try Self.pool(keeping: 1 << 30)
        let batch = try pool.openOnlyBatch(Self.shape)
        let before = pool.isTainted.load(ordering: .relaxed)
        _ = pool.exited(1, ProcessExit(pid: 1, .signal(SIGKILL)), killedFor: nil)
        let after = pool.isTainted.load(ordering: .relaxed)
        #expect(!before && after)
        pool.endWithoutWorkers(.cancelled)
        extendLifetime(batch)
    }

    @Test("of two maps at once is each one's own, and one mapping stays")
    func twoAtOnce() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let begun = SharedCounter()
                // The runtime's first-use work is over before the threads begin.
                _ = try ForkPool(workers: 2).map(0..<100) { $0 * 10 }
                let before = try SharedMappings.now()
                let pool = ForkPool(workers: 2)
                let results = Threads.run(2) { thread in
                    try? pool.map(0..<100) { item in
                        // No map ends before the other one has begun, with the worker that the first one gives up.
                        if item == 0 { begun.add() }
                        if item == 99 { while begun.value < 2 { sched_yield() } }
                        return item * 10 + thread
                    }
                }
                #expect(results[0]?.prefix(3) == [0, 10, 20])
                #expect(results[1]?.prefix(3) == [1, 11, 21])
                #expect(results[0]?.reduce(0, +) == 49_500)
                #expect(results[1]?.reduce(0, +) == 49_600)
                #expect(try SharedMappings.now().subtracting(before).resident.count == 1)
                withExtendedLifetime(pool) {}
            }
        }
    }
}
