internal import CForkPool
internal import Glibc
internal import Synchronization

/// The one piece of shared memory of a map: cursor, scoreboard, states, slots and arenas.
///
/// From its start: the control words; a line for each worker; the front, which is laid out anew for each map (a
/// state byte and a slot for each item); then, always at the same places, a crash record and an arena for each
/// worker, for results of variable size. A small map so touches one page: to a freshly forked worker each further
/// one is a fault of 0.5 to 3 µs. The region is reserved large and committed by touch; a pool keeps it between maps,
/// since the first touch of a page is what big results cost.
@usableFromInline
final class Region: @unchecked Sendable {
    /// The most bytes of an arena for coded results, and an eighth of what all together have.
    ///
    /// Address space has an end too: 128 TiB, which all regions of a process share with everything else.
    private static let largestArena = 32 << 30
    /// The size of an arena that only holds reports of failures.
    private static let reportArena = 16 << 20
    /// What a front has room for at least, so that the pool's next map fits too.
    private static let usualFront = 4 << 30
    /// A reservation that would leave arenas smaller than this is a refusal.
    private static let smallestArena = 64 << 10

    private let mapping: Mapping
    private let workers: Int
    private let crashStart: Int
    private let arenaStart: Int
    private let arenaSize: Int
    /// Whether the arenas are large enough for coded results.
    private let isCoded: Bool

    /// The highest touched offset of what lies before the crash records, and of each arena, since the pages above
    /// were last given back.
    private var frontTouched = 0
    private var arenaTouched: [Int]

    /// Reserves a region for `workers` workers whose front can hold `layout`.
    ///
    /// Asks for less and less where the system grants no large reservation.
    init(workers: Int, layout: Layout) throws(SystemError) {
        let needed = Mapping.pages(MapMemory.frontStart(workers: workers) + layout.size)
        let crashes = Mapping.pages(workers * MapMemory.crashSize)
        // Whole pages, since each worker unmaps what is not its own.
        let most = layout.isCoded ? Self.largestArena : Self.reportArena
        var arena = Mapping.pages(min(most, 8 * Self.largestArena / workers))
        var spare = Self.usualFront
        mapping = try Self.reserve(needed: needed, spare: &spare, crashes: crashes, workers: workers, arena: &arena)
        crashStart = max(needed, spare)
        arenaStart = crashStart + crashes
        arenaSize = arena
        self.workers = workers
        isCoded = layout.isCoded
        arenaTouched = Array(repeating: 0, count: workers)
    }

    private static func reserve(
        needed: Int, spare: inout Int, crashes: Int, workers: Int, arena: inout Int
    ) throws(SystemError) -> Mapping {
        while true {
            do throws(SystemError) {
                return try Mapping(size: max(needed, spare) + crashes + workers * arena)
            } catch {
                guard error.code == SystemError.noMemory, arena / 2 >= smallestArena else { throw error }
                arena = Mapping.pages(arena / 2)
                spare = Mapping.pages(spare / 2)
            }
        }
    }

    /// Whether it has room for `layout`.
    func fits(_ layout: Layout) -> Bool {
        (isCoded || !layout.isCoded) && layout.size <= crashStart - MapMemory.frontStart(workers: workers)
    }

    /// Lays the front out for a map and clears what the map before left: cursor, lines and states.
    func prepare(_ layout: Layout) -> MapMemory {
        let memory = unsafe MapMemory(
            base: mapping.base, size: mapping.size, workers: workers, layout: layout, crashStart: crashStart,
            arenaStart: arenaStart, arenaSize: arenaSize, warmFront: frontTouched, warmArenas: arenaTouched)
        frontTouched = max(frontTouched, memory.frontEnd)
        memory.clear()
        return memory
    }

    /// Gives every page back, where nobody knows what a dead worker touched.
    func empty() {
        mapping.discard(0..<mapping.size)
        frontTouched = 0
        arenaTouched = Array(repeating: 0, count: workers)
    }

    /// Counts what a map touched, and gives back what lies above `mark` bytes; the rest stays warm.
    ///
    /// - Parameters:
    ///   - memory: Where the map's lines are.
    ///   - mark: Bytes that stay committed.
    func cool(_ memory: MapMemory, to mark: Int) {
        for worker in 0..<workers {
            let used = unsafe memory.line(worker).arenaUsed.pointee.load(ordering: .relaxed)
            arenaTouched[worker] = max(arenaTouched[worker], min(max(used, 0), arenaSize))
        }
        guard arenaTouched.reduce(frontTouched, +) > mark else { return }
        let frontKept = Mapping.pages(min(frontTouched, mark))
        mapping.discard(frontKept..<crashStart)
        frontTouched = min(frontTouched, frontKept)
        let arenaKept = min(Mapping.pages(max(0, mark - frontKept) / workers), arenaSize)
        for worker in 0..<workers where arenaTouched[worker] > arenaKept {
            let start = arenaStart + worker * arenaSize
            mapping.discard((start + arenaKept)..<(start + arenaSize))
            arenaTouched[worker] = arenaKept
        }
    }
}
