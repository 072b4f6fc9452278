// SPDX-License-Identifier: Apache-2.0

// A stream has its own resident pool, which starts with the first read and ends with the last one. The overloads are
// those of `map` and `resident`; overloads over sequences that are no collections are disfavoured, because workers see
// a collection through the fork, without a copy.

extension ForkPool {
    /// Applies a function to every item in worker processes, and streams the results.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work.
    /// - Precondition: `window` is at least 1.
    public func stream<C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }

    /// Streams `Codable` results, as the overload for `BitwiseCopyable` results does.
    public func stream<C: Collection, R: Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .coded, BatchBodies.codedResults(byNumber(items, body)))
    }

    /// Streams results that are `BitwiseCopyable` and `Codable`, as the overload for `BitwiseCopyable` results does.
    public func stream<C: Collection, R: BitwiseCopyable & Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }
}
