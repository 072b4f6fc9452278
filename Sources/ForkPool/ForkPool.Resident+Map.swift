// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Resident {
    /// Applies the body to every item, and returns the results in input order.
    ///
    /// Blocks the calling thread. Async code uses the overload that suspends.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index, also if its input cannot be encoded; `closed` after the end of the
    ///   pool.
    /// - Complexity: One copy of each input and result; no fork, and no system call if workers are awake.
    @_alwaysEmitIntoClient
    public func map<C: Collection>(_ items: C) throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        try output.all(run(makeBatch(items, stopsAtFailure: true)))
    }

    /// Applies the body to every item, and returns every outcome in input order.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the pool refuses the whole map,
    ///   every outcome is that failure.
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection>(_ items: C) -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        everyOutcome(items.count) { () throws(ForkPool.Failure) in
            output.results(try run(makeBatch(items, stopsAtFailure: false)))
        }
    }

    /// Applies the body to every item, for its effects outside the process.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Throws: The failure of the lowest index; `closed` after the end of the pool.
    @_alwaysEmitIntoClient
    public func forEach<C: Collection>(_ items: C) throws(ForkPool.Failure) where C.Element == Input {
        _ = try run(makeBatch(items, stopsAtFailure: true)).checked()
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func map<C: Collection>(
        _ items: C
    ) async throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        try output.all(await run(makeBatch(items, stopsAtFailure: true)))
    }

    /// Maps as the overload for sync code, blocks no thread, and ends if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func mapResults<C: Collection>(
        _ items: C
    ) async -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        await everyOutcome(items.count) { () async throws(ForkPool.Failure) in
            output.results(try await run(makeBatch(items, stopsAtFailure: false)))
        }
    }

    /// Runs as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func forEach<C: Collection>(
        _ items: C
    ) async throws(ForkPool.Failure) where C.Element == Input {
        _ = try await run(makeBatch(items, stopsAtFailure: true)).checked()
    }
}

extension ForkPool.Resident where Output: BitwiseCopyable {
    /// Applies the body to every item, and reads the results in place.
    ///
    /// No result is copied: the span covers the slots in shared memory, and is valid until `read` returns. Only the
    /// results of a `Job` that are no numbers of the standard library are decoded first, into an array.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - read: Runs in this process once every item has its result; that of `items[i]` is at index `i`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest index, before `read` runs; or what `read` throws.
    @_alwaysEmitIntoClient
    public func withMapped<C: Collection, T>(
        _ items: C, read: (Span<Output>) throws -> T
    ) throws -> T where C.Element == Input {
        try withSpan(of: run(makeBatch(items, stopsAtFailure: true)), read)
    }

    /// Maps as the overload for sync code, blocks no thread, and fails as `cancelled` if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func withMapped<C: Collection, T>(
        _ items: C, read: (Span<Output>) throws -> T
    ) async throws -> T where C.Element == Input {
        try withSpan(of: await run(makeBatch(items, stopsAtFailure: true)), read)
    }

    @_alwaysEmitIntoClient
    func withSpan<T>(of result: MapResult, _ read: (Span<Output>) throws -> T) throws -> T {
        if output.isPlain { return try result.withSpan(read) }
        let decoded = try output.all(result)
        return try read(decoded.span)
    }
}

// MARK: - What every map does

extension ForkPool.Resident {
    /// Makes a batch for items, and copies them into it.
    @_alwaysEmitIntoClient
    func makeBatch<C: Collection>(
        _ items: C, stopsAtFailure: Bool
    ) throws(ForkPool.Failure) -> Batch where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: stopsAtFailure, showsProgress: true)
        let count = batch.shape.count
        var written = 0
        if input.isPlain {
            let slots = unsafe batch.inputs.assumingMemoryBound(to: Input.self)
            for item in items where written < count {
                unsafe (slots + written).initialize(to: item)
                written += 1
            }
        } else {
            for item in items where written < count {
                input.write(item, written, into: batch)
                written += 1
            }
        }
        require(written == count, "the collection has \(written) items, but its count is \(count)")
        return batch
    }

    @usableFromInline
    func makeBatch(
        _ count: Int, stopsAtFailure: Bool = false, signalsItems: Bool = false, showsProgress: Bool = false
    ) throws(ForkPool.Failure) -> Batch {
        try pool.makeBatch(
            Batch.Shape(
                count: count, inputStride: input.stride, slotStride: output.stride, stopsAtFailure: stopsAtFailure,
                signalsItems: signalsItems, showsProgress: showsProgress && pool.options.progress != nil,
                kind: output.kind, job: owner.job,
                rules: rules, deadline: rules.end))
    }

    /// Submits a batch, and waits for its end.
    @usableFromInline
    func run(_ batch: Batch) throws(ForkPool.Failure) -> MapResult {
        try batch.openJournal()
        batch.journal?.begin(batch.results)
        defer { batch.endJournal() }
        try finish(batch)
        batch.showProgress(isLast: true)
        return batch.result()
    }

    /// Submits a batch, and suspends until its end.
    @usableFromInline
    nonisolated(nonsending) func run(_ batch: Batch) async throws(ForkPool.Failure) -> MapResult {
        try await batch.openJournal()
        batch.journal?.begin(batch.results)
        do throws(ForkPool.Failure) {
            try await pool.submitInTurn(batch, waits: !pool.options.whenFull.fails)
        } catch {
            await batch.endJournal()
            throw error
        }
        await pool.wait(for: batch)
        await batch.endJournal()
        batch.showProgress(isLast: true)
        return batch.result()
    }
}
