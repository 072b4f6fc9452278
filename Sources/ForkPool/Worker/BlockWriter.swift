// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Writes coded results and errors of one batch after another to blocks of a worker's arena.
///
/// Only the worker marks a block as used, with the tag of the batch; only the parent frees it, when it releases the batch.
/// So a worker that dies loses nothing that it published, and the tags tell its successor which blocks are free.
@safe final class BlockWriter {
    struct Destination {
        let worker: Int
        let slot: BatchSlot
        let tag: UInt32

        init(worker: Int, slot: BatchSlot) {
            self.worker = worker
            self.slot = slot
            tag = UInt32(truncatingIfNeeded: unsafe slot.tag.pointee.load(ordering: .relaxed))
        }
    }

    private let region: RegionLayout
    private let encoder = BinaryEncoder()
    private var tag: UInt32 = 0
    /// The bytes of the arena that are free for this batch, and the start of the first block without its tag.
    private var free = 0..<0
    private var marked = 0
    /// The end of the bytes whose pages this process has mapped by `populate`.
    private var populated = 0

    /// Makes a writer for any worker of a region, before the fork: a worker then need not allocate it.
    init(region: RegionLayout) {
        self.region = region
    }

    /// Encodes a value and returns the extent of its bytes; throws `OutOfSpace` if the arena is full.
    func write<T: Encodable>(_ value: T, to destination: Destination) throws -> Extent {
        begin(destination)
        let extent = try write(value, after: 0, to: destination)
        populate(behind: extent, destination.worker)
        return extent
    }

    /// Maps the pages for the next result, which is probably as large as the last one.
    private func populate(behind extent: Extent, _ worker: Int) {
        let start = region.arenas.offset(worker)
        let end = extent.offset + extent.length - start
        guard end + extent.length > populated else { return }
        let blocks = unsafe region.record(worker).warmBlocks.pointee.load(ordering: .relaxed)
        let warmSize = min(max(blocks, 0), region.shape.arenaSize / RegionLayout.blockSize) * RegionLayout.blockSize
        populated = end + 2 * extent.length
        guard end < warmSize else { return }
        region.populate(start + end..<start + min(populated, warmSize), warmEnd: start + warmSize)
    }

    /// Adds an error to the chain that the parent reads; a full arena drops it, which the parent then reports.
    func write(error: WorkerError, of item: Int, to destination: Destination) {
        begin(destination)
        guard let extent = try? write(error, after: MemoryLayout<WorkerErrorLink>.size, to: destination) else { return }
        let (worker, arena) = (destination.worker, region.arenas.offset(destination.worker))
        let start = extent.offset - arena - MemoryLayout<WorkerErrorLink>.size
        let newest = unsafe destination.slot.newestError
        var previous = unsafe newest.pointee.load(ordering: .relaxed)
        while true {
            let link = WorkerErrorLink(item: item, previous: previous, length: extent.length)
            unsafe region.arenas.memory(worker).storeBytes(of: link, toByteOffset: start, as: WorkerErrorLink.self)
            let (isStored, original) = unsafe newest.pointee.compareExchange(
                expected: previous, desired: arena + start + 1, ordering: .releasing)
            if isStored { return }
            previous = original
        }
    }

    // MARK: - Blocks

    /// Starts with new blocks if the batch has changed.
    private func begin(_ destination: Destination) {
        guard destination.tag != tag else { return }
        tag = destination.tag
        free = 0..<0
        trim(destination.worker)
    }

    /// Lowers the end of the used blocks to the last one that the parent has not freed, and repairs a damaged end.
    private func trim(_ worker: Int) {
        let tags = unsafe region.blockTags(worker)
        let word = unsafe region.record(worker).blocksUsed
        let used = unsafe word.pointee.load(ordering: .relaxed)
        var end = min(max(used, 0), tags.count)
        while end > 0, unsafe tags[end - 1] == 0 { end -= 1 }
        if end != used { unsafe word.pointee.store(end, ordering: .relaxed) }
    }

    /// Encodes a value after `gap` bytes, in free blocks, and marks them.
    private func write<T: Encodable>(_ value: T, after gap: Int, to destination: Destination) throws -> Extent {
        let worker = destination.worker
        let arena = unsafe region.arenas.memory(worker)
        while true {
            if free.count > gap {
                do {
                    let start = free.lowerBound + gap
                    let length = unsafe try encoder.encode(
                        value, into: UnsafeMutableRawBufferPointer(rebasing: arena[start..<free.upperBound]))
                    mark(upTo: start + length, destination)
                    // The parent reads an error's link where it lies, so it is aligned.
                    free = min((start + length + 7) / 8 * 8, free.upperBound)..<free.upperBound
                    return Extent(offset: region.arenas.offset(worker) + start, length: length)
                } catch is BinaryEncoder.OutOfSpace {
                    // A longer run of free blocks may follow.
                }
            }
            let least = free.count
            guard let run = nextRun(worker, from: free.upperBound) else {
                throw BinaryEncoder.OutOfSpace(capacity: least)
            }
            free = run
            marked = run.lowerBound
        }
    }

    /// Returns the next free blocks, as bytes of the arena; nil at its end.
    private func nextRun(_ worker: Int, from offset: Int) -> Range<Int>? {
        let size = RegionLayout.blockSize
        let tags = unsafe region.blockTags(worker)
        // No block from here on was ever marked.
        let used = unsafe min(max(region.record(worker).blocksUsed.pointee.load(ordering: .relaxed), 0), tags.count)
        var first = (offset + size - 1) / size
        while first < used, unsafe tags[first] != 0 { first += 1 }
        guard first < tags.count else { return nil }
        var end = first
        while end < used, unsafe tags[end] == 0 { end += 1 }
        return first * size..<(end >= used ? tags.count : end) * size
    }

    /// Marks the blocks up to an offset, before anything in them is published.
    private func mark(upTo end: Int, _ destination: Destination) {
        guard end > marked else { return }
        let size = RegionLayout.blockSize
        let tags = unsafe region.blockTags(destination.worker)
        let last = (end + size - 1) / size
        // The parent looks for tags below this alone, and only this worker lowers it while a batch is held.
        let record = region.record(destination.worker)
        _ = unsafe record.blocksUsed.pointee.max(last, ordering: .relaxed)
        _ = unsafe record.blocksTouched.pointee.max(last, ordering: .relaxed)
        unsafe ArenaUsers.add(destination.worker, to: destination.slot.arenaUsers)
        for block in marked / size..<last { unsafe tags[block] = tag }
        marked = last * size
    }
}
