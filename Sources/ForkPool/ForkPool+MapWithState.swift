// SPDX-License-Identifier: Apache-2.0

// The maps of ForkPool+Map.swift for workers that have a state. The body gets it `inout`: a struct, such as a generator or a
// counter, changes from item to item as an object does.

extension ForkPool {
    /// Applies a function to every item in worker processes, each of which has a state of its own.
    ///
    /// ```swift
    /// let squares = try ForkPool().map([3, 4, 3], state: { [Int: Int]() }) { known, number in
    ///     if let square = known[number] { return square }
    ///     known[number] = number * number
    ///     return number * number
    /// }
    /// ```
    ///
    /// A worker makes its state before its first item, after `Options.setUp`; the time that this takes counts for no item. A
    /// worker that replaces another one makes the state anew. The state never leaves its worker, so it need be neither
    /// `Sendable` nor `Codable`, nor copyable.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - state: Makes the state, once in each worker.
    ///   - tearDown: Runs in each worker after its last item and before `Options.tearDown`, unless the worker crashed or was
    ///     killed. Then the worker releases the state, so an object's `deinit` runs.
    ///   - body: Runs in a worker, once for each item, with the worker's state. It may capture anything.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index; or `setUpFailed`, if `state` throws, exits or crashes.
    /// - Complexity: As without a state; each item costs one access by a pointer more.
    @_alwaysEmitIntoClient
    public func map<State: ~Copyable, C: Collection, R: Codable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) throws(Failure) -> [R] {
        if _isPOD(R.self) {
            return try stored(items, stopsAtFailure: true, state, tearDown, body).array(of: R.self)
        }
        return try encoded(items, stopsAtFailure: true, state, tearDown, body).decoded(as: R.self)
    }

    /// Maps with a state to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func map<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) throws(Failure) -> [R] {
        try stored(items, stopsAtFailure: true, state, tearDown, body).array(of: R.self)
    }

    /// Applies a function to every item in worker processes with a state, for its effects outside the process.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - state: Makes the state, once in each worker.
    ///   - tearDown: Runs in each worker after its last item, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each item, with the worker's state. It may capture anything.
    /// - Throws: The failure of the lowest index; or `setUpFailed`, if `state` throws, exits or crashes.
    @_alwaysEmitIntoClient
    public func forEach<State: ~Copyable, C: Collection>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> Void
    ) throws(Failure) {
        _ = try stored(items, stopsAtFailure: true, state, tearDown, body).checked()
    }

    /// Applies a function to every item in worker processes with a state, and reads the results in place.
    ///
    /// No result is copied: the span covers the slots in shared memory, and is valid until `read` returns.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - state: Makes the state, once in each worker.
    ///   - tearDown: Runs in each worker after its last item, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each item, with the worker's state. It may capture anything.
    ///   - read: Runs in this process once every item has its result; that of `items[i]` is at index `i`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest index, before `read` runs; or what `read` throws.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func withMapped<State: ~Copyable, C: Collection, R: BitwiseCopyable, T>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        try stored(items, stopsAtFailure: true, state, tearDown, body).withSpan(read)
    }
}

// MARK: - For async code

extension ForkPool {
    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func map<State: ~Copyable, C: Collection, R: Codable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) async throws(Failure) -> [R] {
        if _isPOD(R.self) {
            return try await stored(items, stopsAtFailure: true, state, tearDown, body).array(of: R.self)
        }
        return try await encoded(items, stopsAtFailure: true, state, tearDown, body).decoded(as: R.self)
    }

    /// Maps with a state to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func map<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) async throws(Failure) -> [R] {
        try await stored(items, stopsAtFailure: true, state, tearDown, body).array(of: R.self)
    }

    /// Runs as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func forEach<State: ~Copyable, C: Collection>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> Void
    ) async throws(Failure) {
        _ = try await stored(items, stopsAtFailure: true, state, tearDown, body).checked()
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func withMapped<State: ~Copyable, C: Collection, R: BitwiseCopyable, T>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        try await stored(items, stopsAtFailure: true, state, tearDown, body).withSpan(read)
    }
}
