// SPDX-License-Identifier: Apache-2.0
extension ForkPool.Resident {
    /// Applies the body to one input.
    ///
    /// Blocks the calling thread. Async code uses the overload that suspends. In a closure of one expression that is not async,
    /// within a function that is, Swift takes `pool(input)` for the async form and refuses it: `pool.callAsFunction(input)`
    /// is the call there.
    ///
    /// - Parameter input: The input.
    /// - Returns: The result.
    /// - Throws: The failure of the call, with index 0; `closed` after the end of the pool; `full` where
    ///   `Options.whenFull` says so.
    @inlinable
    public func callAsFunction(_ input: Input) throws(ForkPool.Failure) -> Output {
        let batch = try makeCall(input)
        try finish(batch)
        return try output.single(batch)
    }

    /// Applies the body as the overload for sync code, blocks no thread, and fails as `cancelled` in a cancelled task.
    nonisolated(nonsending) public func callAsFunction(_ input: Input) async throws(ForkPool.Failure) -> Output {
        if let call = gather(input) { return try await call.value }
        let batch = try makeCall(input)
        try await pool.submitInTurn(batch, waits: !pool.options.whenFull.fails)
        await pool.wait(for: batch)
        return try output.single(batch)
    }

    /// Submits one input and returns a call, without waiting for the result.
    ///
    /// If the call is released before its result is read, the result is dropped. While as many calls wait as
    /// `Options.maxPending` allows this does what `Options.whenFull` says: it blocks the calling thread until there is room,
    /// or the call fails as `full`. Async code uses `submit(_:whenFull:)`, which suspends.
    ///
    /// - Parameter input: The input.
    /// - Returns: The call. If the pool refuses it, waiting for it throws the reason.
    public func submit(_ input: Input) -> ForkPool.Call<Output> {
        do throws(ForkPool.Failure) {
            return try submit(input, whenFull: pool.options.whenFull)
        } catch {
            return ForkPool.Call(.failure(error), output)
        }
    }

    /// Submits one input, and waits for room or fails while as many calls wait as `Options.maxPending` allows.
    ///
    /// Blocks the calling thread for room, and not for the result; async code uses the overload that suspends. So a producer
    /// gets no further ahead of the workers than that.
    ///
    /// - Parameters:
    ///   - input: The input.
    ///   - whenFull: Whether to wait or to fail, whatever the options say.
    /// - Returns: The call.
    /// - Throws: `full` if this is not to wait; `closed` after the end of the pool, also if that comes while this waits;
    ///   `noMemory`.
    public func submit(
        _ input: Input, whenFull: ForkPool.Options.WhenFull
    ) throws(ForkPool.Failure) -> ForkPool.Call<Output> {
        if let call = gather(input) { return call }
        let batch = try makeCall(input)
        _ = try pool.submitInTurn(batch, waits: !whenFull.fails)
        return ForkPool.Call(.success(batch), output)
    }

    /// Submits as the overload for sync code, blocks no thread, and fails as `cancelled` as soon as its task is cancelled
    /// while this waits.
    nonisolated(nonsending) public func submit(
        _ input: Input, whenFull: ForkPool.Options.WhenFull
    ) async throws(ForkPool.Failure) -> ForkPool.Call<Output> {
        if let call = gather(input) { return call }
        let batch = try makeCall(input)
        try await pool.submitInTurn(batch, waits: !whenFull.fails)
        return ForkPool.Call(.success(batch), output)
    }

    /// Adds a call to those that wait for workers; nil if it is to be a batch of its own.
    private func gather(_ value: Input) -> ForkPool.Call<Output>? {
        guard let gathering,
            let (batch, item) = pool.gather(gathering, { batch, item in input.write(value, item, into: batch) })
        else { return nil }
        return ForkPool.Call(.success(batch), output, item: item)
    }

    @inlinable
    func makeCall(_ value: Input) throws(ForkPool.Failure) -> Batch {
        let batch = try makeBatch(1)
        if input.isPlain {
            unsafe batch.inputs.assumingMemoryBound(to: Input.self).initialize(to: value)
        } else {
            input.write(value, 0, into: batch)
        }
        return batch
    }

    /// Submits a batch, and waits for its end.
    @usableFromInline
    func finish(_ batch: Batch) throws(ForkPool.Failure) {
        pool.wait(for: batch, isSoonDone: try pool.submitInTurn(batch, waits: !pool.options.whenFull.fails))
    }
}

extension ForkPool {
    /// A submitted call of a resident pool; `value` gives the result to async code, `wait()` to other code.
    public struct Call<Output>: Sendable {
        private let batch: Result<Batch, Failure>
        private let output: WireFormat<Output>
        /// The number of the call in its batch.
        private let item: Int

        init(_ batch: Result<Batch, Failure>, _ output: WireFormat<Output>, item: Int = 0) {
            self.batch = batch
            self.output = output
            self.item = item
        }

        /// The result; suspends until the call is done.
        ///
        /// If the task is cancelled, the call is cancelled. Later reads give the same result or failure.
        ///
        /// - Throws: The failure of the call, with index 0.
        nonisolated(nonsending) public var value: Output {
            get async throws(Failure) {
                let batch = try owned()
                if batch.shape.gathersCalls {
                    await batch.pool.wait(forCall: item, of: batch)
                } else {
                    await batch.pool.wait(for: batch)
                }
                return try result(of: batch)
            }
        }

        /// Waits for the result; blocks the calling thread.
        ///
        /// - Returns: The result.
        /// - Throws: The failure of the call, with index 0.
        @available(*, noasync, message: "wait() blocks the thread; use await value")
        public func wait() throws(Failure) -> Output {
            let batch = try owned()
            wait(for: batch)
            return try result(of: batch)
        }

        /// Waits for the result for a limited time; blocks the calling thread.
        ///
        /// - Parameter time: The longest time to wait.
        /// - Returns: The result.
        /// - Throws: The failure of the call, with index 0; `timedOut` if the call is not done in time. The call then
        ///   goes on, and you can wait for it again.
        @available(*, noasync, message: "wait(for:) blocks the thread; use await value, with a deadline")
        public func wait(for time: Duration) throws(Failure) -> Output {
            let batch = try owned()
            guard wait(for: batch, until: monotonicNanoseconds() + max(0, time.nanoseconds)) else {
                throw .timedOut(time)
            }
            return try result(of: batch)
        }

        /// Cancels the call if it is not done: it fails as `cancelled`, and a worker that runs it is killed.
        public func cancel() {
            guard let batch = try? owned() else { return }
            if batch.shape.gathersCalls { batch.pool.cancel(call: item, of: batch) } else { batch.pool.cancel(batch) }
        }

        /// Whether the call has a result or a failure, so that waiting returns at once.
        public var isDone: Bool {
            guard let batch = try? owned() else { return true }
            return batch.shape.gathersCalls && batch.isOver(item) || batch.pool.isDone(batch)
        }

        @discardableResult
        private func wait(for batch: Batch, until deadline: Int? = nil) -> Bool {
            batch.shape.gathersCalls
                ? batch.pool.wait(forCall: item, of: batch, until: deadline)
                : batch.pool.wait(for: batch, until: deadline)
        }

        private func result(of batch: Batch) throws(Failure) -> Output {
            guard batch.shape.gathersCalls else { return try output.single(batch) }
            if let failure = batch.pool.failure(ofCall: item, of: batch) { throw failure }
            return try output.value(batch.results, at: item).0.get()
        }

        /// Returns the batch of the call.
        ///
        /// - Throws: The failure if the pool refused the call, or if this process did not submit it.
        private func owned() throws(Failure) -> Batch {
            let batch = try batch.get()
            guard batch.pool.isOwn else { throw .foreign }
            return batch
        }
    }
}
