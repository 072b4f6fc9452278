import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("A region")
struct RegionTests {
    private func layout(_ count: Int, stride: Int = 8) -> Region.Layout {
        Region.Layout(count: count, slotStride: stride, slotAlignment: 8)
    }

    /// Every zone of a map's memory, as bytes from the region's start.
    private func zones(_ memory: MapMemory, _ layout: Region.Layout) -> [(name: String, bytes: Range<Int>)] {
        let base = unsafe UnsafeRawPointer(memory.cursor)
        func zone(_ name: String, _ start: UnsafeRawPointer, _ size: Int) -> (name: String, bytes: Range<Int>) {
            let offset = unsafe start - base
            return (name, offset..<offset + size)
        }
        var zones = unsafe [
            zone("cursor", memory.cursor, 8), zone("lowest failure", memory.lowestFailure, 8),
            zone("states", memory.states, layout.count),
            zone("slots", memory.slots, layout.count * layout.slotStride),
        ]
        for worker in 0..<memory.workers {
            unsafe zones.append(zone("line \(worker)", memory.line(worker).base, 128))
            unsafe zones.append(zone("crash record \(worker)", memory.crash(worker), 1024))
            unsafe zones.append(zone("arena \(worker)", memory.arena(worker).baseAddress!, memory.arenaSize))
        }
        return zones
    }

    @Test(
        "has zones that do not overlap, whatever the workers and items", arguments: [1, 2, 3, 5, 16, 17, 24, 64, 1000])
    func zonesAreDisjoint(workers: Int) throws {
        for layout in [layout(0), layout(1), layout(9, stride: 1), layout(1000, stride: 4097), layout(3, stride: 0)] {
            let region = try Region(workers: workers, layout: layout)
            defer { extendLifetime(region) }
            let memory = region.prepare(layout)
            #expect(memory.workers == workers)
            let zones = zones(memory, layout).filter { !$0.bytes.isEmpty }.sorted {
                $0.bytes.lowerBound < $1.bytes.lowerBound
            }
            for (one, next) in zip(zones, zones.dropFirst()) {
                #expect(one.bytes.upperBound <= next.bytes.lowerBound, "\(one) reaches into \(next)")
            }
        }
    }

    @Test("gives the cursor, the lowest failure and each line cache lines of their own")
    func cacheLines() throws {
        let region = try Region(workers: 3, layout: layout(10))
        defer { extendLifetime(region) }
        let memory = region.prepare(layout(10))
        let zones = zones(memory, layout(10))
        let starts = zones.filter { $0.name.hasPrefix("line") || ["cursor", "lowest failure"].contains($0.name) }
            .map(\.bytes.lowerBound).sorted()
        #expect(starts == [0, 128, 256, 384, 512])
        #expect(zones.first { $0.name == "states" }?.bytes == 640..<650)
        #expect(zones.first { $0.name == "slots" }?.bytes == 768..<848)
    }

    @Test("has arenas of whole pages, which is how they are unmapped and given back", arguments: [1, 5, 17, 24, 1000])
    func arenasArePages(workers: Int) throws {
        let region = try Region(workers: workers, layout: layout(1))
        defer { extendLifetime(region) }
        let memory = region.prepare(layout(1))
        let page = sysconf(Int32(_SC_PAGESIZE))
        #expect(memory.arenaSize % page == 0)
        #expect((0..<workers).allSatisfy { memory.arenaOffset($0) % page == 0 })
    }

    @Test("puts big slots at the start of a page")
    func bigSlots() throws {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let region = try Region(workers: 2, layout: layout(10, stride: page))
        defer { extendLifetime(region) }
        let memory = region.prepare(layout(10, stride: page))
        #expect(unsafe memory.slots - UnsafeMutableRawPointer(memory.cursor) == page)
    }

    @Test("begins every map with no claim, no failure and no result")
    func prepare() throws {
        let region = try Region(workers: 2, layout: layout(20))
        defer { extendLifetime(region) }
        let before = region.prepare(layout(20))
        unsafe before.cursor.pointee.store(20, ordering: .relaxed)
        unsafe before.lowestFailure.pointee.store(3, ordering: .relaxed)
        for item in 0..<20 { unsafe before.states[item].store(ItemState.value, ordering: .relaxed) }
        before.line(1).publish(claim: 3..<5)
        unsafe before.line(1).finish.pointee.store(WorkerRecord.Finish.done, ordering: .relaxed)
        unsafe before.line(1).arenaUsed.pointee.store(77, ordering: .relaxed)
        unsafe before.line(1).newestError.pointee.store(78, ordering: .relaxed)
        unsafe before.line(1).remainingEnd.pointee.store(4, ordering: .relaxed)
        #expect(before.results.isComplete)

        let memory = region.prepare(layout(19))
        #expect(!memory.results.isComplete)
        #expect(unsafe memory.cursor.pointee.load(ordering: .relaxed) == 0)
        #expect(unsafe memory.lowestFailure.pointee.load(ordering: .relaxed) == 9_223_372_036_854_775_807)
        #expect((0..<19).allSatisfy { unsafe memory.states[$0].load(ordering: .relaxed) == 0 })
        let words = unsafe UnsafeBufferPointer(start: memory.line(1).base.assumingMemoryBound(to: Int.self), count: 7)
        #expect(unsafe Array(words) == [-1, 0, 0, 0, 0, 0, 0])
    }

    @Test("is complete when every state says that there is a result", arguments: [1, 7, 8, 9, 64, 100])
    func complete(count: Int) throws {
        let region = try Region(workers: 1, layout: layout(count))
        defer { extendLifetime(region) }
        let memory = region.prepare(layout(count))
        for item in 0..<count {
            #expect(!memory.results.isComplete)
            unsafe memory.states[item].store(1, ordering: .relaxed)
        }
        #expect(memory.results.isComplete)
        for wrong: UInt8 in [0, 2, 3, 0x81, 0xFF] {
            unsafe memory.states[count - 1].store(wrong, ordering: .relaxed)
            #expect(!memory.results.isComplete)
        }
    }

    @Test("accepts only extents that lie within one arena")
    func bytes() throws {
        let region = try Region(workers: 3, layout: layout(4))
        defer { extendLifetime(region) }
        let memory = region.prepare(layout(4))
        let size = memory.arenaSize
        for start in (0..<3).map({ memory.arenaOffset($0) }) {
            for (offset, length) in [(0, 0), (0, 1), (0, size), (1, size - 1), (size - 1, 1), (size - 1, 0)] {
                #expect(unsafe memory.results.bytes(offset: start + offset, length: length)?.count == length)
            }
            for (offset, length) in [(0, size + 1), (1, size), (size - 1, 2), (0, -1), (0, .min), (0, .max), (1, .max)]
            {
                #expect(unsafe memory.results.bytes(offset: start + offset, length: length) == nil)
            }
        }
        let first = memory.arenaOffset(0)
        let end = memory.arenaOffset(3)
        for offset in [Int.min, .min + 1, -1, 0, 1, first - 1, end, end + 1, .max - 1, .max] {
            for length in [0, 1, 16, size, .max] {
                #expect(unsafe memory.results.bytes(offset: offset, length: length) == nil)
            }
        }
    }

    @Test("hands out the bytes that an extent names")
    func bytesOfArena() throws {
        let region = try Region(workers: 2, layout: layout(1))
        defer { extendLifetime(region) }
        let memory = region.prepare(layout(1))
        unsafe memory.arena(1).storeBytes(of: 0x41_42_43, toByteOffset: 100, as: UInt32.self)
        let bytes = try unsafe #require(memory.results.bytes(offset: memory.arenaOffset(1) + 100, length: 3))
        #expect(unsafe Array(bytes) == [0x43, 0x42, 0x41])
    }

    @Test("fits what its front has room for, and refuses more than any memory")
    func fits() throws {
        let region = try Region(workers: 2, layout: layout(1))
        #expect(region.fits(layout(1_000_000, stride: 1024)))
        #expect(!region.fits(layout(1 << 40, stride: 1024)))
        #expect(!region.fits(layout(.max, stride: 1)))
        #expect(!region.fits(layout(1 << 40, stride: 1 << 40)))
        for huge in [layout(.max, stride: 1), layout(1 << 40, stride: 1 << 40), layout(.max, stride: .max)] {
            #expect(throws: SystemError(call: "mmap", code: ENOMEM)) { try Region(workers: 2, layout: huge) }
        }
    }
}
