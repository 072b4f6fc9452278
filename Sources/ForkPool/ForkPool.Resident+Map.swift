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
    @inlinable
    public func map<C: Collection>(_ items: C) throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: true)
        write(items, into: batch)
        return try results(of: run(batch))
    }

    /// Applies the body to every item, and returns every outcome in input order.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the pool refuses the whole map,
    ///   every outcome is that failure.
    @inlinable
    public func mapResults<C: Collection>(_ items: C) -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        do throws(ForkPool.Failure) {
            let batch = try makeBatch(items.count, stopsAtFailure: false)
            write(items, into: batch)
            return try everyOutcome(of: run(batch))
        } catch {
            return items.indices.enumerated().map { .failure(error.at($0.offset)) }
        }
    }

    /// Applies the body to every item, for its effects outside the process.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Throws: The failure of the lowest index; `closed` after the end of the pool.
    @inlinable
    public func forEach<C: Collection>(_ items: C) throws(ForkPool.Failure) where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: true)
        write(items, into: batch)
        _ = try run(batch).checked()
    }

    /// Applies the body to every item, and returns the results in input order.
    ///
    /// Blocks no thread. If the task is cancelled, the map fails as `cancelled`; the pool goes on.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index, also if its input cannot be encoded; `closed` after the end of the
    ///   pool.
    @inlinable
    nonisolated(nonsending) public func map<C: Collection>(
        _ items: C
    ) async throws(ForkPool.Failure) -> [Output] where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: true)
        write(items, into: batch)
        return try results(of: await run(batch))
    }

    /// Applies the body to every item, and returns every outcome in input order.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the pool refuses the whole map,
    ///   every outcome is that failure.
    @inlinable
    nonisolated(nonsending) public func mapResults<C: Collection>(
        _ items: C
    ) async -> [Result<Output, ForkPool.Failure>] where C.Element == Input {
        do throws(ForkPool.Failure) {
            let batch = try makeBatch(items.count, stopsAtFailure: false)
            write(items, into: batch)
            return try everyOutcome(of: await run(batch))
        } catch {
            return items.indices.enumerated().map { .failure(error.at($0.offset)) }
        }
    }

    /// Applies the body to every item, for its effects outside the process.
    ///
    /// - Parameter items: The input; each item is copied once, into shared memory.
    /// - Throws: The failure of the lowest index; `closed` after the end of the pool.
    @inlinable
    nonisolated(nonsending) public func forEach<C: Collection>(
        _ items: C
    ) async throws(ForkPool.Failure) where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: true)
        write(items, into: batch)
        _ = try await run(batch).checked()
    }
}

extension ForkPool.Resident where Output: BitwiseCopyable {
    /// Applies the body to every item, and reads the results in place.
    ///
    /// No result is copied: the span covers the slots in shared memory, and is valid until `read` returns.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - read: Runs in this process once every item has its result; that of `items[i]` is at index `i`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest index, before `read` runs; or what `read` throws.
    /// - Precondition: Results are bit patterns; those of a `Job` are only if they are numbers.
    @inlinable
    public func withMapped<C: Collection, T>(
        _ items: C, read: (Span<Output>) throws -> T
    ) throws -> T where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: true)
        write(items, into: batch)
        return try self.read(run(batch), read)
    }

    /// Applies the body to every item, and reads the results in place.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - read: Runs in this process once every item has its result; that of `items[i]` is at index `i`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest index, before `read` runs; or what `read` throws.
    /// - Precondition: Results are bit patterns; those of a `Job` are only if they are numbers.
    @inlinable
    nonisolated(nonsending) public func withMapped<C: Collection, T>(
        _ items: C, read: (Span<Output>) throws -> T
    ) async throws -> T where C.Element == Input {
        let batch = try makeBatch(items.count, stopsAtFailure: true)
        write(items, into: batch)
        return try self.read(await run(batch), read)
    }

    @inlinable
    func read<T>(_ outcome: MapResult, _ read: (Span<Output>) throws -> T) throws -> T {
        precondition(
            output.isPlain, "ForkPool: the results of this Job are coded, so there is nothing to read in place; use map"
        )
        let slots = unsafe try outcome.slots(of: Output.self)
        defer { extendLifetime(outcome) }
        return try read(unsafe slots.span)
    }
}

// MARK: - What every map does

extension ForkPool.Resident {
    /// Makes a batch for a number of inputs.
    @usableFromInline
    func makeBatch(_ count: Int, stopsAtFailure: Bool) throws(ForkPool.Failure) -> Batch {
        try pool.makeBatch(
            Batch.Shape(
                count: count, inputStride: input.stride, slotStride: output.stride, stopsAtFailure: stopsAtFailure,
                showsProgress: pool.options.progress != nil))
    }

    /// Copies the inputs into the batch.
    @inlinable
    func write<C: Collection>(_ items: C, into batch: Batch) where C.Element == Input {
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
                encode(item, written, into: batch)
                written += 1
            }
        }
        precondition(written == count, "ForkPool: the collection has \(written) items, but its count is \(count)")
    }

    @usableFromInline
    func encode(_ item: Input, _ number: Int, into batch: Batch) {
        input.write(item, number, into: batch)
    }

    /// Submits a batch, and waits for its end.
    @usableFromInline
    func run(_ batch: Batch) throws(ForkPool.Failure) -> MapResult {
        pool.wait(for: batch, isSoonDone: try pool.submit(batch))
        return finished(batch)
    }

    /// Submits a batch, and suspends until its end.
    @usableFromInline
    nonisolated(nonsending) func run(_ batch: Batch) async throws(ForkPool.Failure) -> MapResult {
        try pool.submit(batch)
        await pool.wait(for: batch)
        return finished(batch)
    }

    private func finished(_ batch: Batch) -> MapResult {
        batch.showProgress(isLast: true)
        return batch.result()
    }

    @usableFromInline
    func results(of outcome: MapResult) throws(ForkPool.Failure) -> [Output] {
        try output.all(outcome)
    }

    @usableFromInline
    func everyOutcome(of outcome: MapResult) -> [Result<Output, ForkPool.Failure>] {
        output.results(outcome)
    }
}
