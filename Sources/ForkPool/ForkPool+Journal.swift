// SPDX-License-Identifier: Apache-2.0

// Maps with a journal: those of ForkPool+Map.swift, ForkPool+MapResults.swift and ForkPool+Fill.swift on a pool that asks for
// one, and on the items of a shard.

extension ForkPool {
    /// Applies a function to every item in worker processes, and keeps the results in a file: if the process is killed, the
    /// same call goes on where it was.
    ///
    /// Results are appended to the journal at most ten times a second, and at the end. A process that makes the same call again
    /// takes what the journal has, and runs the other items alone. The results are those of one undisturbed run.
    ///
    /// ```swift
    /// let squares = try ForkPool().map(0..<1000, journal: "/tmp/squares.journal") { $0 * $0 }
    /// ```
    ///
    /// One process at a time uses a journal. One of another job, with another number of items, another type of results or
    /// another `key`, is refused and not changed; give the `key` another value when the body or its inputs change. A disk that
    /// is full does not end the map: `onFailure` hears of it, and the results that the journal lacks are appended when there
    /// is room.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - shard: The part of the items to map; nil for all. A journal's path may say `{shard}` for its number.
    ///   - journal: The path of the journal. Its folder must be there.
    ///   - key: A name for the job and its version.
    ///   - sync: When the results are on the disk, and not only with the kernel.
    ///   - onFailure: Hears of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: A result for each item, or for each item of the shard, in input order.
    /// - Throws: The failure of the lowest index, with its index in `items`; `journalFailed` before anything runs, if the
    ///   journal cannot be used.
    /// - Complexity: As without a journal, and some nanoseconds for each byte of results; no system call an item.
    @_alwaysEmitIntoClient
    public func map<C: Collection, R: Codable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        let part = JournalPart(items, shard)
        return try part.run { items throws(Failure) in
            try with(journal, part, key, sync, onFailure).map(items, body)
        }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        let part = JournalPart(items, shard)
        return try part.run { items throws(Failure) in
            try with(journal, part, key, sync, onFailure).map(items, body)
        }
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func map<C: Collection, R: Codable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> [R] {
        let part = JournalPart(items, shard)
        return try await part.run { items async throws(Failure) in
            try await with(journal, part, key, sync, onFailure).map(items, body)
        }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> [R] {
        let part = JournalPart(items, shard)
        return try await part.run { items async throws(Failure) in
            try await with(journal, part, key, sync, onFailure).map(items, body)
        }
    }
}

// MARK: - What every map with a journal does

/// The items of a shard.
@usableFromInline
struct JournalPart<Items: Collection> {
    /// The number of all items.
    @usableFromInline let total: Int
    @usableFromInline let shard: ForkPool.Shard?
    @usableFromInline let items: Items.SubSequence
    /// The number of the first one.
    @usableFromInline let first: Int

    @_alwaysEmitIntoClient
    init(_ all: Items, _ shard: ForkPool.Shard?) {
        total = all.count
        self.shard = shard
        let range = shard?.range(of: total) ?? 0..<total
        let start = all.index(all.startIndex, offsetBy: range.lowerBound)
        items = all[start..<all.index(start, offsetBy: range.count)]
        first = range.lowerBound
    }

    /// Runs a map of the items; the failure of one has its index among all.
    @_alwaysEmitIntoClient
    func run<T>(
        _ map: (Items.SubSequence) throws(ForkPool.Failure) -> T
    ) throws(ForkPool.Failure) -> T {
        do throws(ForkPool.Failure) { return try map(items) } catch { throw named(error) }
    }

    /// Does the same with a map that suspends.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) func run<T>(
        _ map: nonisolated(nonsending) (Items.SubSequence) async throws(ForkPool.Failure) -> T
    ) async throws(ForkPool.Failure) -> T {
        do throws(ForkPool.Failure) { return try await map(items) } catch { throw named(error) }
    }

    /// The failure of an item of the part, with the item's index among all.
    @usableFromInline
    func named(_ failure: ForkPool.Failure) -> ForkPool.Failure {
        var failure = failure
        if let index = failure.index { failure.index = index + first }
        return failure
    }
}

extension ForkPool {
    /// A pool that shares the workers of this one, and appends the results of its map to a journal.
    @usableFromInline
    func with<Items>(
        _ journal: String, _ part: JournalPart<Items>, _ key: String, _ sync: JournalSync,
        _ onFailure: (@Sendable (Failure) -> Void)?
    ) -> ForkPool {
        ForkPool(
            sharing: self, callOptions,
            journal: JournalRequest(
                journal, key: key, sync: sync, items: part.total, shard: part.shard, onFailure: onFailure))
    }
}
