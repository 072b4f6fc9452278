// SPDX-License-Identifier: Apache-2.0

extension ForkPool {
    /// Lets workers write results of one size into shared memory, keeps them in a file, and returns that memory.
    ///
    /// As `map` with a journal: the same call after the process was killed fills the slots that the file lacks.
    ///
    /// - Parameters:
    ///   - count: The number of slots.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - shard: The part of the slots to fill; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - body: Runs in a worker, once for each slot, with the number of the slot among all and its elements to write.
    /// - Returns: The elements of all slots, or of those of the shard, one slot after the other.
    /// - Throws: The failure of the lowest slot; `journalFailed` before anything runs, if the journal cannot be used.
    /// - Precondition: `count` and `slot` are at least 0, and the number of bytes fits in an `Int`.
    @_alwaysEmitIntoClient
    @discardableResult
    public func fill<Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, shard: Shard? = nil, journal: String, key: String = "",
        sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil,
        _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) throws(Failure) -> SharedArray<Element> {
        let part = JournalPart(0..<max(count, 0), shard)
        return try part.run { items throws(Failure) in
            try with(journal, part, key, sync, onFailure).fill(
                count: count < 0 ? count : items.count, slot: slot, of: type
            ) { number, elements in try body(number + part.first, &elements) }
        }
    }

    /// Lets workers write results of one size into shared memory, keeps them in a file, and reads them in place.
    ///
    /// - Parameters:
    ///   - count: The number of slots.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - shard: The part of the slots to fill; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - body: Runs in a worker, once for each slot, with the number of the slot among all and its elements to write.
    ///   - read: Runs in this process once every slot is written.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest slot, before `read` runs; or what `read` throws.
    @_alwaysEmitIntoClient
    public func fill<Element: BitwiseCopyable, T>(
        count: Int, slot: Int, of type: Element.Type, shard: Shard? = nil, journal: String, key: String = "",
        sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil,
        _ body: (Int, inout MutableSpan<Element>) throws -> Void, read: (Span<Element>) throws -> T
    ) throws -> T {
        let filled = try fill(
            count: count, slot: slot, of: type, shard: shard, journal: journal, key: key, sync: sync,
            onFailure: onFailure, body)
        return try filled.withSpan(read)
    }

    /// Fills as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    @discardableResult
    nonisolated(nonsending) public func fill<Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, shard: Shard? = nil, journal: String, key: String = "",
        sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil,
        _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) async throws(Failure) -> SharedArray<Element> {
        let part = JournalPart(0..<max(count, 0), shard)
        return try await part.run { items async throws(Failure) in
            try await with(journal, part, key, sync, onFailure).fill(
                count: count < 0 ? count : items.count, slot: slot, of: type
            ) { number, elements in try body(number + part.first, &elements) }
        }
    }

    /// Fills as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func fill<Element: BitwiseCopyable, T>(
        count: Int, slot: Int, of type: Element.Type, shard: Shard? = nil, journal: String, key: String = "",
        sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil,
        _ body: (Int, inout MutableSpan<Element>) throws -> Void, read: (Span<Element>) throws -> T
    ) async throws -> T {
        let filled = try await fill(
            count: count, slot: slot, of: type, shard: shard, journal: journal, key: key, sync: sync,
            onFailure: onFailure, body)
        return try filled.withSpan(read)
    }
}
