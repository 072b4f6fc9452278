// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The heap of a region")
struct SharedHeapTests {
    private static let start = 1 << 20
    private static let size = 16 << 20
    private static var range: Range<Int> { start..<start + size }

    private func take(_ size: Int, of heap: inout SharedHeap) throws -> SharedHeap.Part {
        let part = heap.allocate(size)
        return try #require(part)
    }

    @Test("rounds up to powers of two, of 1024 bytes at least")
    func sizes() throws {
        var heap = SharedHeap(Self.range)
        for (size, rounded) in [(0, 1024), (1, 1024), (1024, 1024), (1025, 2048), (5000, 8192), (65_536, 65_536)] {
            let part = try take(size, of: &heap)
            #expect(part.size == rounded)
        }
    }

    @Test("begins parts of 64 KiB and more with a page, so that their pages can be given back")
    func pages() throws {
        var heap = SharedHeap(Self.range)
        let small = try take(10, of: &heap)
        let large = try take(100_000, of: &heap)
        #expect(small.offset == 1_048_576)
        #expect(large.offset == 1_052_672)
        #expect(large.size == 131_072)
        #expect(large.end == 1_183_744)
    }

    @Test("gives out no more than there is, and is whole again when all is back")
    func full() throws {
        var heap = SharedHeap(Self.range)
        #expect(heap.allocate(Self.size + 1) == nil)
        #expect(heap.allocate(.max) == nil)
        for _ in 0..<3 {
            let whole = try take(Self.size, of: &heap)
            #expect(whole.offset == Self.start)
            #expect(heap.allocate(1) == nil)
            #expect(!heap.isEmpty)
            _ = heap.release(whole, keeping: 0)
            #expect(heap.isEmpty)
        }
        var parts: [SharedHeap.Part] = []
        while let part = heap.allocate(1 << 20) { parts.append(part) }
        #expect(parts.count == 16)
    }

    @Test("gives at its end what is asked for where there is no room for a power of two")
    func end() throws {
        let end = Self.start + (15 << 20)
        var heap = SharedHeap(Self.start..<end)
        let large = try take(9 << 20, of: &heap)
        #expect(large.size == 9 << 20)
        let pages = try take((5 << 20) + 1, of: &heap)
        #expect(pages.offset == large.end)
        #expect(pages.size == (5 << 20) + 4096)
        let rest = try take(end - pages.end - 512, of: &heap)
        #expect(rest.size == end - pages.end)
        #expect(heap.allocate(0) == nil)
        // The next one takes the part that came back, as far as a power of two goes.
        #expect(heap.release(large, keeping: 1 << 30) == nil)
        let again = try take(8 << 20, of: &heap)
        #expect(again.offset == large.offset)
        #expect(again.size == 8 << 20)
        for part in [pages, rest, again] { _ = heap.release(part, keeping: 0) }
        #expect(heap.isEmpty)
        #expect(try take(15 << 20, of: &heap).offset == Self.start)
    }

    @Test("gives a part that came back to the next that is as large")
    func reuse() throws {
        var heap = SharedHeap(Self.range)
        let parts = try (0..<4).map { _ in try take(2000, of: &heap) }
        #expect(heap.release(parts[1], keeping: 1 << 20) == nil)
        let other = try take(5000, of: &heap)
        #expect(other.offset == 1_056_768)
        let again = try take(1500, of: &heap)
        #expect(again.offset == parts[1].offset)
    }

    @Test("discards a large part that comes back where too much is kept already")
    func discard() throws {
        var heap = SharedHeap(Self.range)
        let parts = try (0..<4).map { _ in try take(1 << 20, of: &heap) }
        #expect(heap.release(parts[0], keeping: 2 << 20) == nil)
        #expect(heap.release(parts[1], keeping: 2 << 20) == nil)
        #expect(heap.release(parts[2], keeping: 2 << 20) == parts[2].offset..<parts[2].end)
        // The heap is empty now: it discards what lies above the kept bytes, counted from its start.
        #expect(heap.release(parts[3], keeping: 2 << 20) == 3_145_728..<5_242_880)
        #expect(heap.isEmpty)
    }

    @Test("discards nothing in the end where all fits into what is kept")
    func keep() throws {
        var heap = SharedHeap(Self.range)
        let parts = try (0..<4).map { _ in try take(1 << 20, of: &heap) }
        for part in parts { #expect(heap.release(part, keeping: .max) == nil) }
        let first = try take(1, of: &heap)
        #expect(first.offset == Self.start)
    }

    @Test("says from where on a part is zero: what was never given out")
    func zeroed() throws {
        var heap = SharedHeap(Self.range)
        #expect(heap.touched == Self.start && heap.warmSize == 0)
        let first = try take(2000, of: &heap)
        #expect(first.offset == Self.start && first.zeroed == first.offset)
        #expect(heap.touched == first.end && heap.warmSize == 2048)
        let second = try take(2000, of: &heap)
        #expect(second.zeroed == second.offset)
        #expect(heap.release(first, keeping: .max) == nil)
        let reused = try take(2000, of: &heap)
        #expect(reused.offset == first.offset && reused.zeroed == reused.end)
        // Empty, the heap starts again at its beginning: what was given out before is not zero.
        for part in [reused, second] { #expect(heap.release(part, keeping: .max) == nil) }
        #expect(heap.touched == 1_052_672)
        let long = try take(8192, of: &heap)
        #expect(long.offset == Self.start && long.zeroed == 1_052_672)
        #expect(heap.touched == long.end)
    }

    @Test("says that discarded pages are zero again")
    func zeroedAgain() throws {
        var heap = SharedHeap(Self.range)
        let parts = try (0..<4).map { _ in try take(1 << 20, of: &heap) }
        #expect(heap.touched == 5_242_880)
        for part in parts.dropLast() { _ = heap.release(part, keeping: .max) }
        #expect(heap.release(parts[3], keeping: 2 << 20) == 3_145_728..<5_242_880)
        #expect(heap.touched == 3_145_728 && heap.warmSize == 2 << 20)
        let whole = try take(4 << 20, of: &heap)
        #expect(whole.zeroed == 3_145_728)
        #expect(heap.release(whole, keeping: 0) == 1_048_576..<5_242_880)
        #expect(heap.touched == Self.start)
        let fresh = try take(4 << 20, of: &heap)
        #expect(fresh.zeroed == fresh.offset)
    }

    @Test("takes no byte for zero once a worker may have written anywhere, until all is discarded")
    func distrust() throws {
        var heap = SharedHeap(Self.range)
        let first = try take(1024, of: &heap)
        heap.distrustFreshPages()
        #expect(heap.warmSize == Self.size)
        let second = try take(1024, of: &heap)
        #expect(second.offset == first.end && second.zeroed >= second.end)
        #expect(heap.release(second, keeping: 0) == nil)
        #expect(heap.release(first, keeping: 0) == Self.range)
        let fresh = try take(1024, of: &heap)
        #expect(fresh.offset == Self.start && fresh.zeroed == Self.start)
    }

    @Test("never gives out what is in use, whatever comes back in which order", arguments: 0..<20)
    func disjoint(seed: Int) throws {
        var dice = Seeded(UInt64(seed))
        var heap = SharedHeap(Self.range)
        var parts: [SharedHeap.Part] = []
        for _ in 0..<2000 {
            if parts.isEmpty || Bool.random(using: &dice) {
                let size = Int.random(in: 0..<1 << Int.random(in: 1..<20, using: &dice), using: &dice)
                guard let part = heap.allocate(size) else { continue }
                #expect(part.size >= size)
                #expect(part.offset >= Self.start && part.end <= Self.start + Self.size)
                #expect(!parts.contains { $0.offset < part.end && part.offset < $0.end }, "seed \(seed)")
                parts.append(part)
            } else {
                let part = parts.remove(at: .random(in: parts.indices, using: &dice))
                let pages = heap.release(part, keeping: 1 << 20)
                // Nothing in use is discarded.
                if let pages { #expect(!parts.contains { $0.offset < pages.upperBound && pages.lowerBound < $0.end }) }
            }
        }
        for part in parts { _ = heap.release(part, keeping: 0) }
        #expect(heap.isEmpty)
    }
}
