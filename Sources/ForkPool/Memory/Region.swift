internal import CForkPool
internal import Glibc
public import Synchronization

/// The one piece of shared memory of a map: cursor, scoreboard, states, slots and arenas.
///
/// From its start: a page of control words; a line and a crash record for each worker; the front, which is laid
/// out anew for each map (a state byte and a slot for each item); and an arena for each worker, always at the same
/// place, for results of variable size. It is reserved large and committed by touch; a pool keeps it between
/// maps, since the first touch of a page is what big results cost.
@usableFromInline
final class Region: @unchecked Sendable {
    /// Bytes that the control words take, each on a cache line of its own.
    private static let headerSize = 4096
    private static let crashSize = 1024
    /// No arena is larger, and all together are not larger than 16 of these.
    private static let largestArena = 64 << 30
    /// A reservation that would leave arenas smaller than this is a refusal.
    private static let smallestArena = 64 << 10

    private let mapping: Mapping
    let workers: Int
    private let frontStart: Int
    private let arenaStart: Int
    /// The size of each arena in bytes.
    let arenaSize: Int

    /// The highest touched offset of the front, and of each arena, since they were last given back.
    private var frontTouched = 0
    private var arenaTouched: [Int]
    /// Arenas whose worker died in the middle of writing, with an unknown number of touched pages.
    private var tornArenas: Set<Int> = []

    private(set) var layout = Layout(count: 0, slotStride: 0, slotAlignment: 1)

    /// Reserves a region for `workers` workers whose front can hold `layout`.
    ///
    /// Asks for less and less where the system grants no large reservation.
    init(workers: Int, layout: Layout) throws(SystemError) {
        let front = Mapping.pages(Self.headerSize + workers * (ScoreLine.size + Self.crashSize))
        let needed = Mapping.pages(layout.size)
        var arena = min(Self.largestArena, 16 * Self.largestArena / workers)
        var spare = Self.largestArena
        mapping = try Self.reserve(front: front, needed: needed, spare: &spare, workers: workers, arena: &arena)
        arenaStart = front + max(needed, spare)
        frontStart = front
        arenaSize = arena
        self.workers = workers
        arenaTouched = Array(repeating: 0, count: workers)
    }

    private static func reserve(
        front: Int, needed: Int, spare: inout Int, workers: Int, arena: inout Int
    ) throws(SystemError) -> Mapping {
        while true {
            do throws(SystemError) {
                return try Mapping(size: front + max(needed, spare) + workers * arena)
            } catch {
                guard error.code == SystemError.noMemory, arena / 2 >= smallestArena else { throw error }
                arena = Mapping.pages(arena / 2)
                spare = Mapping.pages(spare / 2)
            }
        }
    }

    /// Whether the front has room for `layout`.
    func fits(_ layout: Layout) -> Bool {
        layout.size <= arenaStart - frontStart
    }

    /// Lays the front out for a map and clears what the map before left: cursor, lines and states.
    func prepare(_ layout: Layout, lines: Int) {
        self.layout = layout
        frontTouched = max(frontTouched, layout.size)
        unsafe cursor.pointee.store(0, ordering: .relaxed)
        unsafe lowestFailure.pointee.store(.max, ordering: .relaxed)
        for worker in 0..<lines { line(worker).clear(arena: true) }
        unsafe (mapping.base + frontStart).initializeMemory(as: UInt8.self, repeating: 0, count: layout.count)
    }

    /// The size of the whole reservation in bytes.
    var size: Int { mapping.size }
}

// MARK: - Places

extension Region {
    /// The next item that nobody claimed.
    var cursor: UnsafeMutablePointer<Atomic<Int>> {
        unsafe mapping.base.assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The lowest index that failed, where a failure ends the map; `Int.max` if there is none.
    var lowestFailure: UnsafeMutablePointer<Atomic<Int>> {
        unsafe (mapping.base + 256).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The scoreboard line of a worker.
    func line(_ worker: Int) -> ScoreLine {
        unsafe ScoreLine(base: mapping.base + Self.headerSize + worker * ScoreLine.size)
    }

    /// Where a worker's crash handler writes.
    func crash(_ worker: Int) -> UnsafeMutablePointer<cforkpool_crash> {
        let offset = Self.headerSize + workers * ScoreLine.size + worker * Self.crashSize
        return unsafe (mapping.base + offset).assumingMemoryBound(to: cforkpool_crash.self)
    }

    /// The state bytes, one for each item.
    @usableFromInline var states: UnsafeMutablePointer<Atomic<UInt8>> {
        unsafe (mapping.base + frontStart).assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    /// The first slot.
    @usableFromInline var slots: UnsafeMutableRawPointer {
        unsafe mapping.base + frontStart + layout.slotsOffset
    }

    /// The memory of a worker's arena.
    func arena(_ worker: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: mapping.base + arenaStart + worker * arenaSize, count: arenaSize)
    }

    /// The offset of an address from the region's start.
    func offset(of address: UnsafeRawPointer) -> Int {
        unsafe address - UnsafeRawPointer(mapping.base)
    }

    /// The bytes at an offset and length that a worker wrote, or nil if they do not lie within one arena.
    func bytes(offset: Int, length: Int) -> UnsafeRawBufferPointer? {
        guard length >= 0, length <= arenaSize, offset >= arenaStart, offset < mapping.size else { return nil }
        let within = (offset - arenaStart) % arenaSize
        guard length <= arenaSize - within else { return nil }
        return unsafe UnsafeRawBufferPointer(start: mapping.base + offset, count: length)
    }

    /// Takes the other workers' arenas out of this process, so that a wild write faults in the offender.
    func unmapArenas(except worker: Int) {
        let own = arenaStart + worker * arenaSize
        unsafe unmap(arenaStart..<own)
        unsafe unmap((own + arenaSize)..<(arenaStart + workers * arenaSize))
    }

    @unsafe private func unmap(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        unsafe munmap(mapping.base + range.lowerBound, range.count)
    }
}

// MARK: - Warm pages

extension Region {
    /// Counts what a map touched, and gives back what lies above `mark` bytes; the rest stays warm.
    func cool(to mark: Int, tornWorkers: Set<Int>) {
        for worker in 0..<workers {
            let used = unsafe line(worker).arenaUsed.pointee.load(ordering: .relaxed)
            arenaTouched[worker] = max(arenaTouched[worker], min(max(used, 0), arenaSize))
        }
        tornArenas.formUnion(tornWorkers)
        for worker in tornArenas { arenaTouched[worker] = arenaSize }
        tornArenas.removeAll()
        let touched = arenaTouched.reduce(frontTouched, +)
        guard touched > mark else { return }
        let frontKept = Mapping.pages(min(frontTouched, mark))
        mapping.discard((frontStart + frontKept)..<arenaStart)
        frontTouched = min(frontTouched, frontKept)
        let arenaKept = Mapping.pages(max(0, mark - frontKept) / workers)
        for worker in 0..<workers where arenaTouched[worker] > arenaKept {
            let start = arenaStart + worker * arenaSize
            mapping.discard((start + min(arenaKept, arenaSize))..<(start + arenaSize))
            arenaTouched[worker] = min(arenaKept, arenaSize)
        }
    }
}
