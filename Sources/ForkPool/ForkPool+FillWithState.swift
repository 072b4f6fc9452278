// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Lets workers with a state write results of one size into shared memory, and returns that memory.
    ///
    /// - Parameters:
    ///   - count: The number of slots.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - state: Makes the state, once in each worker.
    ///   - tearDown: Runs in each worker after its last slot, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each slot, with the worker's state, the number of the slot and its elements to
    ///     write. The elements start as zeros, or as an earlier map of this pool left them.
    /// - Returns: `count * slot` elements; slot `i` begins at `i * slot`. The array keeps the warm memory of the pool
    ///   until it is released.
    /// - Throws: The failure of the lowest slot; or `setUpFailed`, if `state` throws, exits or crashes.
    /// - Precondition: `count` and `slot` are at least 0, and the number of bytes fits in an `Int`.
    @_alwaysEmitIntoClient
    @discardableResult
    public func fill<State: ~Copyable, Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, state: () throws -> State,
        tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, Int, inout MutableSpan<Element>) throws -> Void
    ) throws(Failure) -> SharedArray<Element> {
        let box = StateBox<State>()
        return SharedArray(
            try run(
                .init(of: type, count, slot: slot), stopsAtFailure: true,
                state: { step in try box.take(step, make: state, tearDown: tearDown) },
                { range, writer, _ in
                    fillSlots(range, slot: slot, writer) { unsafe try body(&box.place.pointee, $0, &$1) }
                }
            ).checked(), count: count * slot)
    }

    /// Lets workers with a state write results of one size into shared memory, and reads them in place.
    ///
    /// - Parameters:
    ///   - count: The number of slots.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - state: Makes the state, once in each worker.
    ///   - tearDown: Runs in each worker after its last slot, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each slot, with the worker's state, the number of the slot and its elements to
    ///     write.
    ///   - read: Runs in this process once every slot is written; slot `i` begins at `i * slot`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest slot, before `read` runs; or what `read` throws.
    @_alwaysEmitIntoClient
    public func fill<State: ~Copyable, Element: BitwiseCopyable, T>(
        count: Int, slot: Int, of type: Element.Type, state: () throws -> State,
        tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, Int, inout MutableSpan<Element>) throws -> Void, read: (Span<Element>) throws -> T
    ) throws -> T {
        let filled = try fill(count: count, slot: slot, of: type, state: state, tearDown: tearDown, body)
        return try filled.withSpan(read)
    }

    /// Fills as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    @discardableResult
    nonisolated(nonsending) public func fill<State: ~Copyable, Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, state: () throws -> State,
        tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, Int, inout MutableSpan<Element>) throws -> Void
    ) async throws(Failure) -> SharedArray<Element> {
        let box = StateBox<State>()
        return SharedArray(
            try await run(
                .init(of: type, count, slot: slot), stopsAtFailure: true,
                state: { step in try box.take(step, make: state, tearDown: tearDown) },
                { range, writer, _ in
                    fillSlots(range, slot: slot, writer) { unsafe try body(&box.place.pointee, $0, &$1) }
                }
            ).checked(), count: count * slot)
    }

    /// Fills as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func fill<State: ~Copyable, Element: BitwiseCopyable, T>(
        count: Int, slot: Int, of type: Element.Type, state: () throws -> State,
        tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, Int, inout MutableSpan<Element>) throws -> Void, read: (Span<Element>) throws -> T
    ) async throws -> T {
        let filled = try await fill(count: count, slot: slot, of: type, state: state, tearDown: tearDown, body)
        return try filled.withSpan(read)
    }
}
