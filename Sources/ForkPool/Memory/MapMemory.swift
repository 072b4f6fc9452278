internal import CForkPool
internal import Glibc
public import Synchronization

/// Where everything of one map lies in its region: only numbers and an address, so that a worker reads it freely.
///
/// Whoever uses it keeps the region.
@usableFromInline
@safe struct MapMemory: @unchecked Sendable {
    /// Bytes that the control words take, each on cache lines of its own.
    private static let headerSize = 256
    /// Bytes that a crash record takes.
    static let crashSize = 1024

    private let base: UnsafeMutableRawPointer
    private let size: Int
    /// The number of lines, crash records and arenas.
    let workers: Int
    private let layout: Region.Layout
    private let statesStart: Int
    private let slotsStart: Int
    private let crashStart: Int
    private let arenaStart: Int
    /// The size of each arena in bytes.
    let arenaSize: Int
    /// Up to where the pages exist already.
    private let warmFront: Int
    private let warmArenas: [Int]

    init(
        base: UnsafeMutableRawPointer, size: Int, workers: Int, layout: Region.Layout, crashStart: Int,
        arenaStart: Int, arenaSize: Int, warmFront: Int, warmArenas: [Int]
    ) {
        unsafe self.base = base
        self.size = size
        self.workers = workers
        self.layout = layout
        statesStart = Self.frontStart(workers: workers)
        slotsStart = layout.slotsStart(after: statesStart)
        self.crashStart = crashStart
        self.arenaStart = arenaStart
        self.arenaSize = arenaSize
        self.warmFront = warmFront
        self.warmArenas = warmArenas
    }

    /// Where the front of a region begins: after the control words and the lines.
    static func frontStart(workers: Int) -> Int {
        headerSize + workers * ScoreLine.size
    }

    /// The number of items.
    @usableFromInline var count: Int { layout.count }

    /// Where the slots end.
    var frontEnd: Int { slotsStart + layout.count * layout.slotStride }

    /// Clears what a map before left: cursor, lines and states.
    func clear() {
        unsafe cursor.pointee.store(0, ordering: .relaxed)
        unsafe lowestFailure.pointee.store(.max, ordering: .relaxed)
        for worker in 0..<workers { line(worker).clear() }
        // Pages that were never touched, or were given back, are zero already.
        let used = min(max(warmFront - statesStart, 0), count)
        unsafe (base + statesStart).initializeMemory(as: UInt8.self, repeating: ItemState.unfinished, count: used)
    }

    /// The next item that nobody claimed.
    var cursor: UnsafeMutablePointer<Atomic<Int>> {
        unsafe base.assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The lowest index that failed, where a failure ends the map; `Int.max` if there is none.
    var lowestFailure: UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + 128).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The scoreboard line of a worker.
    func line(_ worker: Int) -> ScoreLine {
        unsafe ScoreLine(base: base + Self.headerSize + worker * ScoreLine.size)
    }

    /// The state bytes, one for each item.
    @usableFromInline var states: UnsafeMutablePointer<Atomic<UInt8>> {
        unsafe (base + statesStart).assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    /// The first slot.
    @usableFromInline var slots: UnsafeMutableRawPointer {
        unsafe base + slotsStart
    }

    /// Where a worker's crash handler writes.
    func crash(_ worker: Int) -> UnsafeMutablePointer<cforkpool_crash> {
        unsafe (base + crashStart + worker * Self.crashSize).assumingMemoryBound(to: cforkpool_crash.self)
    }
}

// MARK: - Arenas

extension MapMemory {
    /// The memory of a worker's arena.
    func arena(_ worker: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base + arenaStart + worker * arenaSize, count: arenaSize)
    }

    /// Where a worker's arena begins, in bytes from the region's start.
    func arenaOffset(_ worker: Int) -> Int {
        arenaStart + worker * arenaSize
    }

    /// Where the outcomes are.
    var results: ResultMemory {
        unsafe ResultMemory(
            states: base + statesStart, slots: slots, count: count,
            arenas: Arenas(base: base, start: arenaStart, size: arenaSize, end: size))
    }

    /// Takes the other workers' arenas out of this process, so that a wild write faults in the offender.
    func unmapArenas(except worker: Int) {
        unmap(arenaStart..<arenaOffset(worker))
        unmap(arenaOffset(worker + 1)..<arenaOffset(workers))
    }

    /// Keeps a child that the body forks, and that returns from the body too, from publishing anything.
    func withholdFromStrays(worker: Int) {
        let own = unsafe arena(worker)
        unsafe _ = cforkpool_withhold(
            cforkpool_withheld(
                first: base, first_size: arenaStart, second: own.baseAddress!, second_size: own.count))
    }

    private func unmap(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        unsafe munmap(base + range.lowerBound, range.count)
    }
}

// MARK: - Pages

extension MapMemory {
    /// Below this many bytes a fault for each page costs less than a call.
    private static let populateFrom = 64 << 10

    /// Maps the pages of some items' states and slots at once, where they exist already.
    func populate(_ items: Range<Int>) {
        let stride = layout.slotStride
        populate((slotsStart + items.lowerBound * stride)..<(slotsStart + items.upperBound * stride), warmFront)
        populate((statesStart + items.lowerBound)..<(statesStart + items.upperBound), warmFront)
    }

    /// Maps the pages of a part of a worker's arena at once, where they exist already.
    func populate(arena worker: Int, _ range: Range<Int>) {
        let start = arenaOffset(worker)
        populate((start + range.lowerBound)..<(start + range.upperBound), start + warmArenas[worker])
    }

    private func populate(_ range: Range<Int>, _ warmEnd: Int) {
        guard range.count >= Self.populateFrom, range.upperBound <= warmEnd else { return }
        let start = range.lowerBound / Mapping.pageSize * Mapping.pageSize
        _ = unsafe cforkpool_madvise_populate(base + start, Mapping.pages(range.upperBound - start))
    }
}
