// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What a map left behind: the memory with its results, and why the others are missing.
///
/// The memory goes back to the pool when this is dropped.
@usableFromInline
final class MapResult {
    @usableFromInline let memory: ResultMemory
    /// Every failure of an item's own, by index.
    let failures: [Int: ForkPool.Failure]
    @usableFromInline let count: Int
    /// What ended the map before every item had its turn.
    let whole: ForkPool.Failure?
    /// The same, of an item that it left without an outcome.
    private let rest: ForkPool.Failure?
    private let giveBack: () -> Void

    init(_ reader: FailureReader, giveBack: @escaping () -> Void) {
        memory = reader.memory
        self.giveBack = giveBack
        count = memory.count
        failures = reader.failures()
        whole = reader.machine.ending.map { ForkPool.Failure($0, nil) }
        rest = reader.machine.ending.map { ForkPool.Failure($0, 0) }
    }

    deinit {
        giveBack()
    }

    /// Whether every item has its result.
    @usableFromInline var isComplete: Bool { whole == nil && failures.isEmpty }

    /// Why an item has no result, or nil if it has one.
    @usableFromInline
    func failure(of item: Int) -> ForkPool.Failure? {
        if let failure = failures[item] { return failure }
        guard let rest, unsafe memory.states[item].load(ordering: .acquiring) != ItemState.value else { return nil }
        return rest.at(item)
    }

    /// What ended the map as a whole, or the failure of the lowest index, if there is one.
    @usableFromInline var first: ForkPool.Failure? {
        whole ?? failures.min { $0.key < $1.key }?.value
    }

    /// Itself, if every item has its result; else throws `first`.
    @usableFromInline
    func checked() throws(ForkPool.Failure) -> MapResult {
        if let first { throw first }
        return self
    }

    // MARK: - Results that are bit patterns

    /// The slots, each of which holds a result that is a bit pattern, whether or not the type says so here.
    @usableFromInline
    func slots<R>(of type: R.Type) throws(ForkPool.Failure) -> UnsafeBufferPointer<R> {
        if let first { throw first }
        return unsafe UnsafeBufferPointer(start: memory.slots.bindMemory(to: R.self, capacity: count), count: count)
    }

    @usableFromInline
    func array<R>(of type: R.Type) throws(ForkPool.Failure) -> [R] {
        if let first { throw first }
        return memory.array(of: type)
    }

    @_alwaysEmitIntoClient
    func results<R>(of type: R.Type) -> [Result<R, ForkPool.Failure>] {
        let isComplete = isComplete
        return (0..<count).map { item in
            if !isComplete, let failure = failure(of: item) { return .failure(failure) }
            return .success(unsafe memory.slots.load(fromByteOffset: item &* MemoryLayout<R>.stride, as: R.self))
        }
    }

    // MARK: - Results that are coded

    @usableFromInline
    func decoded<R: Decodable>(as type: R.Type) throws(ForkPool.Failure) -> [R] {
        unsafe try decoded({ unsafe try BinaryDecoder.decode(type, from: $0) }, BinaryDecoder.recordReader(for: type))
    }

    @usableFromInline
    func decodedResults<R: Decodable>(as type: R.Type) -> [Result<R, ForkPool.Failure>] {
        (0..<count).map { item in
            unsafe result(of: item) { bytes in unsafe try BinaryDecoder.decode(type, from: bytes) }
        }
    }

    /// Decodes the results, on several threads where `read` does it; throws the failure of the lowest index, an undecodable
    /// result included.
    func decoded<R>(
        _ decode: (UnsafeRawBufferPointer) throws -> R,
        _ read: ((UnsafeRawBufferPointer, UnsafeMutablePointer<R>) -> Bool)?
    ) throws(ForkPool.Failure) -> [R] {
        if let first { throw first }
        if let read = unsafe read {
            let threads = memory.decodingThreads
            if threads > 1 { return unsafe try memory.decoded(threads: threads, read, otherwise: decode) }
        }
        // A loop: `map` with a closure that throws allocates for each item.
        var results: [R] = []
        results.reserveCapacity(count)
        for item in 0..<count { results.append(unsafe try result(of: item, decode).get()) }
        return results
    }

    func result<R>(of item: Int, _ decode: (UnsafeRawBufferPointer) throws -> R) -> Result<R, ForkPool.Failure> {
        if let failure = failure(of: item) { return .failure(failure) }
        return unsafe memory.decoded(item, decode).result
    }
}

extension ResultMemory {
    /// Decodes the result of an item that has one; and its size in bytes.
    func decoded<R>(
        _ item: Int, _ decode: (UnsafeRawBufferPointer) throws -> R
    ) -> (result: Result<R, ForkPool.Failure>, size: Int) {
        guard let bytes = unsafe codedBytes(of: item) else {
            return (.failure(.corrupted(item, "its slot points outside its worker's memory")), 0)
        }
        do {
            return (.success(unsafe try decode(bytes)), bytes.count)
        } catch {
            return (.failure(.notDecodable(item, error)), bytes.count)
        }
    }
}
