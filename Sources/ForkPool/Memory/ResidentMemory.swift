internal import CForkPool
internal import Glibc
internal import Synchronization

/// Where everything of a resident pool lies in its region: only numbers and an address, as in `MapMemory`.
///
/// From its start: the control words; the sets of open entries and of sleeping and spinning workers; the entries; a
/// line for each worker; a place and a crash record for each process; the tables of the arenas' blocks; the heap, where
/// the parent lays out states, slots and inputs; the arenas.
@safe struct ResidentMemory: @unchecked Sendable {
    /// What the layout depends on, kept at the region's start for a worker that maps it by itself.
    struct Shape: BitwiseCopyable {
        var token: UInt64
        var workers: Int
        var heapSize: Int
        var arenaSize: Int
    }

    /// The unit in which arenas are given to batches, in bytes.
    static let blockSize = 16 << 10
    private static let shapeOffset = 0
    private static let controlOffset = 128
    private static let crashSize = 1024

    let base: UnsafeMutableRawPointer
    let shape: Shape
    private let openOffset: Int
    private let entriesOffset: Int
    private let linesOffset: Int
    private let placesOffset: Int
    private let crashOffset: Int
    private let tablesOffset: Int
    private let heapOffset: Int
    private let arenaOffset: Int
    /// The size of the whole region.
    let size: Int

    init(base: UnsafeMutableRawPointer, shape: Shape) {
        unsafe self.base = base
        self.shape = shape
        var end = Self.controlOffset + 512
        func take(_ bytes: Int) -> Int {
            defer { end += (bytes + 127) / 128 * 128 }
            return end
        }
        openOffset = take(
            WorkerSet.size(capacity: Self.entries(shape.workers)) + 2 * WorkerSet.size(capacity: shape.workers))
        entriesOffset = take(Self.entries(shape.workers) * BatchEntry.size(workers: shape.workers))
        linesOffset = take(shape.workers * ScoreLine.size)
        placesOffset = take((shape.workers + 1) * 128)
        crashOffset = take((shape.workers + 1) * Self.crashSize)
        end = Mapping.pages(end)
        tablesOffset = take(shape.workers * shape.arenaSize / Self.blockSize * MemoryLayout<UInt32>.size)
        end = Mapping.pages(end)
        heapOffset = take(shape.heapSize)
        end = Mapping.pages(end)
        arenaOffset = take(shape.workers * shape.arenaSize)
        size = end
    }

    /// The number of batches that can be open at once: more than keep every worker busy with one item each.
    static func entries(_ workers: Int) -> Int { min(4096, max(64, (2 * workers + 63) / 64 * 64)) }

    var workers: Int { shape.workers }
    /// The number of processes that can exist at once: one for each worker, and one that waits to replace one.
    var places: Int { shape.workers + 1 }
    var entries: Int { Self.entries(shape.workers) }
    /// The heap's bytes, from the region's start.
    var heap: Range<Int> { heapOffset..<(heapOffset + shape.heapSize) }
    var arenas: Arenas { unsafe Arenas(base: base, start: arenaOffset, size: shape.arenaSize, end: size) }

    /// Writes the shape where a worker that maps the region finds it.
    func writeShape() {
        unsafe base.storeBytes(of: shape, toByteOffset: Self.shapeOffset, as: Shape.self)
    }

    /// The shape that a region begins with.
    static func readShape(_ base: UnsafeRawPointer) -> Shape {
        unsafe base.load(fromByteOffset: shapeOffset, as: Shape.self)
    }
}

// MARK: - Control words

extension ResidentMemory {
    private func control(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + Self.controlOffset + number * 8).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// Whether workers are to end once nothing is open.
    var closing: UnsafeMutablePointer<Atomic<Int>> { unsafe control(0) }
    /// The processors that workers and their parent may run on.
    var processors: UnsafeMutablePointer<Atomic<Int>> { unsafe control(1) }
    /// Whether batches wait for an entry: the end of one is then told to the keeper.
    var backlog: UnsafeMutablePointer<Atomic<Int>> { unsafe control(2) }
    /// Where a job that was sent to workers lies, in bytes from the region's start, and its length.
    var jobOffset: UnsafeMutablePointer<Atomic<Int>> { unsafe control(3) }
    var jobLength: UnsafeMutablePointer<Atomic<Int>> { unsafe control(4) }
    /// What its bytes sum up to, so that a worker can tell that they are the parent's.
    var jobChecksum: UnsafeMutablePointer<Atomic<Int>> { unsafe control(7) }
    /// The processors that the last caller, and the last worker that looked for work without a pause, were on.
    ///
    /// Two that are on the same one must not wait for each other without a pause.
    var callerProcessor: UnsafeMutablePointer<Atomic<Int>> { unsafe control(5) }
    var seekerProcessor: UnsafeMutablePointer<Atomic<Int>> { unsafe control(6) }
    /// Signalled when a batch gets an entry, or ends without one.
    var admission: SharedEvent { unsafe SharedEvent(at: base + Self.controlOffset + 128) }
    /// Signalled when an item of a stream has its outcome.
    var itemEnded: SharedEvent { unsafe SharedEvent(at: base + Self.controlOffset + 256) }

    /// The entries that have items to claim.
    var open: WorkerSet { unsafe WorkerSet(at: base + openOffset, capacity: entries) }
    /// The workers that sleep, or are about to.
    var sleepers: WorkerSet {
        unsafe WorkerSet(at: base + openOffset + WorkerSet.size(capacity: entries), capacity: workers)
    }
    /// The workers that will look for open batches before they sleep.
    var seekers: WorkerSet {
        unsafe WorkerSet(
            at: base + openOffset + WorkerSet.size(capacity: entries) + WorkerSet.size(capacity: workers),
            capacity: workers)
    }
}

// MARK: - Entries, lines and places

extension ResidentMemory {
    /// An entry, by number.
    func entry(_ number: Int) -> BatchEntry {
        unsafe BatchEntry(
            base: base + entriesOffset + number * BatchEntry.size(workers: workers), workers: workers)
    }

    /// The scoreboard line of a worker.
    func line(_ worker: Int) -> ScoreLine {
        unsafe ScoreLine(base: base + linesOffset + worker * ScoreLine.size)
    }

    /// Where a process waits for its assignment.
    func assignment(_ place: Int) -> Assignment {
        unsafe Assignment(at: base + placesOffset + place * 128, key: shape.token &+ UInt64(place) << 32)
    }

    /// Where the crash handler of the process in a place writes.
    func crash(_ place: Int) -> UnsafeMutablePointer<cforkpool_crash> {
        unsafe (base + crashOffset + place * Self.crashSize).assumingMemoryBound(to: cforkpool_crash.self)
    }

    /// The tags of the blocks of a worker's arena.
    func blockTags(_ worker: Int) -> UnsafeMutableBufferPointer<UInt32> {
        let blocks = shape.arenaSize / Self.blockSize
        let first = unsafe (base + tablesOffset + worker * blocks * MemoryLayout<UInt32>.size)
        return unsafe UnsafeMutableBufferPointer(start: first.assumingMemoryBound(to: UInt32.self), count: blocks)
    }

    /// Where a worker that could not be set up says why: at the end of its arena.
    func setUpReport(_ worker: Int) -> UnsafeMutableRawBufferPointer {
        let arena = unsafe arenas.memory(worker)
        return unsafe UnsafeMutableRawBufferPointer(rebasing: arena[(arena.count - 2 * Self.blockSize)...])
    }

    /// Wakes up to `count` sleeping workers.
    func wake(_ count: Int) {
        var left = min(count, workers)
        // Somebody may put sleepers there faster than they are woken.
        var tries = 2 * workers
        while left > 0, tries > 0, let worker = sleepers.next(from: 0) {
            tries -= 1
            if sleepers.remove(worker) {
                line(worker).wake()
                left -= 1
            }
        }
    }

    /// Wakes the workers that sleep and that nobody would find: who took them from the sleepers died before it woke them.
    func wakeForgotten() {
        for worker in 0..<workers where line(worker).isSleeping && !sleepers.contains(worker) { line(worker).wake() }
    }
}

// MARK: - In a worker

extension ResidentMemory {
    /// Takes the other workers' arenas out of this process, so that a wild write faults in the offender.
    func unmapArenas(except worker: Int) {
        let own = unsafe arenas.memory(worker)
        let first = unsafe base + arenaOffset
        unsafe unmap(first, own.baseAddress! - first)
        unsafe unmap(own.baseAddress! + own.count, base + size - (own.baseAddress! + own.count))
        // A child that the body forks, and that returns from the body too, must not publish anything.
        unsafe _ = cforkpool_withhold(
            cforkpool_withheld(
                first: base, first_size: arenaOffset, second: own.baseAddress!, second_size: own.count))
    }

    private func unmap(_ start: UnsafeMutableRawPointer, _ size: Int) {
        guard size > 0 else { return }
        unsafe munmap(start, size)
    }
}
