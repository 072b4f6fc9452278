// SPDX-License-Identifier: Apache-2.0

extension ForkPool {
    /// Applies a function to every item in worker processes, and keeps the results in a file; returns every outcome.
    ///
    /// As `map` with a journal. Items that failed are not in the journal: the same call runs them again, and keeps the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - shard: The part of the items to map; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item, or for each item of the shard, in input order. If the journal cannot be used, or
    ///   the system refuses the whole map, every outcome is that failure.
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R: Codable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        let part = JournalPart(items, shard)
        return with(journal, part, key, sync, onFailure).mapResults(part.items, body).map { $0.mapError(part.named) }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        let part = JournalPart(items, shard)
        return with(journal, part, key, sync, onFailure).mapResults(part.items, body).map { $0.mapError(part.named) }
    }

    /// Maps as the overload for sync code, blocks no thread, and ends if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func mapResults<C: Collection, R: Codable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        let part = JournalPart(items, shard)
        return await with(journal, part, key, sync, onFailure).mapResults(part.items, body).map {
            $0.mapError(part.named)
        }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        let part = JournalPart(items, shard)
        return await with(journal, part, key, sync, onFailure).mapResults(part.items, body).map {
            $0.mapError(part.named)
        }
    }

    /// Applies a function to every item in worker processes, and keeps in a file which are done: the same call after the process
    /// was killed runs the others.
    ///
    /// An item may run twice if the process is killed within the tenth of a second before its end is in the journal.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - shard: The part of the items to run; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When it is on the disk which items are done, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Throws: The failure of the lowest index; `journalFailed` before anything runs, if the journal cannot be used.
    @_alwaysEmitIntoClient
    public func forEach<C: Collection>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> Void
    ) throws(Failure) {
        let part = JournalPart(items, shard)
        try part.run { items throws(Failure) in
            try with(journal, part, key, sync, onFailure).forEach(items, body)
        }
    }

    /// Runs as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func forEach<C: Collection>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> Void
    ) async throws(Failure) {
        let part = JournalPart(items, shard)
        try await part.run { items async throws(Failure) in
            try await with(journal, part, key, sync, onFailure).forEach(items, body)
        }
    }
}
