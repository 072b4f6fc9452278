// SPDX-License-Identifier: Apache-2.0
import CForkPool
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("A region")
struct RegionTests {
    private static let page = sysconf(Int32(_SC_PAGESIZE))
    private static let purposes: [Region.Purpose] = [.oneBatch, .forked, .executed]

    /// Every zone of a region that has an address, as offsets in bytes from the region's start.
    private func zones(_ layout: RegionLayout) -> [(name: String, bytes: Range<Int>)] {
        func zone(_ name: String, _ start: UnsafeRawPointer, _ size: Int) -> (name: String, bytes: Range<Int>) {
            let offset = unsafe start - UnsafeRawPointer(layout.base)
            return (name, offset..<offset + size)
        }
        var zones = unsafe [
            zone("shape", layout.base, MemoryLayout<RegionLayout.Shape>.size), ("heap", layout.heap),
        ]
        let words = unsafe [
            layout.closing, layout.processors, layout.backlog, layout.jobOffset, layout.jobLength, layout.jobChecksum,
            layout.callerProcessor, layout.spinnerProcessor,
        ]
        zones += unsafe words.enumerated().map { unsafe zone("control word \($0)", $1, 8) }
        for number in 0..<layout.batchSlots {
            let size = BatchSlot.size(workers: layout.workers)
            unsafe zones.append(zone("batch slot \(number)", layout.batchSlot(number).base, size))
        }
        for worker in 0..<layout.workers {
            unsafe zones.append(zone("record \(worker)", layout.record(worker).base, 128))
            let (tags, arena) = unsafe (layout.blockTags(worker), layout.arenas.memory(worker))
            unsafe zones.append(zone("block tags \(worker)", tags.baseAddress!, tags.count * 4))
            unsafe zones.append(zone("arena \(worker)", arena.baseAddress!, arena.count))
        }
        for slot in 0..<layout.processSlots {
            unsafe zones.append(zone("crash report \(slot)", layout.crash(slot), MemoryLayout<cforkpool_crash>.size))
        }
        return zones
    }

    @Test(
        "has zones that do not overlap, whatever the workers", arguments: [1, 2, 3, 5, 16, 17, 24, 64, 1000], purposes)
    func zonesAreDisjoint(workers: Int, purpose: Region.Purpose) throws {
        let region = try Region(workers: workers, for: purpose)
        defer { extendLifetime(region) }
        let layout = region.layout
        #expect(layout.workers == workers)
        #expect(layout.processSlots == (purpose == .oneBatch ? workers : workers + 1))
        #expect(purpose == .oneBatch ? layout.batchSlots == 1 : layout.batchSlots >= max(64, workers))
        #expect((region.descriptor != nil) == (purpose == .executed))
        let zones = zones(layout).sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
        for (one, next) in zip(zones, zones.dropFirst()) {
            #expect(one.bytes.upperBound <= next.bytes.lowerBound, "\(one) reaches into \(next)")
        }
        #expect(try #require(zones.last).bytes.upperBound == layout.size)
    }

    @Test("has sets, events and mailboxes that share no word with anything else", arguments: purposes)
    func wordsAreDisjoint(purpose: Region.Purpose) throws {
        let region = try Region(workers: 70, for: purpose)
        defer { extendLifetime(region) }
        let layout = region.layout
        for number in 0..<layout.batchSlots { layout.open.insert(number) }
        for worker in 0..<70 { layout.sleepers.insert(worker) }
        for worker in 0..<69 { layout.seekers.insert(worker) }
        #expect(layout.admission.announce(.threads) == 1)
        #expect(layout.itemEnded.announce(.tasks) == 2)
        for slot in 0..<layout.processSlots { layout.mailbox(slot).assign(slot % 70) }
        #expect(layout.open.population == layout.batchSlots)
        #expect(layout.sleepers.population == 70)
        #expect(layout.seekers.population == 69)
        #expect(layout.admission.announce(.threads) == 1)
        #expect(layout.itemEnded.announce(.tasks) == 2)
        for slot in 0..<layout.processSlots { #expect(layout.mailbox(slot).wait(below: 70) == slot % 70) }
        // Only the shape has been written to these zones.
        for zone in zones(layout) where zone.name != "shape" {
            let end = min(zone.bytes.upperBound, zone.bytes.lowerBound + 4096)
            let bytes = unsafe UnsafeRawBufferPointer(
                start: layout.base + zone.bytes.lowerBound, count: end - zone.bytes.lowerBound)
            #expect(unsafe bytes.allSatisfy { $0 == 0 }, "\(zone)")
        }
    }

    @Test("has the words, the record, the states and the slots of a small map in one page")
    func smallMap() throws {
        let region = try Region(workers: 2, for: .oneBatch)
        defer { extendLifetime(region) }
        let zones = zones(region.layout)
        #expect(zones.first { $0.name == "batch slot 0" }?.bytes == 896..<1408)
        #expect(zones.first { $0.name == "record 0" }?.bytes == 1408..<1536)
        #expect(zones.first { $0.name == "record 1" }?.bytes == 1536..<1664)
        #expect(region.layout.heap.lowerBound == 1664)
        var heap = SharedHeap(region.layout.heap)
        let shape = Batch.Shape(count: 100, inputStride: 0, slotStride: 8, stopsAtFailure: false)
        let size = try #require(shape.size)
        #expect(size == 928)
        let allocated = heap.allocate(size)
        let part = try #require(allocated)
        #expect(part.end <= Self.page)
    }

    @Test("has arenas of whole pages, which is how they are unmapped and given back", arguments: [1, 5, 17, 24, 1000])
    func arenasArePages(workers: Int) throws {
        for purpose in Self.purposes {
            let region = try Region(workers: workers, for: purpose)
            defer { extendLifetime(region) }
            let arenas = region.layout.arenas
            #expect(arenas.size % Self.page == 0 && arenas.size % 16384 == 0)
            #expect((0..<workers).allSatisfy { arenas.offset($0) % Self.page == 0 })
            #expect(unsafe region.layout.blockTags(workers - 1).count * 16384 == arenas.size)
        }
    }

    @Test("copies its shape to its start, where a worker that maps it finds it")
    func shape() throws {
        let region = try Region(workers: 3, for: .executed)
        defer { extendLifetime(region) }
        let shape = unsafe RegionLayout.readShape(region.layout.base)
        #expect(shape.token == region.layout.shape.token && shape.token != 0)
        #expect(shape.isPossible(within: region.layout.size))
        let same = unsafe RegionLayout(base: region.layout.base, shape: shape)
        #expect(same.size == region.layout.size && same.heap == region.layout.heap)
        #expect(same.arenas.offset(2) == region.layout.arenas.offset(2))
        let changes: [WritableKeyPath<RegionLayout.Shape, Int>] = [
            \.workers, \.processSlots, \.batchSlots, \.heapSize, \.arenaSize,
        ]
        for change in changes {
            for wild in [Int.min, -1, Int.max] {
                var damaged = shape
                damaged[keyPath: change] = wild
                #expect(!damaged.isPossible(within: region.layout.size))
            }
        }
    }

    @Test("has a heap that is as large as it must be, and is refused more than any memory")
    func heap() throws {
        let region = try Region(workers: 1, for: .oneBatch, heap: 40 << 30)
        #expect(region.layout.heap.count >= 40 << 30)
        extendLifetime(region)
        for purpose in Self.purposes {
            #expect(throws: SystemError.self) { try Region(workers: 2, for: purpose, heap: 1 << 60) }
        }
        #expect(throws: SystemError(call: "mmap", code: ENOMEM)) {
            try Region(workers: 2, for: .oneBatch, heap: 1 << 60)
        }
    }

    // MARK: - Arenas

    @Test("accepts only extents that lie within one arena")
    func bytes() throws {
        let region = try Region(workers: 3, for: .oneBatch)
        defer { extendLifetime(region) }
        let arenas = region.layout.arenas
        let size = arenas.size
        for start in (0..<3).map({ arenas.offset($0) }) {
            for (offset, length) in [(0, 0), (0, 1), (0, size), (1, size - 1), (size - 1, 1), (size - 1, 0)] {
                #expect(unsafe arenas.bytes(offset: start + offset, length: length)?.count == length)
            }
            for (offset, length) in [(0, size + 1), (1, size), (size - 1, 2), (0, -1), (0, .min), (0, .max), (1, .max)]
            {
                #expect(unsafe arenas.bytes(offset: start + offset, length: length) == nil)
            }
        }
        let first = arenas.offset(0)
        let end = arenas.offset(3)
        for offset in [Int.min, .min + 1, -1, 0, 1, first - 1, end, end + 1, .max - 1, .max] {
            for length in [0, 1, 16, size, .max] {
                #expect(unsafe arenas.bytes(offset: offset, length: length) == nil)
            }
        }
    }

    @Test("hands out the bytes that an extent names")
    func bytesOfArena() throws {
        let region = try Region(workers: 2, for: .oneBatch)
        defer { extendLifetime(region) }
        let arenas = region.layout.arenas
        unsafe arenas.memory(1).storeBytes(of: 0x41_42_43, toByteOffset: 100, as: UInt32.self)
        let bytes = try unsafe #require(arenas.bytes(offset: arenas.offset(1) + 100, length: 3))
        #expect(unsafe Array(bytes) == [0x43, 0x42, 0x41])
    }
}
