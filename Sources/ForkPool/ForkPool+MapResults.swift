// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Applies a function to every item in worker processes, and returns every outcome in input order.
    ///
    /// A failing item does not affect the others. Blocks the calling thread.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the system refuses the whole map,
    ///   every outcome is that failure.
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        everyOutcome(items.count) { () throws(Failure) in
            if _isPOD(R.self) { return try stored(items, stopsAtFailure: false, body).results(of: R.self) }
            return try encoded(items, stopsAtFailure: false, body).decodedResults(as: R.self)
        }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        everyOutcome(items.count) { () throws(Failure) in
            try stored(items, stopsAtFailure: false, body).results(of: R.self)
        }
    }

    /// Maps as the overload for sync code, blocks no thread, and ends if the task is cancelled.
    @_alwaysEmitIntoClient
    nonisolated(nonsending) public func mapResults<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        await everyOutcome(items.count) { () async throws(Failure) in
            if _isPOD(R.self) { return try await stored(items, stopsAtFailure: false, body).results(of: R.self) }
            return try await encoded(items, stopsAtFailure: false, body).decodedResults(as: R.self)
        }
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    nonisolated(nonsending) public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        await everyOutcome(items.count) { () async throws(Failure) in
            try await stored(items, stopsAtFailure: false, body).results(of: R.self)
        }
    }
}

/// Makes the failure of a whole map the failure of every item.
@usableFromInline
func everyOutcome<R>(
    _ count: Int, _ map: () throws(ForkPool.Failure) -> [Result<R, ForkPool.Failure>]
) -> [Result<R, ForkPool.Failure>] {
    do throws(ForkPool.Failure) {
        return try map()
    } catch {
        return (0..<count).map { .failure(error.at($0)) }
    }
}

@usableFromInline
nonisolated(nonsending) func everyOutcome<R>(
    _ count: Int, _ map: nonisolated(nonsending) () async throws(ForkPool.Failure) -> [Result<R, ForkPool.Failure>]
) async -> [Result<R, ForkPool.Failure>] {
    do throws(ForkPool.Failure) {
        return try await map()
    } catch {
        return (0..<count).map { .failure(error.at($0)) }
    }
}
