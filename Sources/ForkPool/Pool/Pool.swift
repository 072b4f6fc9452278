// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// What all callers of a pool share: its memory, its batches, and how it ends; README.md says how a pool runs a batch.
final class Pool: Sendable {
    let region: Region
    let layout: RegionLayout
    let options: ForkPool.Options
    /// Notifies the supervisor; nil where the pool serves one batch.
    ///
    /// There the end of a process tells the supervisor. And a pool that is kept for its memory holds no descriptor: the host
    /// may close every descriptor between two maps, and a file of its own may then have the number.
    let event: EventFD?
    /// Whether the pool serves one batch at a time and closes with it.
    let servesOneBatch: Bool
    /// The number of processors that workers and callers may run on.
    let processors = Processors.recentlyAvailable
    /// The process that made the pool: a fork of it has the memory and no supervisor.
    private let generation = cforkpool_generation()
    private let state: Locked<State>

    struct State {
        var heap: SharedHeap
        var inputHeap: SharedHeap
        var queue: BatchQueue<Batch>
        var nextTag = 1
        /// How many workers may end for all offers so far, and for the batches that are open.
        var allowedExits = 0
        var openExits = 0
        /// The number of calls, maps and streams that were begun.
        var calls = 0
        /// The number of batches that are not released.
        var batches = 0
        /// How many open batches are calls.
        var openCalls = 0
        /// The batch slot of the batch of calls that was opened last.
        var newestCalls: Int?
        /// Whether the supervisor looks at workers from time to time; else a caller notifies it.
        var isWatched = true
        /// Whether the pool was used since the supervisor last asked.
        var wasUsed = false
        /// When the supervisor looks at the latest for the sake of a deadline, in nanoseconds of the monotonic clock.
        var lookBy = Int.max
        /// The shortest timeout of an item, in nanoseconds: with which the supervisor planned, and that was submitted since.
        var watchedTimeout = Int.max
        var newestTimeout = Int.max
        /// The batch slots for whose batches threads may sleep.
        var slotsWaitedFor: Set<Int> = []
        /// Whether a batch has ended since the supervisor last asked.
        var hasEndedBatch = false
        /// Whether no process is or could become a worker.
        var isUnmanned = false
        /// The tasks that wait for the next item of a stream.
        var streamWaiters: [Waiter] = []
        /// Whether one of them is to be resumed at once: else results may gather for a moment.
        var hasImpatientStream = false
        /// The streams that collect inputs, and those of them that are to submit some when the lock is free.
        var collectors: [any InputCollector] = []
        var calledCollectors: [any InputCollector] = []
        /// Batches that have ended, kept until the lock is free: their release takes the lock.
        var retired: [Batch] = []
        /// Tasks that are resumed when the lock is free.
        var awakened: [Waiter] = []
        /// Whether the supervisor looks again before long; else a caller that waits notifies it.
        var isAttended = false
        /// The callers that wait for room, in their order, and how many ever did.
        var roomLine: [RoomTicket] = []
        var roomTickets = 0
        /// When the supervisor last repaired what could be damaged, in nanoseconds of the monotonic clock.
        var repaired = 0
        /// Whether workers run a `setUp` or make a state: else one that seems to be in it has a damaged record.
        var hasSetUp: Bool
        /// The workers whose process first runs a predecessor's remaining range.
        var inheritors: Set<Int> = []
        /// Which jobs of a pool that has several accept work; nil in other pools.
        var jobs: JobRoster?
        /// The bytes that exec workers read, and their offset.
        var job: (bytes: [UInt8], offset: Int)?
        /// The number of blocks of each arena that have pages.
        var warmBlocks: [Int]
        /// The most of them, for each arena, after the last time that some were discarded.
        var warmShare = 0
        /// The workers that wrote to their arenas since these were last cooled.
        var arenaUsers = ArenaUsers()
    }

    init(
        workers: Int, options: ForkPool.Options, for purpose: Region.Purpose, hasSetUp: Bool = false, heap: Int = 0
    ) throws(SystemError) {
        event = purpose == .oneBatch ? nil : try EventFD()
        region = try Region(workers: workers, for: purpose, heap: heap)
        layout = region.layout
        servesOneBatch = purpose == .oneBatch
        self.options = options
        unsafe layout.processors.pointee.store(processors, ordering: .relaxed)
        state = Locked(
            State(
                heap: SharedHeap(layout.heap), inputHeap: SharedHeap(layout.inputs),
                queue: BatchQueue(
                    slots: layout.batchSlots, kept: min(workers, layout.batchSlots / 4),
                    closesWithBatch: purpose == .oneBatch),
                hasSetUp: hasSetUp,
                warmBlocks: Array(repeating: 0, count: workers)))
    }

    /// Runs `body` while no other thread reads or changes the state.
    func locked<T>(_ body: (inout State) -> T) -> T {
        let (result, retired, awakened, called) = state.withLock { state in
            (
                body(&state), state.retired.isEmpty ? [] : exchange(&state.retired, with: []),
                state.awakened.isEmpty ? [] : exchange(&state.awakened, with: []),
                state.calledCollectors.isEmpty ? [] : exchange(&state.calledCollectors, with: [])
            )
        }
        Waiter.resume(awakened)
        for collector in called { Task.detached { collector.submitCollectedInputs() } }
        extendLifetime(retired)
        return result
    }

    /// Whether this process is the one that made the pool.
    var isOwn: Bool { cforkpool_generation() == generation }

    /// The descriptor of `event`, or -1.
    var eventFD: Int32 { event?.descriptor ?? -1 }

    /// Whether a process is being started; a notice tells its end.
    let isStarting = Atomic(false)
    /// Whether a process may still write to the memory: one that could not be ended, or that shares the memory of a worker
    /// which did not end by itself.
    let isTainted = Atomic(false)

    var isClosing: Bool { locked { $0.queue.isClosing } }
    var hasWork: Bool { locked { $0.queue.hasWork } }

    // MARK: - Close and cancel

    func close(_ over: PrivateEvent) {
        guard isOwn else { return }
        locked { state in
            state.queue.refuse(because: "was closed")
            wakeRoomLine(&state)
            resumeStreams(&state)
        }
        while let batch = locked({ $0.queue.unfinished }) { wait(for: batch) }
        locked { $0.queue.close() }
        unsafe layout.closing.pointee.store(1, ordering: .sequentiallyConsistent)
        layout.wake(.max)
        notifySupervisor()
        over.wait()
    }

    func cancel(_ over: PrivateEvent, because refusal: String) {
        guard isOwn else { return }
        locked { state in
            state.queue.refuse(because: refusal)
            endBatches(.poolEnded(refusal), &state)
            resumeStreams(&state)
        }
        notifySupervisor()
        over.wait()
    }

    // MARK: - Memory of batches

    /// Lays out a batch; throws if the pool is closed or its memory is full.
    func makeBatch(_ shape: Batch.Shape) throws(ForkPool.Failure) -> Batch {
        guard isOwn else { throw .foreign }
        let batch = try locked { state -> Result<Batch, ForkPool.Failure> in
            if let refusal = self.refusal(of: state, shape.job) { return .failure(refusal) }
            return layOut(shape, &state).map(Result.success) ?? .failure(.full)
        }.get()
        // Without the lock: a large batch has many pages.
        batch.clearStates()
        return batch
    }

    /// Lays out a batch, whose states are not clear yet; nil if the memory is full.
    func layOut(_ shape: Batch.Shape, _ state: inout State) -> Batch? {
        guard let size = shape.size, let inputSize = shape.inputSize, let front = state.heap.allocate(size) else {
            return nil
        }
        let inputs = inputSize > 0 ? state.inputHeap.allocate(inputSize) : nil
        guard inputSize == 0 || inputs != nil else {
            // It was given out just now, and has no pages to give back.
            _ = state.heap.release(front, keeping: .max)
            return nil
        }
        state.batches += 1
        // The batches of a stream have its number.
        let call = shape.signalsItems ? 0 : state.takeCall()
        return Batch(shape, pool: self, memory: front, inputs: inputs, tag: state.takeTag(), call: call)
    }

    /// Why the pool accepts no batch of a job.
    func refusal(of state: State, _ job: Int) -> ForkPool.Failure? {
        if let reason = state.jobs?.refusal(of: job) { return .closed(reason) }
        return switch state.queue.refusesBatches {
        case .refused(let reason): .closed(reason)
        case .ended: state.queue.ending.map { ForkPool.Failure($0, nil) }
        default: nil
        }
    }

    func allocateInputs(_ size: Int) -> SharedHeap.Part? {
        locked { $0.inputHeap.allocate(size) }
    }

    func release(_ batch: Batch) {
        guard isOwn else { return }
        locked { state in
            state.batches -= 1
            freeBlocks(of: batch, state)
            state.arenaUsers.formUnion(batch.arenaUsers)
            release(batch.front, to: &state.heap)
            for part in batch.inputParts { release(part, to: &state.inputHeap) }
            if state.batches == 0 { coolArenas(&state) }
        }
    }

    private func release(_ part: SharedHeap.Part, to heap: inout SharedHeap) {
        guard let pages = heap.release(part, keeping: options.warmMemory), !region.discard(pages) else { return }
        heap.distrustFreshPages()
    }

    /// Frees the blocks of a batch; while others are held, those above the arenas' share of the warm memory lose their pages.
    private func freeBlocks(of batch: Batch, _ state: State) {
        guard !batch.arenaUsers.isEmpty else { return }
        let tags = batch.tags.map { UInt32(truncatingIfNeeded: $0) }
        let kept = state.batches > 0 ? warmBlocks(state) : .max
        batch.arenaUsers.forEach(of: layout.workers) { worker in
            let blocks = unsafe layout.blockTags(worker)
            let used = unsafe layout.record(worker).blocksUsed.pointee.load(ordering: .relaxed)
            // Only the worker lowers `blocksUsed`: it alone knows which block it is about to mark.
            let end = min(max(used, 0), blocks.count)
            var first = 0
            while first < end {
                var next = first
                while next < end, unsafe blocks[next] != 0, unsafe tags.contains(blocks[next]) { next += 1 }
                // The pages go first: as soon as a block is free its worker may write to it.
                if max(first, kept) < next { discardBlocks(max(first, kept)..<next, of: worker) }
                for block in first..<next { unsafe blocks[block] = 0 }
                first = next + 1
            }
        }
    }

    /// Gives the whole pages of some blocks back.
    private func discardBlocks(_ blocks: Range<Int>, of worker: Int) {
        let (start, size) = (layout.arenas.offset(worker), RegionLayout.blockSize)
        let first = Mapping.pages(start + blocks.lowerBound * size)
        let end = (start + blocks.upperBound * size) / Mapping.pageSize * Mapping.pageSize
        if first < end { region.discard(first..<end) }
    }

    /// The number of blocks of each arena that are in the memory that stays warm.
    private func warmBlocks(_ state: State) -> Int {
        let warm = max(0, options.warmMemory - state.heap.warmSize - state.inputHeap.warmSize)
        return warm / layout.workers / RegionLayout.blockSize
    }

    /// Gives back, when nothing is in use, what lies above the arenas' share of the memory that stays warm.
    private func coolArenas(_ state: inout State) {
        let size = RegionLayout.blockSize
        let blocks = layout.shape.arenaSize / size
        let share = warmBlocks(state)
        // Those that wrote since the last time; all of them where less may stay warm than then.
        let users = share < state.warmShare ? .all : state.arenaUsers
        state.arenaUsers = ArenaUsers()
        state.warmShare = share
        users.forEach(of: layout.workers) { worker in
            let record = layout.record(worker)
            // Most batches use no arena, and a load costs less than the exchange.
            let hasTouched = unsafe record.blocksTouched.pointee.load(ordering: .relaxed) != 0
            let touched = hasTouched ? unsafe record.blocksTouched.pointee.exchange(0, ordering: .relaxed) : 0
            // No block is marked any more.
            unsafe record.blocksUsed.pointee.store(0, ordering: .relaxed)
            state.warmBlocks[worker] = max(state.warmBlocks[worker], min(touched, blocks))
            guard state.warmBlocks[worker] > share else { return }
            let start = layout.arenas.offset(worker)
            let kept = Mapping.pages(start + share * size)
            let end = start + state.warmBlocks[worker] * size
            if kept < end { region.discard(kept..<end) }
            state.warmBlocks[worker] = share
        }
    }
}
