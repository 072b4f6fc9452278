internal import CForkPool
internal import Glibc
internal import Synchronization

/// What all users of a resident pool share: its memory, its batches, and what is to become of it.
///
/// Whoever calls the pool does so from any thread: it lays a batch out, opens it to the workers and waits for its end,
/// all without the keeper, which only acts when a worker ends or a task waits.
final class ResidentCore: Sendable {
    let region: ResidentRegion
    let memory: ResidentMemory
    let options: ForkPool.Options
    /// Rings where the keeper waits.
    let bell: Bell
    /// The process that made the pool: a fork of it has the memory, but no keeper.
    private let generation = cforkpool_generation()
    /// The processors that workers and callers may run on.
    let processors = ForkPool.availableProcessors
    private let state: Guarded<State>

    /// What is guarded by the lock.
    struct State {
        var heap: SharedHeap
        var nextTag = 1
        /// The batches that are open, by entry.
        var entries: [Batch?]
        var freeEntries: [Int]
        var pending: [Batch] = []
        /// Batches that somebody holds.
        var batches = 0
        /// Why nothing runs any more.
        var ending: MapMachine.Cause?
        /// Why nothing new is taken any more, as the end of a sentence.
        var refusal: String?
        /// Whether every worker has an end before it: `close` was called and nothing is left to do.
        var isClosing = false
        /// Whether the keeper looks after workers from time to time; else whoever uses the pool rings for it.
        var isWatched = true
        /// Whether anybody used the pool since the keeper last asked.
        var wasUsed = false
        /// Whether a batch has ended since the keeper last asked.
        var hasEndedBatch = false
        /// Whether there is no process that is or could become a worker.
        var isUnmanned = false
        /// The tasks that wait for the next item of a stream.
        var streamWaiters: [Waiter] = []
        /// Batches that have ended, kept until the lock is free: the last to let go of one takes the lock.
        var retired: [Batch] = []
        /// The tasks that have nothing to wait for any more, until the lock is free.
        var awakened: [Waiter] = []
        /// Whether the keeper looks again before long; else it must be told that somebody waits.
        var isAttended = false
        /// When the keeper last set right what could be damaged, in nanoseconds of the monotonic clock.
        var repaired = 0
        /// The workers that were begun to run what another one left.
        var heirs: Set<Int> = []
        /// What exec'd workers are told, and where.
        var order: (bytes: [UInt8], offset: Int)?
        /// The end of what each arena had touched when it was last given back.
        var arenaKept: [Int]
    }

    init(workers: Int, options: ForkPool.Options, named: Bool) throws(SystemError) {
        bell = try Bell()
        region = try ResidentRegion(workers: workers, named: named)
        memory = region.memory
        self.options = options
        unsafe memory.processors.pointee.store(processors, ordering: .relaxed)
        state = Guarded(
            State(
                heap: SharedHeap(region.memory.heap), entries: Array(repeating: nil, count: region.memory.entries),
                freeEntries: Array((0..<region.memory.entries).reversed()),
                arenaKept: Array(repeating: 0, count: workers)))
    }

    /// Runs `body` while nobody else sees or changes the state.
    func locked<T>(_ body: (inout State) -> T) -> T {
        let (result, retired, awakened) = state.withLock { state in
            let result = body(&state)
            defer {
                state.retired = []
                state.awakened = []
            }
            return (result, state.retired, state.awakened)
        }
        Waiter.resume(awakened)
        extendLifetime(retired)
        return result
    }

    /// Whether this process is the one that made the pool.
    var isOwn: Bool { cforkpool_generation() == generation }
}

// MARK: - Memory of batches

extension ResidentCore {
    /// Lays out a batch.
    ///
    /// - Throws: The refusal, if the pool is closed or its memory is full.
    func makeBatch(_ shape: Batch.Shape) throws(ForkPool.Failure) -> Batch {
        guard isOwn else { throw .foreign }
        let (front, tag, refusal) = locked { state -> (SharedHeap.Part?, Int, ForkPool.Failure?) in
            if let ending = state.ending, state.refusal == nil { return (nil, 0, ForkPool.Failure(ending, nil)) }
            if let refusal = state.refusal { return (nil, 0, .closed(refusal)) }
            let tag = state.takeTag()
            let part = Batch.size(shape).flatMap { state.heap.allocate($0) }
            if part != nil { state.batches += 1 }
            return (part, tag, nil)
        }
        if let refusal { throw refusal }
        guard let front else { throw .full }
        return Batch(shape, core: self, front: front, tag: tag)
    }

    /// More of the heap, for coded inputs.
    func allocate(_ size: Int) -> SharedHeap.Part? {
        locked { $0.heap.allocate(size) }
    }

    /// Takes the memory of a batch back that nobody holds any more.
    func release(_ batch: Batch) {
        guard isOwn else { return }
        locked { state in
            state.batches -= 1
            if batch.usesArenas { freeBlocks(of: batch) }
            for part in batch.parts {
                if let pages = state.heap.release(part, keeping: options.warmMemory) { region.discard(pages) }
            }
            if state.batches == 0 { coolArenas(&state) }
        }
    }

    private func freeBlocks(of batch: Batch) {
        let tags = batch.tags.map { UInt32(truncatingIfNeeded: $0) }
        for worker in 0..<memory.workers {
            let blocks = unsafe memory.blockTags(worker)
            let used = unsafe memory.line(worker).blocksUsed.pointee.load(ordering: .relaxed)
            // How far blocks are used is the worker's to lower: it alone knows what it is about to mark.
            for block in 0..<min(max(used, 0), blocks.count) where unsafe blocks[block] != 0 {
                if unsafe tags.contains(blocks[block]) { unsafe blocks[block] = 0 }
            }
        }
    }

    /// Gives back, when nothing is in use, what lies above the arenas' share of the memory that stays warm.
    private func coolArenas(_ state: inout State) {
        let size = ResidentMemory.blockSize
        let share = options.warmMemory / memory.workers / size
        for worker in 0..<memory.workers {
            let touched = unsafe memory.line(worker).blocksTouched.pointee.exchange(0, ordering: .relaxed)
            // Nothing is marked any more.
            unsafe memory.line(worker).blocksUsed.pointee.store(0, ordering: .relaxed)
            state.arenaKept[worker] = max(state.arenaKept[worker], min(max(touched, 0), memory.shape.arenaSize / size))
            guard state.arenaKept[worker] > share else { continue }
            let start = memory.arenas.offset(worker)
            let kept = Mapping.pages(start + share * size)
            let end = start + state.arenaKept[worker] * size
            if kept < end { region.discard(kept..<end) }
            state.arenaKept[worker] = share
        }
    }
}

extension ResidentCore.State {
    /// A number that no batch had, as far as 32 bits go.
    mutating func takeTag() -> Int {
        defer { nextTag = nextTag == 0xFFFF_FFFF ? 1 : nextTag + 1 }
        return nextTag
    }
}

/// A task that waits.
@safe struct Waiter: Sendable {
    private let continuation: UnsafeContinuation<Void, Never>

    init(_ continuation: UnsafeContinuation<Void, Never>) {
        unsafe self.continuation = continuation
    }

    func resume() {
        unsafe continuation.resume()
    }

    /// Resumes tasks from a task of its own.
    ///
    /// Who cancels a task holds the task's lock while its cancellation handlers run, and to resume the task takes that lock
    /// too. So nobody resumes who holds what a handler waits for: a lock of the pool, the end of the pool, another task.
    static func resume(_ waiters: [Waiter]) {
        guard !waiters.isEmpty else { return }
        Task.detached {
            for waiter in waiters { waiter.resume() }
        }
    }
}

/// An event counter at which the keeper waits.
final class Bell: Sendable {
    let descriptor: Int32

    init() throws(SystemError) {
        descriptor = try SystemError.check("eventfd") { cforkpool_eventfd() }
    }

    deinit {
        close(descriptor)
    }

    func ring() {
        _ = cforkpool_eventfd_notify(descriptor)
    }

    func drain() {
        cforkpool_eventfd_drain(descriptor)
    }
}
