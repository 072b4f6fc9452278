// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// Some items that a pool was given at once, as the parent sees them.
///
/// Until it is submitted a batch belongs to the thread that made it; from then on the pool's lock guards what changes; when
/// it has ended nothing changes any more. Its memory is released with its last reference.
@usableFromInline
@safe final class Batch: Prioritized, @unchecked Sendable {
    /// Where a batch is on its way: README.md has a table.
    enum Stage {
        case made
        case pending
        /// Offered at a batch slot.
        case open(Int)
        case ended
    }

    @usableFromInline let shape: Shape
    let pool: Pool
    @usableFromInline var results: ResultMemory
    /// The states and the slots, one after the other.
    let front: SharedHeap.Part
    /// The inputs: slots, and then what is coded.
    private(set) var inputParts: [SharedHeap.Part]
    /// The number of the call or map of the pool that it belongs to, and that of its first item there.
    var call: (number: Int, firstItem: Int)
    /// The free bytes of the last part, for coded inputs.
    private var free = 0..<0
    private lazy var encoder = BinaryEncoder()
    /// The file that gets the results, and that had some of them.
    var journal: Journal?

    /// Whether the batch has ended, for readers without the lock: a later change of a state is damage.
    let hasEnded = Atomic(false)
    /// The calls that were cancelled, a bit each, where the batch has several.
    let cancelledCalls = Atomic<UInt64>(0)

    // The pool's lock guards what follows.
    var stage = Stage.made
    var machine: BatchMachine
    /// The tags of its blocks in the arenas; the last one is that of its batch slot.
    var tags: [Int]
    var newestError = 0
    var arenaUsers = ArenaUsers()
    var waiters: [Waiter] = []
    /// The tasks that wait for a call of the batch, with its number, where it has several.
    var callWaiters: [(item: Int, waiter: Waiter)] = []
    /// When the progress handler was last called, in nanoseconds of the monotonic clock.
    var progressShown = 0
    private let isProgressOver: Locked<Bool>?

    init(_ shape: Shape, pool: Pool, memory: SharedHeap.Part, inputs: SharedHeap.Part?, tag: Int, call: Int) {
        self.shape = shape
        self.pool = pool
        front = memory
        inputParts = inputs.map { [$0] } ?? []
        tags = [tag]
        self.call = (call, shape.rules.journal?.part.lowerBound ?? 0)
        isProgressOver = shape.showsProgress ? Locked(false) : nil
        machine = BatchMachine(
            count: shape.gathersCalls ? 0 : shape.count, stopsAtFailure: shape.stopsAtFailure,
            policy: shape.rules.retries,
            timeout: shape.rules.timeout ?? 0, grace: pool.servesOneBatch ? 0 : Pool.grace)
        let base = unsafe pool.layout.base
        results = unsafe ResultMemory(
            states: base + memory.offset, slots: base + shape.slotsOffset(from: memory.offset), count: shape.count,
            arenas: pool.layout.arenas)
    }

    /// Makes every item unfinished, before the first one is offered.
    func clearStates() {
        // Fresh pages are zero already, and a pool for one batch has no worker that could have written to them.
        let used = pool.servesOneBatch ? min(shape.count, front.zeroed - front.offset) : shape.count
        unsafe UnsafeMutableRawPointer(results.states)
            .initializeMemory(as: UInt8.self, repeating: ItemState.unfinished, count: used)
    }

    deinit {
        pool.release(self)
    }

    var priority: Int { shape.rules.priority }

    /// The bytes of shared memory that the batch has.
    var memorySize: Int { inputParts.reduce(front.size) { $0 + $1.size } }

    /// Where states, inputs and slots begin, in bytes from the region's start.
    var statesOffset: Int { front.offset }
    var inputsOffset: Int { inputParts.first?.offset ?? pool.layout.inputs.lowerBound }
    var slotsOffset: Int { shape.slotsOffset(from: front.offset) }
    /// The end of the heap's bytes that had pages before the batch was laid out.
    var warmEnd: Int { front.zeroed }

    /// Whether an item has its outcome, and all of it.
    func isOver(_ item: Int) -> Bool {
        unsafe ItemState.isOver(results.states[item].load(ordering: .acquiring)) || hasEnded.load(ordering: .relaxed)
            || isCancelled(item)
    }

    /// Publishes that no further error of an item comes: its worker died while it described one.
    func settleError(of item: Int) {
        _ = unsafe results.states[item].compareExchange(
            expected: ItemState.failed, desired: ItemState.described, ordering: .acquiringAndReleasing)
    }

    /// Publishes that the parent knows why an item has no result.
    func markLost(_ item: Int) {
        unsafe results.states[item].store(ItemState.lost, ordering: .releasing)
    }

    /// Whether a batch that has ended has all results.
    @usableFromInline var isWhole: Bool { machine.ending == nil && results.isComplete }

    func result() -> MapResult {
        // The closure keeps the batch, and with it the memory.
        let reader = FailureReader(memory: results, machine: machine, newestError: newestError)
        return MapResult(reader) { extendLifetime(self) }
    }

    // MARK: - Inputs

    @usableFromInline var inputs: UnsafeMutableRawPointer { unsafe pool.layout.base + inputsOffset }

    /// Encodes an input into the pool's memory; one that throws or has no room is the item's failure.
    @unsafe func encode(_ item: Int, _ write: (BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int) {
        let slot = unsafe inputs + item * MemoryLayout<Extent>.stride
        // Until it is encoded the worker passes it over.
        unsafe slot.storeBytes(of: Extent(offset: 0, length: -1), as: Extent.self)
        var wanted = 4096
        while true {
            do {
                let memory = unsafe UnsafeMutableRawBufferPointer(
                    start: pool.layout.base + free.lowerBound, count: free.count)
                let length = unsafe try write(encoder, memory)
                unsafe slot.storeBytes(of: Extent(offset: free.lowerBound, length: length), as: Extent.self)
                free = free.lowerBound + length..<free.upperBound
                return
            } catch is BinaryEncoder.OutOfSpace {
                // Parts grow fourfold: few parts, and little that is left over in them.
                wanted = max(wanted * 4, inputParts.last?.size ?? 0)
                guard let part = pool.allocateInputs(wanted) else { return reject(item, .noRoomForInput) }
                inputParts.append(part)
                free = part.offset..<part.end
            } catch {
                return reject(item, .inputNotEncodable(ErrorDescription.of(error)))
            }
        }
    }

    private func reject(_ item: Int, _ cause: FailureCause) {
        machine.reject(item, cause)
        markLost(item)
    }

    // MARK: - Progress

    /// Calls the pool's progress handler, if there is one; never after the last time.
    func showProgress(isLast: Bool) {
        guard shape.showsProgress, let handler = pool.options.progress else { return }
        func show(_ isOver: inout Bool) {
            guard !isOver else { return }
            isOver = isLast
            handler(.init(done: results.finishedCount, total: shape.count))
        }
        // The supervisor waits for no handler: the last one may wait for the supervisor, to end the pool.
        if isLast { isProgressOver?.withLock(show) } else { isProgressOver?.withLockIfFree(show) }
    }
}
