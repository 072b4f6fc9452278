import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("Memory between maps")
struct WarmMemoryTests {
    private static let page = sysconf(Int32(_SC_PAGESIZE))

    /// How many of the first pages of some memory exist.
    private func pages(_ memory: UnsafeMutableRawBufferPointer, first count: Int) -> Int {
        var exists = [UInt8](repeating: 0, count: count)
        let result = unsafe mincore(memory.baseAddress, count * Self.page, &exists)
        #expect(result == 0, "mincore: errno \(errno)")
        return exists.count { $0 & 1 == 1 }
    }

    /// Writes the first pages of both arenas, says so in the lines, and lets the region cool down.
    private func pagesAfter(mark: Int, saying used: Int = 100 * page) throws -> [Int] {
        let layout = Region.Layout(count: 10, slotStride: 8, slotAlignment: 8)
        let region = try Region(workers: 2, layout: layout)
        defer { extendLifetime(region) }
        let memory = region.prepare(layout)
        for worker in 0..<2 {
            for page in 0..<100 {
                unsafe memory.arena(worker).storeBytes(of: 1, toByteOffset: page * Self.page, as: UInt8.self)
            }
            unsafe memory.line(worker).arenaUsed.pointee.store(used, ordering: .relaxed)
            #expect(unsafe pages(memory.arena(worker), first: 128) == 100)
        }
        region.cool(memory, to: mark)
        return (0..<2).map { unsafe pages(memory.arena($0), first: 128) }
    }

    @Test("stays where it is not more than the mark")
    func kept() throws {
        #expect(try pagesAfter(mark: 1000 * Self.page) == [100, 100])
    }

    @Test("goes back above the mark, from each worker's end")
    func aboveMark() throws {
        #expect(try pagesAfter(mark: 101 * Self.page) == [50, 50])
        #expect(try pagesAfter(mark: 0) == [0, 0])
    }

    @Test("goes back where a line is damaged")
    func damaged() throws {
        #expect(try pagesAfter(mark: 101 * Self.page, saying: .max) == [50, 50])
        #expect(try pagesAfter(mark: 101 * Self.page, saying: .min) == [100, 100])
    }

    @Test("of workers that share it unevenly goes back too")
    func manyWorkers() throws {
        let layout = Region.Layout(count: 10, slotStride: 8, slotAlignment: 8)
        let region = try Region(workers: 24, layout: layout)
        defer { extendLifetime(region) }
        let memory = region.prepare(layout)
        for worker in 0..<24 {
            unsafe memory.arena(worker).storeBytes(of: 1, toByteOffset: 5 * Self.page, as: UInt8.self)
            unsafe memory.line(worker).arenaUsed.pointee.store(6 * Self.page, ordering: .relaxed)
        }
        region.cool(memory, to: 0)
        #expect((0..<24).map { unsafe pages(memory.arena($0), first: 8) } == Array(repeating: 0, count: 24))
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
                    #expect(try SharedMappings.now().subtracting(before).resident.count == 1)
                    // Coded results need more room: another mapping takes the place of the first.
                    #expect(try pool.map(["a", "b"]) { $0 + "!" } == ["a!", "b!"])
                    let first = try SharedMappings.now().subtracting(before)
                    #expect(first.resident.count == 1)
                    #expect(try pool.map(["c"]) { $0 + "!" } == ["c!"])
                    #expect(try pool.map([true]) { !$0 } == [false])
                    #expect(try SharedMappings.now().subtracting(before).resident.keys == first.resident.keys)
                    withExtendedLifetime(pool) {}
                }
                #expect(try SharedMappings.now().subtracting(before).resident.isEmpty)
            }
        }
    }

    @Test("is kept by a pool up to the mark and not above it")
    func residency() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                _ = try ForkPool(workers: 1).map([1]) { $0 }
                let before = try SharedMappings.now()
                // With a mark of 0 the page of the crash records stays.
                for (mark, expected) in [(64 << 20, 16 << 20...17 << 20), (1 << 20, 0...2 << 20), (0, 0...Self.page)] {
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

    @Test("goes back at once where a worker died, since nobody knows what it touched")
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

    @Test("that goes back as a whole is zero, and a region again")
    func emptied() throws {
        let layout = Region.Layout(count: 10, slotStride: 8, slotAlignment: 8)
        let region = try Region(workers: 2, layout: layout)
        defer { extendLifetime(region) }
        let memory = region.prepare(layout)
        unsafe memory.slots.storeBytes(of: 5, as: Int.self)
        unsafe memory.states[9].store(ItemState.value, ordering: .relaxed)
        unsafe memory.arena(1).storeBytes(of: 1, toByteOffset: 77 * Self.page, as: UInt8.self)
        region.empty()
        #expect(unsafe pages(memory.arena(1), first: 128) == 0)
        let again = region.prepare(layout)
        #expect(unsafe again.slots.load(as: Int.self) == 0)
        #expect((0..<10).allSatisfy { unsafe again.states[$0].load(ordering: .relaxed) == 0 })
        #expect(unsafe again.line(1).position.pointee.load(ordering: .relaxed) == -1)
    }

    @Test("of two maps at once is each one's own, and one mapping stays")
    func twoAtOnce() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let begun = SharedCounter()
                // What the runtime does at a first use is over when the threads begin.
                _ = try ForkPool(workers: 2).map(0..<100) { $0 * 10 }
                let before = try SharedMappings.now()
                let pool = ForkPool(workers: 2)
                let results = Threads.run(2) { thread in
                    try? pool.map(0..<100) { item in
                        // No map goes on before the other one has begun.
                        if item == 0 { begun.add() }
                        while begun.value < 2 { sched_yield() }
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
