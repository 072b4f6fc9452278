// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Lets workers write results of one size into shared memory, and returns that memory.
    ///
    /// - Parameters:
    ///   - count: The number of slots.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - body: Runs in a worker, once for each slot, with the number of the slot and its elements to write. The
    ///     elements start as zeros, or as an earlier map of this pool left them.
    /// - Returns: `count * slot` elements; slot `i` begins at `i * slot`. The array keeps the warm memory of the pool
    ///   until it is released.
    /// - Throws: The failure of the lowest slot.
    /// - Precondition: `count` and `slot` are at least 0, and the number of bytes fits in an `Int`.
    @_alwaysEmitIntoClient
    @discardableResult
    public func fill<Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) throws(Failure) -> SharedArray<Element> {
        SharedArray(
            try run(.init(of: type, count, slot: slot), stopsAtFailure: true) { range, writer, _ in
                fillSlots(range, slot: slot, writer, body)
            }.checked(), count: count * slot)
    }

    /// Lets workers write results of one size into shared memory, and reads them in place.
    ///
    /// - Parameters:
    ///   - count: The number of slots.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - body: Runs in a worker, once for each slot, with the number of the slot and its elements to write.
    ///   - read: Runs in this process once every slot is written; slot `i` begins at `i * slot`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest slot, before `read` runs; or what `read` throws.
    @_alwaysEmitIntoClient
    public func fill<Element: BitwiseCopyable, T>(
        count: Int, slot: Int, of type: Element.Type, _ body: (Int, inout MutableSpan<Element>) throws -> Void,
        read: (Span<Element>) throws -> T
    ) throws -> T {
        let filled = try fill(count: count, slot: slot, of: type, body)
        return try filled.withSpan(read)
    }

    /// Fills as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    @discardableResult
    nonisolated(nonsending) public func fill<Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) async throws(Failure) -> SharedArray<Element> {
        SharedArray(
            try await run(.init(of: type, count, slot: slot), stopsAtFailure: true) { range, writer, _ in
                fillSlots(range, slot: slot, writer, body)
            }.checked(), count: count * slot)
    }

    /// Fills as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func fill<Element: BitwiseCopyable, T>(
        count: Int, slot: Int, of type: Element.Type, _ body: (Int, inout MutableSpan<Element>) throws -> Void,
        read: (Span<Element>) throws -> T
    ) async throws -> T {
        let filled = try await fill(count: count, slot: slot, of: type, body)
        return try filled.withSpan(read)
    }
}
