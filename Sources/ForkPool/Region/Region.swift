// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// Owns a pool's shared memory for as long as a result in it is read.
final class Region: Sendable {
    /// The most bytes for states, slots and inputs, unless one batch needs more.
    private static let usualHeap = 32 << 30
    /// The most bytes of an arena, and an eighth of what all have: address space ends at 128 TiB, for all regions together.
    private static let largestArena = 16 << 30
    /// A heap smaller than this is a refusal.
    private static let smallest = 1 << 20

    private let mapping: Mapping
    let layout: RegionLayout
    var descriptor: Int32? { mapping.descriptor }

    enum Purpose: Equatable {
        case oneBatch
        case forked
        /// Workers map the memory by its descriptor.
        case executed
    }

    /// Reserves memory (`mmap`, `memfd_create`) for a heap of `least` bytes or more.
    ///
    /// Where the system grants no large reservation, it tries less and less, and then leaves as much again free, for threads
    /// and for the program.
    init(workers: Int, for purpose: Purpose, heap least: Int = 0) throws(SystemError) {
        let leastHeap = Mapping.pages(max(Self.smallest, least))
        var heap = max(Self.usualHeap, leastHeap)
        var arena = Self.blocks(min(Self.largestArena, 8 * Self.largestArena / workers))
        let token = UInt64.random(in: 1 ... .max)
        var isScarce = false
        while true {
            let shape = RegionLayout.Shape(
                token: token, workers: workers, processSlots: purpose == .oneBatch ? workers : workers + 1,
                batchSlots: purpose == .oneBatch ? 1 : Self.batchSlots(workers), heapSize: heap,
                // A fork hands the inputs of a one-shot map over.
                inputSize: purpose == .oneBatch ? 0 : heap, arenaSize: arena)
            // This layout only measures: nothing is read through its address.
            let size = unsafe RegionLayout(base: UnsafeMutableRawPointer(bitPattern: 4096)!, shape: shape).size
            let mapping: Mapping
            do throws(SystemError) {
                if isScarce, heap > leastHeap { _ = try Mapping(size: 2 * size) }
                mapping = purpose == .executed ? try Mapping(namedSize: size) : try Mapping(size: size)
            } catch {
                let smaller = Self.blocks(arena / 2)
                guard error.isForWantOfRoom, heap > leastHeap || arena > smaller else { throw error }
                isScarce = true
                heap = max(Mapping.pages(heap / 2), leastHeap)
                arena = smaller
                continue
            }
            layout = unsafe RegionLayout(base: mapping.base, shape: shape)
            self.mapping = mapping
            layout.writeShape()
            return
        }
    }

    /// Gives pages back to the system; returns whether they read as zero now.
    @discardableResult
    func discard(_ range: Range<Int>) -> Bool {
        mapping.discard(range)
    }

    /// The number of batches that can be open at once: more than keep every worker busy with one item each.
    private static func batchSlots(_ workers: Int) -> Int { min(4096, max(64, (2 * workers + 63) / 64 * 64)) }

    /// Rounds an arena to whole blocks in whole pages.
    private static func blocks(_ size: Int) -> Int {
        let unit = max(RegionLayout.blockSize, Mapping.pageSize)
        return max(size / unit, max(4 * RegionLayout.blockSize / unit, 1)) * unit
    }
}
