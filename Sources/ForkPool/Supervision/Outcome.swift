internal import CForkPool
internal import Synchronization

/// What a map left behind: the region with its results, and why the others are missing.
///
/// The region goes back to the pool when this is dropped.
@usableFromInline
final class Outcome {
    /// Where the results are.
    @usableFromInline let memory: MapMemory
    private let region: Region
    /// Every failure of an item's own, by index.
    let failures: [Int: ForkPool.Failure]
    /// The number of items.
    @usableFromInline let count: Int
    /// What ended the map before every item had its turn.
    private let whole: ForkPool.Failure?
    private let giveBack: (Region) -> Void

    init(region: Region, memory: MapMemory, machine: MapMachine, giveBack: @escaping (Region) -> Void) {
        self.region = region
        self.memory = memory
        self.giveBack = giveBack
        count = memory.count
        failures = Harvest(memory: memory, machine: machine).failures()
        whole = machine.ending.map { ForkPool.Failure($0, nil) }
    }

    deinit {
        giveBack(region)
    }

    /// Whether every item has its result.
    @usableFromInline var isComplete: Bool { whole == nil && failures.isEmpty }

    /// Why an item has no result, or nil if it has one.
    @usableFromInline
    func failure(of item: Int) -> ForkPool.Failure? {
        if let failure = failures[item] { return failure }
        guard let whole, unsafe memory.states[item].load(ordering: .acquiring) != ItemState.value else { return nil }
        return whole.at(item)
    }

    /// What ended the map as a whole, or the failure of the lowest index, if there is one.
    @usableFromInline var first: ForkPool.Failure? {
        whole ?? failures.min { $0.key < $1.key }?.value
    }
}

extension Outcome {
    /// Itself, if every item has its result.
    ///
    /// - Throws: The failure of the lowest index.
    @usableFromInline
    func checked() throws(ForkPool.Failure) -> Outcome {
        if let first { throw first }
        return self
    }
}

// MARK: - Results that are bit patterns

extension Outcome {
    /// The slots, each of which holds a result.
    ///
    /// - Throws: The failure of the lowest index.
    @usableFromInline
    func slots<R: BitwiseCopyable>(of type: R.Type) throws(ForkPool.Failure) -> UnsafeBufferPointer<R> {
        if let first { throw first }
        return unsafe UnsafeBufferPointer(start: memory.slots.bindMemory(to: R.self, capacity: count), count: count)
    }

    /// Copies the results out of their slots.
    @usableFromInline
    func array<R: BitwiseCopyable>(of type: R.Type) throws(ForkPool.Failure) -> [R] {
        let slots = unsafe try slots(of: type)
        return unsafe Array(unsafeUninitializedCapacity: count) { copy, initialized in
            unsafe Self.populate(UnsafeMutableRawBufferPointer(copy))
            initialized = unsafe copy.initialize(fromContentsOf: slots)
        }
    }

    /// Every item's result or failure.
    @inlinable
    func results<R: BitwiseCopyable>(of type: R.Type) -> [Result<R, ForkPool.Failure>] {
        let isComplete = isComplete
        return (0..<count).map { item in
            if !isComplete, let failure = failure(of: item) { return .failure(failure) }
            return .success(unsafe memory.slots.load(fromByteOffset: item &* MemoryLayout<R>.stride, as: R.self))
        }
    }
}

extension Outcome {
    /// Touches the whole pages of a large fresh array by one call: a fault for each costs more than the copy.
    private static func populate(_ memory: UnsafeMutableRawBufferPointer) {
        guard memory.count >= 4 << 20 else { return }
        let start = unsafe memory.baseAddress!.alignedUp(toMultipleOf: Mapping.pageSize)
        let size = unsafe (memory.baseAddress! + memory.count - start) / Mapping.pageSize * Mapping.pageSize
        _ = unsafe cforkpool_madvise_fresh(start, size)
    }
}

// MARK: - Results that are coded

extension Outcome {
    /// Decodes the results.
    ///
    /// - Throws: The failure of the lowest index, an undecodable result included.
    @usableFromInline
    func decoded<R: Decodable>(as type: R.Type) throws(ForkPool.Failure) -> [R] {
        if let first { throw first }
        var results: [R] = []
        results.reserveCapacity(count)
        for item in 0..<count { results.append(try decode(type, at: item)) }
        return results
    }

    /// Every item's decoded result or failure.
    @usableFromInline
    func decodedResults<R: Decodable>(as type: R.Type) -> [Result<R, ForkPool.Failure>] {
        (0..<count).map { item in
            if let failure = failure(of: item) { return .failure(failure) }
            do throws(ForkPool.Failure) { return .success(try decode(type, at: item)) } catch { return .failure(error) }
        }
    }

    private func decode<R: Decodable>(_ type: R.Type, at item: Int) throws(ForkPool.Failure) -> R {
        let extent = unsafe memory.slots.load(fromByteOffset: item * MemoryLayout<Extent>.stride, as: Extent.self)
        guard let bytes = unsafe memory.bytes(offset: extent.offset, length: extent.length) else {
            throw .corrupted(item, "its slot points outside its worker's memory")
        }
        do {
            return unsafe try BinaryDecoder.decode(type, from: bytes)
        } catch {
            throw .notDecodable(item, error)
        }
    }
}
