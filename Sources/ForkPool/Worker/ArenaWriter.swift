internal import Synchronization

/// Writes results of variable size and reports to the front of what is free in a worker's arena.
@safe final class ArenaWriter {
    private let region: Region
    private let line: ScoreLine
    private let arena: UnsafeMutableRawBufferPointer
    private let encoder = BinaryEncoder()
    /// Bytes in use; published after what they hold.
    private var used: Int

    init(region: Region, worker: Int) {
        self.region = region
        line = region.line(worker)
        unsafe arena = region.arena(worker)
        // The worker before this one may have written anything here.
        let published = unsafe line.arenaUsed.pointee.load(ordering: .relaxed)
        used = unsafe min(max(published, 0), arena.count)
    }

    /// Encodes a value and returns where its bytes are; they count as used with the next `commit`.
    func write<T: Encodable>(_ value: T) throws -> Extent {
        let free = unsafe UnsafeMutableRawBufferPointer(rebasing: arena[used...])
        let length = unsafe try encoder.encode(value, into: free)
        let extent = unsafe Extent(offset: region.offset(of: arena.baseAddress!) + used, length: length)
        used += length
        return extent
    }

    /// Makes what was written part of what a worker after this one keeps.
    func commit() {
        unsafe line.arenaUsed.pointee.store(used, ordering: .releasing)
    }

    /// Adds a report to the chain that ends at the line's newest.
    ///
    /// A full arena drops it: the parent then says that the item failed and that its report did not fit.
    func write(report: Report, of item: Int) {
        let link = ReportLink(
            item: item,
            previous: unsafe line.newestReport.pointee.load(ordering: .relaxed),
            length: 0)
        let start = used
        guard unsafe arena.count - used > MemoryLayout<ReportLink>.size else { return }
        used += MemoryLayout<ReportLink>.size
        guard let extent = try? write(report) else {
            used = start
            return
        }
        unsafe arena.storeBytes(of: link.with(length: extent.length), toByteOffset: start, as: ReportLink.self)
        let offset = unsafe region.offset(of: arena.baseAddress!) + start
        commit()
        unsafe line.newestReport.pointee.store(offset + 1, ordering: .releasing)
    }
}

/// Where the bytes of a coded result are: the content of its slot.
struct Extent: BitwiseCopyable {
    /// Bytes from the region's start.
    let offset: Int
    let length: Int
}

/// What stands before each report in an arena.
struct ReportLink: BitwiseCopyable {
    let item: Int
    /// The offset of the report before, plus one; 0 if this is the first.
    let previous: Int
    /// The bytes of the report, which follow.
    let length: Int

    func with(length: Int) -> ReportLink {
        ReportLink(item: item, previous: previous, length: length)
    }
}
