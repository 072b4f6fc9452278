// Each method has overloads for `BitwiseCopyable` results, for `Codable` results, and for results that are both (which
// are stored as bit patterns), each for sync and for async code. With any other result, the overloads of
// ForkPool+Rejected.swift make the call an error.

extension ForkPool {
    /// Applies a function to every item in worker processes, and returns the results in input order.
    ///
    /// Blocks the calling thread. Async code uses the overload that suspends.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index, which a sequential map would throw. Claimed items below it finish;
    ///   the others are stopped or never start.
    /// - Complexity: One fork per worker, about 60 µs each; then one atomic add per chunk of items.
    @inlinable
    public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        var place = CollectionCursor(items)
        return try run(.init(of: R.self, items.count), stopsAtFailure: true) { range, writer in
            storeResults(of: range, in: items, at: &place, writer, body)
        }.array(of: R.self)
    }

    /// Applies a function to every item in worker processes, and returns the results in input order, decoded.
    ///
    /// Each result goes through a compact binary coder, which moves `String`, `[UInt8]` and arrays of `BitwiseCopyable`
    /// elements at the speed of a copy.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index, also if its result cannot be encoded or decoded.
    /// - Complexity: One fork per worker, about 60 µs each; then the encoding and decoding of every result.
    @inlinable
    public func map<C: Collection, R: Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        var place = CollectionCursor(items)
        return try run(.coded(items.count), stopsAtFailure: true) { range, writer in
            encodeResults(of: range, in: items, at: &place, writer, body)
        }.decoded(as: R.self)
    }

    /// Applies a function to every item in worker processes, and returns the results in input order.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: A result for each item; that of `items[i]` is at index `i`.
    /// - Throws: The failure of the lowest index.
    @inlinable
    public func map<C: Collection, R: BitwiseCopyable & Codable>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        var place = CollectionCursor(items)
        return try run(.init(of: R.self, items.count), stopsAtFailure: true) { range, writer in
            storeResults(of: range, in: items, at: &place, writer, body)
        }.array(of: R.self)
    }

    /// Applies a function to every item in worker processes, for its effects outside the process.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Throws: The failure of the lowest index.
    @inlinable
    public func forEach<C: Collection>(_ items: C, _ body: (C.Element) throws -> Void) throws(Failure) {
        var place = CollectionCursor(items)
        _ = try run(.init(of: Void.self, items.count), stopsAtFailure: true) { range, writer in
            storeResults(of: range, in: items, at: &place, writer, body)
        }.checked()
    }

    /// Applies a function to every item in worker processes, and reads the results in place.
    ///
    /// No result is copied: the span covers the slots in shared memory, and is valid until `read` returns.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    ///   - read: Runs in this process once every item has its result; that of `items[i]` is at index `i`.
    /// - Returns: What `read` returns.
    /// - Throws: The `Failure` of the lowest index, before `read` runs; or what `read` throws.
    @inlinable
    public func withMapped<C: Collection, R: BitwiseCopyable, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        var place = CollectionCursor(items)
        let outcome = try run(.init(of: R.self, items.count), stopsAtFailure: true) { range, writer in
            storeResults(of: range, in: items, at: &place, writer, body)
        }
        let slots = unsafe try outcome.slots(of: R.self)
        defer { extendLifetime(outcome) }
        return try read(unsafe slots.span)
    }
}
