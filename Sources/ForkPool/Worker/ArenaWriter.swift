internal import Synchronization

/// Writes results of variable size, and reports, to a worker's arena.
protocol ResultWriter: AnyObject {
    /// Encodes a value and returns where its bytes are; they count as used with the next `commit`.
    func write<T: Encodable>(_ value: T, by worker: Int) throws -> Extent

    /// Makes what was written part of what a worker after this one keeps.
    func commit(by worker: Int)

    /// Adds a report to the chain that the parent reads.
    ///
    /// A full arena drops it: the parent then says that the item failed and that its report did not fit.
    func write(report: Report, of item: Int, by worker: Int)
}

/// Writes to the front of what is free in a worker's arena, where all of it belongs to one map.
@safe final class ArenaWriter: ResultWriter {
    private let memory: MapMemory
    private let encoder = BinaryEncoder()
    /// Bytes in use, published after what they hold; nil before the first write.
    private var used: Int?
    /// The end of the pages that are mapped in this process.
    private var populated = 0

    init(memory: MapMemory) {
        self.memory = memory
    }

    func write<T: Encodable>(_ value: T, by worker: Int) throws -> Extent {
        let start = start(worker)
        let free = unsafe UnsafeMutableRawBufferPointer(rebasing: memory.arena(worker)[start...])
        let length = unsafe try encoder.encode(value, into: free)
        let end = start + length
        used = end
        // The next result is likely to be as large as this one.
        if end + length > populated {
            populated = min(end + 2 * length, memory.arenaSize)
            memory.populate(arena: worker, end..<populated)
        }
        return Extent(offset: memory.arenaOffset(worker) + start, length: length)
    }

    /// Where the worker writes next: where the one before it in this place ended, to begin with.
    private func start(_ worker: Int) -> Int {
        if let used { return used }
        // Whatever it was that wrote this, the offset stays within the arena.
        let published = unsafe memory.line(worker).arenaUsed.pointee.load(ordering: .relaxed)
        return min(max(published, 0), memory.arenaSize)
    }

    func commit(by worker: Int) {
        unsafe memory.line(worker).arenaUsed.pointee.store(start(worker), ordering: .releasing)
    }

    func write(report: Report, of item: Int, by worker: Int) {
        let line = memory.line(worker)
        let start = start(worker)
        guard memory.arenaSize - start > MemoryLayout<ReportLink>.size else { return }
        used = start + MemoryLayout<ReportLink>.size
        guard let extent = try? write(report, by: worker) else {
            used = start
            return
        }
        let link = unsafe ReportLink(
            item: item, previous: line.newestReport.pointee.load(ordering: .relaxed), length: extent.length)
        unsafe memory.arena(worker).storeBytes(of: link, toByteOffset: start, as: ReportLink.self)
        commit(by: worker)
        unsafe line.newestReport.pointee.store(memory.arenaOffset(worker) + start + 1, ordering: .releasing)
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
    /// What stands for the item in the report of a `setUp` that failed.
    static let setUp = -1

    let item: Int
    /// The offset of the report before, plus one; 0 if this is the first.
    let previous: Int
    /// The bytes of the report, which follow.
    let length: Int
}
