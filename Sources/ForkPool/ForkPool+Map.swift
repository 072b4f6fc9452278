// SPDX-License-Identifier: Apache-2.0

// `map` and `mapResults` have an overload for `Codable` results and a disfavoured one for `BitwiseCopyable` results, each for
// sync and for async code. A type that is both is stored as bits by the first one: with a third overload, or without the
// attribute, a call takes the compiler several times as long. With any other result, the overloads of
// ForkPool+Rejected.swift make the call an error.
//
// The overloads, like all that only hands a body over, are @_alwaysEmitIntoClient: a program has those that it calls, as it
// calls them. With @inlinable the library would hold each once more, for any type, and the linker keeps all that is public.

extension ForkPool {
    /// Applies a function to every item in worker processes, and returns the results in input order.
    ///
    /// Blocks the calling thread; async code uses the overload that suspends. Results of trivial types (numbers, and structs,
    /// tuples and enums of them) are stored as bit patterns. Others go through a compact binary coder, which moves
    /// `String`, `[UInt8]` and arrays of `BitwiseCopyable` elements at the speed of a copy.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index, which a sequential map would throw, also if its result cannot be
    ///   encoded or decoded. Claimed items below it finish; the others are stopped or never start.
    /// - Complexity: One fork per worker, about 60 µs each; then one atomic add per chunk of items, and the coding of
    ///   results that are not bit patterns.
    @_alwaysEmitIntoClient
    public func map<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        if _isPOD(R.self) { return try stored(items, stopsAtFailure: true, body).array(of: R.self) }
        return try encoded(items, stopsAtFailure: true, body).decoded(as: R.self)
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        try stored(items, stopsAtFailure: true, body).array(of: R.self)
    }

    /// Applies a function to every item in worker processes, for its effects outside the process.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Throws: The failure of the lowest index.
    @_alwaysEmitIntoClient
    public func forEach<C: Collection>(_ items: C, _ body: (C.Element) throws -> Void) throws(Failure) {
        _ = try stored(items, stopsAtFailure: true, body).checked()
    }

    /// Applies a function to every item in worker processes, and reads the results in place.
    ///
    /// No result is copied: the span covers the slots in shared memory, and is valid until `read` returns.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    ///   - read: Runs in this process once every item has its result; that of `items[i]` is at index `i`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest index, before `read` runs; or what `read` throws.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func withMapped<C: Collection, R: BitwiseCopyable, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        try stored(items, stopsAtFailure: true, body).withSpan(read)
    }
}

// MARK: - For async code

extension ForkPool {
    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func map<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> [R] {
        if _isPOD(R.self) { return try await stored(items, stopsAtFailure: true, body).array(of: R.self) }
        return try await encoded(items, stopsAtFailure: true, body).decoded(as: R.self)
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> [R] {
        try await stored(items, stopsAtFailure: true, body).array(of: R.self)
    }

    /// Runs as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func forEach<C: Collection>(
        _ items: C, _ body: (C.Element) throws -> Void
    ) async throws(Failure) {
        _ = try await stored(items, stopsAtFailure: true, body).checked()
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func withMapped<C: Collection, R: BitwiseCopyable, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        try await stored(items, stopsAtFailure: true, body).withSpan(read)
    }
}

// MARK: - What every map does

extension ForkPool {
    /// Maps to results that stay in shared memory, as bit patterns.
    @_alwaysEmitIntoClient @inline(__always)
    func stored<C: Collection, R>(
        _ items: C, stopsAtFailure: Bool, _ body: (C.Element) throws -> R
    ) throws(Failure) -> MapResult {
        var cursor = CollectionCursor(items)
        return try run(.init(of: R.self, items.count), stopsAtFailure: stopsAtFailure) { range, writer, _ in
            storeResults(of: range, in: items, at: &cursor, writer, body)
        }
    }

    @_alwaysEmitIntoClient @inline(__always)
    nonisolated(nonsending) func stored<C: Collection, R>(
        _ items: C, stopsAtFailure: Bool, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> MapResult {
        var cursor = CollectionCursor(items)
        return try await run(.init(of: R.self, items.count), stopsAtFailure: stopsAtFailure) { range, writer, _ in
            storeResults(of: range, in: items, at: &cursor, writer, body)
        }
    }

    /// Maps to results that stay in shared memory, encoded.
    @_alwaysEmitIntoClient @inline(__always)
    func encoded<C: Collection, R: Encodable>(
        _ items: C, stopsAtFailure: Bool, _ body: (C.Element) throws -> R
    ) throws(Failure) -> MapResult {
        var cursor = CollectionCursor(items)
        return try run(.coded(R.self, items.count), stopsAtFailure: stopsAtFailure) { range, writer, _ in
            encodeResults(of: range, in: items, at: &cursor, writer, body)
        }
    }

    @_alwaysEmitIntoClient @inline(__always)
    nonisolated(nonsending) func encoded<C: Collection, R: Encodable>(
        _ items: C, stopsAtFailure: Bool, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> MapResult {
        var cursor = CollectionCursor(items)
        return try await run(.coded(R.self, items.count), stopsAtFailure: stopsAtFailure) { range, writer, _ in
            encodeResults(of: range, in: items, at: &cursor, writer, body)
        }
    }
}

extension MapResult {
    /// Reads results that are bit patterns in place.
    ///
    /// - Throws: The failure of the lowest index, or what `read` throws.
    @_alwaysEmitIntoClient
    func withSpan<R: BitwiseCopyable, T>(_ read: (Span<R>) throws -> T) throws -> T {
        let slots = unsafe try slots(of: R.self)
        defer { extendLifetime(self) }
        return try read(unsafe slots.span)
    }
}
