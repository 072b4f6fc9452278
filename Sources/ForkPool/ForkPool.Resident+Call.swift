extension ForkPool.Resident {
    /// Applies the body to one input.
    ///
    /// Blocks the calling thread. In async code the overload that suspends is chosen.
    ///
    /// - Parameter input: The input.
    /// - Returns: The result.
    /// - Throws: The failure of the call, with index 0; `closed` after the pool's end.
    public func callAsFunction(_ input: Input) throws(ForkPool.Failure) -> Output {
        let batch = try makeCall(input)
        pool.wait(for: batch, isSoonDone: try pool.submit(batch))
        return try output.result(batch.result(), at: 0).get()
    }

    /// Applies the body to one input.
    ///
    /// Blocks no thread. A cancelled task ends the call, which then fails as cancelled; the pool goes on.
    ///
    /// - Parameter input: The input.
    /// - Returns: The result.
    /// - Throws: The failure of the call, with index 0; `closed` after the pool's end.
    nonisolated(nonsending) public func callAsFunction(_ input: Input) async throws(ForkPool.Failure) -> Output {
        let batch = try makeCall(input)
        try pool.submit(batch)
        await pool.wait(for: batch)
        return try output.result(batch.result(), at: 0).get()
    }

    /// Begins to apply the body to one input, for a result that is asked for later.
    ///
    /// It does not wait. A result that nobody asks for is dropped.
    ///
    /// - Parameter input: The input.
    /// - Returns: The call. Where the pool refuses it, waiting for it throws why.
    public func submit(_ input: Input) -> ForkPool.Call<Output> {
        do throws(ForkPool.Failure) {
            let batch = try makeCall(input)
            try pool.submit(batch)
            return ForkPool.Call(.success(batch), output)
        } catch {
            return ForkPool.Call(.failure(error), output)
        }
    }

    private func makeCall(_ value: Input) throws(ForkPool.Failure) -> Batch {
        let batch = try pool.makeBatch(
            Batch.Shape(
                count: 1, inputStride: input.stride, slotStride: output.stride, stopsAtFailure: false))
        input.write(value, 0, into: batch)
        return batch
    }
}

extension ForkPool {
    /// One call of a resident pool that was submitted: `value` in async code, `wait()` elsewhere.
    public struct Call<Output>: Sendable {
        private let batch: Result<Batch, Failure>
        private let output: WireFormat<Output>

        init(_ batch: Result<Batch, Failure>, _ output: WireFormat<Output>) {
            self.batch = batch
            self.output = output
        }

        /// The result; suspends until it is there.
        ///
        /// A cancelled task ends the call. Asking again gives the same again.
        ///
        /// - Throws: The failure of the call, with index 0.
        nonisolated(nonsending) public var value: Output {
            get async throws(Failure) {
                let batch = try owned()
                await batch.pool.wait(for: batch)
                return try output.result(batch.result(), at: 0).get()
            }
        }

        /// Waits for the result; blocks the calling thread.
        ///
        /// - Returns: The result.
        /// - Throws: The failure of the call, with index 0.
        public func wait() throws(Failure) -> Output {
            let batch = try owned()
            batch.pool.wait(for: batch)
            return try output.result(batch.result(), at: 0).get()
        }

        /// Waits for the result for a while; blocks the calling thread.
        ///
        /// - Parameter time: How long to wait at most.
        /// - Returns: The result.
        /// - Throws: The failure of the call, with index 0; `timedOut` if it is not done by then. The call goes on, and
        ///   can be waited for again.
        public func wait(for time: Duration) throws(Failure) -> Output {
            let batch = try owned()
            guard batch.pool.wait(for: batch, until: monotonicNanoseconds() + max(0, time.nanoseconds)) else {
                throw .timedOut(time)
            }
            return try output.result(batch.result(), at: 0).get()
        }

        /// Ends the call, unless it is done: it fails as cancelled, and a worker that is on it is killed.
        public func cancel() {
            if let batch = try? owned() { batch.pool.cancel(batch) }
        }

        /// Whether waiting would not take any time: there is a result or a failure.
        public var isDone: Bool {
            guard let batch = try? owned() else { return true }
            return batch.pool.isDone(batch)
        }

        /// The batch of the call.
        ///
        /// - Throws: The refusal of the pool, or of a process that is not the one that submitted the call.
        private func owned() throws(Failure) -> Batch {
            let batch = try batch.get()
            guard batch.pool.isOwn else { throw .foreign }
            return batch
        }
    }
}
