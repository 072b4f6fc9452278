// SPDX-License-Identifier: Apache-2.0

extension ForkPool.Resident {
    /// Applies the body to every item, and keeps the results in a file: if the process is killed, the same call goes on where it
    /// was, as `map` of a `ForkPool` with a journal does.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - shard: The part of the items to map; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    /// - Returns: A result for each item, or for each item of the shard, in input order.
    /// - Throws: The failure of the lowest index, with its index in `items`; `journalFailed` before anything runs, if the
    ///   journal cannot be used.
    @_alwaysEmitIntoClient
    public func map<C: Collection>(
        _ items: C, shard: ForkPool.Shard? = nil, journal: String, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil
    ) throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        let part = JournalPart(items, shard)
        return try part.run { items throws(ForkPool.Failure) in
            try with(journal, part, key, sync, onFailure).map(items)
        }
    }

    /// Applies the body to every item, keeps the results in a file, and returns every outcome.
    ///
    /// Items that failed are not in the file: the same call runs them again.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - shard: The part of the items to map; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    /// - Returns: An outcome for each item, or for each item of the shard, in input order. If the journal cannot be used, or
    ///   the pool refuses the whole map, every outcome is that failure.
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection>(
        _ items: C, shard: ForkPool.Shard? = nil, journal: String, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil
    ) -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        let part = JournalPart(items, shard)
        return with(journal, part, key, sync, onFailure).mapResults(part.items).map { $0.mapError(part.named) }
    }

    /// Applies the body to every item for its effects outside the process, and keeps in a file which are done.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - shard: The part of the items to map; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    /// - Throws: The failure of the lowest index; `journalFailed` before anything runs, if the journal cannot be used.
    @_alwaysEmitIntoClient
    public func forEach<C: Collection>(
        _ items: C, shard: ForkPool.Shard? = nil, journal: String, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil
    ) throws(ForkPool.Failure) where C.Element == Input {
        let part = JournalPart(items, shard)
        try part.run { items throws(ForkPool.Failure) in
            try with(journal, part, key, sync, onFailure).forEach(items)
        }
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func map<C: Collection>(
        _ items: C, shard: ForkPool.Shard? = nil, journal: String, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil
    ) async throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        let part = JournalPart(items, shard)
        return try await part.run { items async throws(ForkPool.Failure) in
            try await with(journal, part, key, sync, onFailure).map(items)
        }
    }

    /// Maps as the overload for sync code, blocks no thread, and ends if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func mapResults<C: Collection>(
        _ items: C, shard: ForkPool.Shard? = nil, journal: String, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil
    ) async -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        let part = JournalPart(items, shard)
        return await with(journal, part, key, sync, onFailure).mapResults(part.items).map { $0.mapError(part.named) }
    }

    /// Runs as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func forEach<C: Collection>(
        _ items: C, shard: ForkPool.Shard? = nil, journal: String, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil
    ) async throws(ForkPool.Failure) where C.Element == Input {
        let part = JournalPart(items, shard)
        try await part.run { items async throws(ForkPool.Failure) in
            try await with(journal, part, key, sync, onFailure).forEach(items)
        }
    }
}

extension ForkPool.Resident {
    /// A pool with the same workers, which appends the results of its map to a journal.
    @usableFromInline
    func with<Items>(
        _ journal: String, _ part: JournalPart<Items>, _ key: String, _ sync: ForkPool.JournalSync,
        _ onFailure: (@Sendable (ForkPool.Failure) -> Void)?
    ) -> ForkPool.Resident<Input, Output> {
        ForkPool.Resident(
            owner: owner, input: input, output: output, callOptions,
            journal: JournalRequest(
                journal, key: key, sync: sync, items: part.total, shard: part.shard, onFailure: onFailure))
    }
}
