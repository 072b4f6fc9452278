internal import CForkPool
internal import Synchronization

/// Some items that were given to a resident pool at once, as the parent sees them.
///
/// Until it is submitted it belongs to the thread that made it; from then on what changes is guarded by the core's lock;
/// when it has ended nothing changes any more. Its memory is given back when nobody holds it.
@usableFromInline
@safe final class Batch: @unchecked Sendable {
    /// What a batch's items need.
    @usableFromInline
    struct Shape: Sendable {
        @usableFromInline var count: Int
        var inputStride: Int
        var slotStride: Int
        /// Whether the first failure ends the batch.
        var stopsAtFailure: Bool
        /// Whether each item's end is signalled.
        var signalsItems = false
        /// Whether the pool's progress handler hears of it.
        var showsProgress = false

        var statesSize: Int { (count + 127) / 128 * 128 }
        var inputsSize: Int { (count * inputStride + 127) / 128 * 128 }
    }

    enum Stage {
        case made
        case pending
        case open(Int)
        case ended
    }

    @usableFromInline let shape: Shape
    let core: ResidentCore
    /// Where the outcomes are.
    let memory: ResultMemory
    /// The states, the inputs and the slots, one after the other.
    private let front: SharedHeap.Part
    /// Everything of the heap that the batch has.
    private(set) var parts: [SharedHeap.Part]
    /// What is free of the last part, for coded inputs.
    private var free = 0..<0
    private let encoder = BinaryEncoder()

    /// Whether it has ended, for those who do not hold the lock: whatever is done to the states then is damage.
    let hasEnded = Atomic(false)

    // Guarded by the core's lock.
    var stage = Stage.made
    /// Where workers that run what another one left were to begin.
    var firstItems: [Int: Int] = [:]
    /// From where items are offered, and how many workers may end until that is looked at closely.
    var offered = 0
    var endsLeft = 0
    /// The workers that are inside of its entry and were seen to be elsewhere.
    var absent: Set<Int> = []
    var machine: MapMachine
    /// What its blocks in the arenas bear; the last one is that of its entry.
    var tags: [Int]
    var newestReport = 0
    var usesArenas = false
    var waiters: [Waiter] = []
    /// Since when items above a failure are needless, in nanoseconds of the monotonic clock.
    var failingSince: Int?
    /// When to look again whether workers are on needless items, in the same nanoseconds.
    var nextLook: Int?
    var progressShown = 0
    private let isProgressOver: Guarded<Bool>?

    init(_ shape: Shape, core: ResidentCore, front: SharedHeap.Part, tag: Int) {
        self.shape = shape
        self.core = core
        self.front = front
        parts = [front]
        tags = [tag]
        isProgressOver = shape.showsProgress ? Guarded(false) : nil
        machine = MapMachine(
            count: shape.count, stopsAtFailure: shape.stopsAtFailure, policy: RetryPolicy(core.options),
            timeout: core.options.timeout?.nanoseconds ?? 0)
        let base = unsafe core.memory.base
        let slots = front.offset + shape.statesSize + shape.inputsSize
        memory = unsafe ResultMemory(
            states: base + front.offset, slots: base + slots, count: shape.count, arenas: core.memory.arenas)
        unsafe (base + front.offset).initializeMemory(
            as: UInt8.self, repeating: ItemState.unfinished, count: shape.count)
    }

    deinit {
        core.release(self)
    }

    /// Up to where items are to be run: a failure that is known and ends the batch makes those above it needless.
    var end: Int { min(shape.count, machine.lowestFailure) }

    /// Where states, inputs and slots begin, in bytes from the region's start.
    var statesOffset: Int { front.offset }
    var inputsOffset: Int { front.offset + shape.statesSize }
    var slotsOffset: Int { inputsOffset + shape.inputsSize }

    /// The bytes that such a batch takes, or nil if they cannot be counted.
    static func size(_ shape: Shape) -> Int? {
        let (inputs, first) = shape.count.multipliedReportingOverflow(by: shape.inputStride)
        let (slots, second) = shape.count.multipliedReportingOverflow(by: shape.slotStride)
        guard !first, !second, inputs < .max / 8, slots < .max / 8, shape.count < .max / 8 else { return nil }
        return shape.statesSize + shape.inputsSize + slots
    }
}

// MARK: - Inputs

extension Batch {
    /// The first slot for inputs that are bit patterns.
    @usableFromInline
    var inputs: UnsafeMutableRawPointer { unsafe core.memory.base + inputsOffset }

    /// Encodes an input into the pool's memory; what it throws, and what has no room, is the item's failure.
    @unsafe func encode(_ item: Int, _ write: (BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int) {
        let slot = unsafe inputs + item * MemoryLayout<Extent>.stride
        // So the worker passes it over.
        unsafe slot.storeBytes(of: Extent(offset: 0, length: -1), as: Extent.self)
        var wanted = 4096
        while true {
            do {
                let memory = unsafe UnsafeMutableRawBufferPointer(
                    start: core.memory.base + free.lowerBound, count: free.count)
                let length = unsafe try write(encoder, memory)
                unsafe slot.storeBytes(of: Extent(offset: free.lowerBound, length: length), as: Extent.self)
                free = free.lowerBound + length..<free.upperBound
                return
            } catch is BinaryEncoder.OutOfSpace {
                // Twice as much as before each time: few parts, and little that is left over in them.
                wanted = max(wanted * 4, parts.last!.size)
                guard let part = core.allocate(wanted) else { return reject(item, .noRoomForInput) }
                parts.append(part)
                free = part.offset..<part.end
            } catch {
                return reject(item, .inputNotEncodable(String(describing: error)))
            }
        }
    }

    private func reject(_ item: Int, _ cause: MapMachine.Cause) {
        machine.reject(item, cause)
        markLost(item)
    }

    /// Whether an item has its outcome, and all of it.
    func isOver(_ item: Int) -> Bool {
        unsafe ItemState.isOver(memory.states[item].load(ordering: .acquiring)) || hasEnded.load(ordering: .relaxed)
    }

    /// Hears that a worker died while it wrote down what an error says of itself.
    func settleReport(of item: Int) {
        _ = unsafe memory.states[item].compareExchange(
            expected: ItemState.failed, desired: ItemState.described, ordering: .acquiringAndReleasing)
    }

    /// Makes the item's state say that the parent knows why there is no result.
    func markLost(_ item: Int) {
        unsafe memory.states[item].store(ItemState.lost, ordering: .releasing)
    }
}

// MARK: - Progress

extension Batch {
    /// Tells the pool's handler how far the batch is, if there is one; never after the last time.
    func showProgress(isLast: Bool) {
        guard shape.showsProgress, let handler = core.options.progress else { return }
        func show(_ isOver: inout Bool) {
            guard !isOver else { return }
            isOver = isLast
            handler(.init(done: memory.finishedCount, total: shape.count))
        }
        // The keeper waits for no handler: the last one may wait for the keeper, to end the pool.
        if isLast { isProgressOver?.withLock(show) } else { isProgressOver?.withLockIfFree(show) }
    }
}

// MARK: - Outcome

extension Batch {
    /// What the batch left behind, once it has ended.
    func outcome() -> Outcome {
        // The closure keeps the batch, and with it the memory.
        Outcome(Harvest(memory: memory, machine: machine, newestReports: [newestReport])) {
            extendLifetime(self)
        }
    }
}
