internal import Synchronization

/// Writes results and reports of one batch after another to blocks of a worker's arena.
///
/// Only the worker marks a block as taken, with the tag of the batch it is for; only the parent marks it as free,
/// when nobody holds the batch any more. So a worker that dies loses nothing that it published, and the one after it
/// finds in the tags what is free.
@safe final class BlockWriter: ResultWriter {
    private let memory: ResidentMemory
    private let encoder = BinaryEncoder()
    private var entry: BatchEntry?
    private var tag: UInt32 = 0
    /// The worker's arena: free bytes in use for this batch, and where the first block without the tag begins.
    private var free = 0..<0
    private var marked = 0

    init(memory: ResidentMemory) {
        self.memory = memory
    }

    /// Begins to write for another batch.
    func begin(_ entry: BatchEntry, by worker: Int) {
        let tag = UInt32(truncatingIfNeeded: unsafe entry.tag.pointee.load(ordering: .relaxed))
        self.entry = entry
        guard tag != self.tag else { return }
        self.tag = tag
        free = 0..<0
        trim(worker)
    }

    /// Says up to where blocks are taken, which the parent has freed some of since; what is damaged is right again.
    private func trim(_ worker: Int) {
        let tags = unsafe memory.blockTags(worker)
        let word = unsafe memory.line(worker).blocksUsed
        let used = unsafe word.pointee.load(ordering: .relaxed)
        var end = min(max(used, 0), tags.count)
        while end > 0, unsafe tags[end - 1] == 0 { end -= 1 }
        if end != used { unsafe word.pointee.store(end, ordering: .relaxed) }
    }

    func write<T: Encodable>(_ value: T, by worker: Int) throws -> Extent {
        try write(value, by: worker, after: 0)
    }

    func commit(by worker: Int) {
        // Marked blocks stay marked.
    }

    func write(report: Report, of item: Int, by worker: Int) {
        guard let entry, let extent = try? write(report, by: worker, after: MemoryLayout<ReportLink>.size) else {
            return
        }
        let start = extent.offset - memory.arenas.offset(worker) - MemoryLayout<ReportLink>.size
        let newest = unsafe entry.newestReport
        var previous = unsafe newest.pointee.load(ordering: .relaxed)
        while true {
            let link = ReportLink(item: item, previous: previous, length: extent.length)
            unsafe memory.arenas.memory(worker).storeBytes(of: link, toByteOffset: start, as: ReportLink.self)
            let (isStored, original) = unsafe newest.pointee.compareExchange(
                expected: previous, desired: memory.arenas.offset(worker) + start + 1, ordering: .releasing)
            if isStored { return }
            previous = original
        }
    }

    /// Encodes a value behind `gap` bytes, in free blocks that are then marked.
    private func write<T: Encodable>(_ value: T, by worker: Int, after gap: Int) throws -> Extent {
        let arena = unsafe memory.arenas.memory(worker)
        while true {
            if free.count > gap {
                do {
                    let start = free.lowerBound + gap
                    let length = unsafe try encoder.encode(
                        value, into: UnsafeMutableRawBufferPointer(rebasing: arena[start..<free.upperBound]))
                    mark(upTo: start + length, by: worker)
                    // The link of a report is read where it lies.
                    free = min((start + length + 7) / 8 * 8, free.upperBound)..<free.upperBound
                    return Extent(offset: memory.arenas.offset(worker) + start, length: length)
                } catch is BinaryEncoder.OutOfSpace {
                    // There may be a longer run of free blocks.
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

    /// The next free blocks, as bytes of the arena; nil at its end.
    private func nextRun(_ worker: Int, from offset: Int) -> Range<Int>? {
        let size = ResidentMemory.blockSize
        let tags = unsafe memory.blockTags(worker)
        // Nothing was ever marked from here on.
        let used = unsafe min(max(memory.line(worker).blocksUsed.pointee.load(ordering: .relaxed), 0), tags.count)
        var first = (offset + size - 1) / size
        while first < used, unsafe tags[first] != 0 { first += 1 }
        guard first < tags.count else { return nil }
        var end = first
        while end < used, unsafe tags[end] == 0 { end += 1 }
        return first * size..<(end >= used ? tags.count : end) * size
    }

    /// Marks the blocks up to an offset, before anything in them is published.
    private func mark(upTo end: Int, by worker: Int) {
        guard end > marked else { return }
        let size = ResidentMemory.blockSize
        let tags = unsafe memory.blockTags(worker)
        let last = (end + size - 1) / size
        // The parent looks for tags up to here alone, and nobody but this worker lowers it while a batch is held.
        let line = memory.line(worker)
        _ = unsafe line.blocksUsed.pointee.max(last, ordering: .relaxed)
        _ = unsafe line.blocksTouched.pointee.max(last, ordering: .relaxed)
        if let entry { unsafe entry.usesArenas.pointee.store(1, ordering: .relaxed) }
        for block in marked / size..<last { unsafe tags[block] = tag }
        marked = last * size
    }
}
