// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Applies a function to every item in worker processes with a state, and returns every outcome in input order.
    ///
    /// A failing item does not affect the others, unless the worker ends, whose replacement makes its state anew. Blocks the
    /// calling thread.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - state: Makes the state, once in each worker.
    ///   - tearDown: Runs in each worker after its last item, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each item, with the worker's state. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the system refuses the whole map, or `state`
    ///   fails, every outcome is that failure.
    @_alwaysEmitIntoClient
    public func mapResults<State: ~Copyable, C: Collection, R: Codable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        everyOutcome(items.count) { () throws(Failure) in
            if _isPOD(R.self) {
                return try stored(items, stopsAtFailure: false, state, tearDown, body).results(of: R.self)
            }
            return try encoded(items, stopsAtFailure: false, state, tearDown, body).decodedResults(as: R.self)
        }
    }

    /// Maps with a state to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func mapResults<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        everyOutcome(items.count) { () throws(Failure) in
            try stored(items, stopsAtFailure: false, state, tearDown, body).results(of: R.self)
        }
    }

    /// Maps as the overload for sync code, blocks no thread, and ends if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func mapResults<State: ~Copyable, C: Collection, R: Codable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        await everyOutcome(items.count) { () async throws(Failure) in
            if _isPOD(R.self) {
                return try await stored(items, stopsAtFailure: false, state, tearDown, body).results(of: R.self)
            }
            return try await encoded(items, stopsAtFailure: false, state, tearDown, body).decodedResults(as: R.self)
        }
    }

    /// Maps with a state to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func mapResults<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        await everyOutcome(items.count) { () async throws(Failure) in
            try await stored(items, stopsAtFailure: false, state, tearDown, body).results(of: R.self)
        }
    }
}
