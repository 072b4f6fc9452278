extension ForkPool {
    /// Applies a function to every item in worker processes, and returns every outcome in input order.
    ///
    /// A failing item does not affect the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the system refuses the whole map,
    ///   every outcome is that failure.
    @inlinable
    public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        var place = CollectionCursor(items)
        return everyOutcome(items.count) { () throws(Failure) in
            try run(.init(of: R.self, items.count), stopsAtFailure: false) { range, writer in
                storeResults(of: range, in: items, at: &place, writer, body)
            }.results(of: R.self)
        }
    }

    /// Applies a function to every item in worker processes, and returns every outcome in input order, decoded.
    ///
    /// A failing item does not affect the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the system refuses the whole map,
    ///   every outcome is that failure.
    @inlinable
    public func mapResults<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        var place = CollectionCursor(items)
        return everyOutcome(items.count) { () throws(Failure) in
            try run(.coded(items.count), stopsAtFailure: false) { range, writer in
                encodeResults(of: range, in: items, at: &place, writer, body)
            }.decodedResults(as: R.self)
        }
    }

    /// Applies a function to every item in worker processes, and returns every outcome in input order.
    ///
    /// A failing item does not affect the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`.
    @inlinable
    public func mapResults<C: Collection, R: BitwiseCopyable & Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        var place = CollectionCursor(items)
        return everyOutcome(items.count) { () throws(Failure) in
            try run(.init(of: R.self, items.count), stopsAtFailure: false) { range, writer in
                storeResults(of: range, in: items, at: &place, writer, body)
            }.results(of: R.self)
        }
    }

    /// Applies a function to every item in worker processes, and returns every outcome in input order.
    ///
    /// A failing item does not affect the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the system refuses the whole map,
    ///   every outcome is that failure.
    @inlinable
    nonisolated(nonsending) public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        var place = CollectionCursor(items)
        return await everyOutcome(items.count) { () async throws(Failure) in
            try await run(.init(of: R.self, items.count), stopsAtFailure: false) { range, writer in
                storeResults(of: range, in: items, at: &place, writer, body)
            }.results(of: R.self)
        }
    }

    /// Applies a function to every item in worker processes, and returns every outcome in input order, decoded.
    ///
    /// A failing item does not affect the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`. If the system refuses the whole map,
    ///   every outcome is that failure.
    @inlinable
    nonisolated(nonsending) public func mapResults<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        var place = CollectionCursor(items)
        return await everyOutcome(items.count) { () async throws(Failure) in
            try await run(.coded(items.count), stopsAtFailure: false) { range, writer in
                encodeResults(of: range, in: items, at: &place, writer, body)
            }.decodedResults(as: R.self)
        }
    }

    /// Applies a function to every item in worker processes, and returns every outcome in input order.
    ///
    /// A failing item does not affect the others.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; that of `items[i]` is at index `i`.
    @inlinable
    nonisolated(nonsending) public func mapResults<C: Collection, R: BitwiseCopyable & Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, Failure>] {
        var place = CollectionCursor(items)
        return await everyOutcome(items.count) { () async throws(Failure) in
            try await run(.init(of: R.self, items.count), stopsAtFailure: false) { range, writer in
                storeResults(of: range, in: items, at: &place, writer, body)
            }.results(of: R.self)
        }
    }
}

extension ForkPool {
    /// Makes the failure of a whole map the failure of every item.
    @usableFromInline
    func everyOutcome<R>(
        _ count: Int, _ outcomes: () throws(Failure) -> [Result<R, Failure>]
    ) -> [Result<R, Failure>] {
        do throws(Failure) {
            return try outcomes()
        } catch {
            return (0..<count).map { .failure(error.at($0)) }
        }
    }

    /// Makes the failure of a whole map the failure of every item.
    @usableFromInline
    nonisolated(nonsending) func everyOutcome<R>(
        _ count: Int, _ outcomes: nonisolated(nonsending) () async throws(Failure) -> [Result<R, Failure>]
    ) async -> [Result<R, Failure>] {
        do throws(Failure) {
            return try await outcomes()
        } catch {
            return (0..<count).map { .failure(error.at($0)) }
        }
    }
}
