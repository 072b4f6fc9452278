// SPDX-License-Identifier: Apache-2.0

// `mapChunks` has the overloads of `map`, over a collection of slices.

extension ForkPool {
    /// Applies a function to slices of the input in worker processes, and returns their results in input order.
    ///
    /// Use it where a body has something to do once for many items, or where one result stands for many. A slice of a
    /// range is a range, and one of an array an `ArraySlice`, whose indices are those of the array.
    ///
    /// ```swift
    /// let sums = try ForkPool().mapChunks(0..<1_000_000, size: 10_000) { chunk in chunk.reduce(0, +) }
    /// ```
    ///
    /// Blocks the calling thread; async code uses the overload that suspends. Results cross as those of `map` do.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - size: The number of items in each slice but the last one, which may have fewer; nil for eight slices a
    ///     worker.
    ///   - body: Runs in a worker, once for each slice. It may capture anything.
    /// - Returns: A result for each slice; an empty input has none.
    /// - Throws: The failure of the first slice that fails. Its index is the number of the slice, from 0, and its
    ///   message ends with the items of the slice.
    /// - Precondition: `size` is at least 1.
    /// - Complexity: As `map` over the slices, and a walk over the items if the collection is not a
    ///   `RandomAccessCollection`.
    @_alwaysEmitIntoClient
    public func mapChunks<C: Collection, R: Codable>(
        _ items: C, size: Int? = nil, _ body: (C.SubSequence) throws -> R
    ) throws(Failure) -> [R] {
        let chunks = Chunks(items, size: size, workers: workers)
        do throws(Failure) { return try map(chunks, body) } catch { throw chunks.named(error) }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func mapChunks<C: Collection, R: BitwiseCopyable>(
        _ items: C, size: Int? = nil, _ body: (C.SubSequence) throws -> R
    ) throws(Failure) -> [R] {
        let chunks = Chunks(items, size: size, workers: workers)
        do throws(Failure) { return try map(chunks, body) } catch { throw chunks.named(error) }
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func mapChunks<C: Collection, R: Codable>(
        _ items: C, size: Int? = nil, _ body: (C.SubSequence) throws -> R
    ) async throws(Failure) -> [R] {
        let chunks = Chunks(items, size: size, workers: workers)
        do throws(Failure) { return try await map(chunks, body) } catch { throw chunks.named(error) }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func mapChunks<C: Collection, R: BitwiseCopyable>(
        _ items: C, size: Int? = nil, _ body: (C.SubSequence) throws -> R
    ) async throws(Failure) -> [R] {
        let chunks = Chunks(items, size: size, workers: workers)
        do throws(Failure) { return try await map(chunks, body) } catch { throw chunks.named(error) }
    }
}

// What ForkPool+Rejected.swift does for maps.

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension ForkPool {
    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    public func mapChunks<C: Collection, R>(
        _ items: C, size: Int? = nil, _ body: (C.SubSequence) throws -> R
    ) throws(Failure) -> [R] {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    public func mapChunks<C: Collection, R>(
        _ items: C, size: Int? = nil, _ body: (C.SubSequence) throws -> R
    ) async throws(Failure) -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        throw Failure.rejected(R.self)
    }
}

/// The slices of a collection, each of the same number of items but the last one.
@usableFromInline
struct Chunks<Items: Collection>: Collection {
    @usableFromInline
    struct Index: Comparable {
        @usableFromInline let number: Int
        /// Where the slice begins.
        @usableFromInline let start: Items.Index

        @_alwaysEmitIntoClient
        init(number: Int, start: Items.Index) {
            self.number = number
            self.start = start
        }

        @_alwaysEmitIntoClient
        static func == (one: Index, other: Index) -> Bool { one.number == other.number }
        @_alwaysEmitIntoClient
        static func < (one: Index, other: Index) -> Bool { one.number < other.number }
    }

    /// The number of slices that each worker gets where no size is given: few enough to be long, and enough to be
    /// shared out evenly.
    @usableFromInline static var perWorker: Int { 8 }

    @usableFromInline let items: Items
    @usableFromInline let itemCount: Int
    @usableFromInline let size: Int

    @_alwaysEmitIntoClient
    init(_ items: Items, size: Int?, workers: Int) {
        Self.check(size)
        self.items = items
        itemCount = items.count
        self.size = size ?? Swift.max(1, (itemCount - 1) / (Self.perWorker * workers) + 1)
    }

    @usableFromInline
    static func check(_ size: Int?) {
        require(size ?? 1 >= 1, "the size of a chunk must be at least 1 item, not \(size ?? 1)")
    }

    /// The number of items before a slice.
    @_alwaysEmitIntoClient
    func offset(of number: Int) -> Int { number < count ? number * size : itemCount }

    @_alwaysEmitIntoClient
    var count: Int { itemCount == 0 ? 0 : (itemCount - 1) / size + 1 }

    @_alwaysEmitIntoClient
    var startIndex: Index { Index(number: 0, start: items.startIndex) }
    @_alwaysEmitIntoClient
    var endIndex: Index { Index(number: count, start: items.endIndex) }

    @_alwaysEmitIntoClient
    func index(after index: Index) -> Index { self.index(index, offsetBy: 1) }

    @_alwaysEmitIntoClient
    func index(_ index: Index, offsetBy distance: Int) -> Index {
        let number = index.number + distance
        let items = offset(of: number) - offset(of: index.number)
        return Index(number: number, start: self.items.index(index.start, offsetBy: items))
    }

    @_alwaysEmitIntoClient
    func distance(from start: Index, to end: Index) -> Int { end.number - start.number }

    @_alwaysEmitIntoClient
    subscript(index: Index) -> Items.SubSequence { items[index.start..<self.index(after: index).start] }

    /// Adds to the failure of a slice which items it has.
    @usableFromInline
    func named(_ failure: ForkPool.Failure) -> ForkPool.Failure {
        guard let number = failure.index, number < count else { return failure }
        var failure = failure
        failure.message += "; it is the chunk of the items \(offset(of: number))..<\(offset(of: number + 1))"
        return failure
    }
}
