// SPDX-License-Identifier: Apache-2.0

// A stream has its own resident pool, which starts with the first read and ends with the last one. The overloads are
// those of `map` and `resident`. A collection is a sequence, too, but workers see it through the fork, without a copy: so each
// overload over sequences has one here that is more specific, and does nothing else.

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
    @_alwaysEmitIntoClient
    public func stream<C: Collection, R: Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .best, BatchBodies.bestResults(byNumber(items, body)))
    }

    /// Streams `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }
}

// MARK: - For collections that are sequences of what crosses, too

extension ForkPool {
    /// Streams `Codable` results, as the first overload does.
    @_alwaysEmitIntoClient
    public func stream<C: Collection, R: Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> where C.Element: Codable {
        streamCollection(items, order, window, .best, BatchBodies.bestResults(byNumber(items, body)))
    }

    /// Streams `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> where C.Element: BitwiseCopyable {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }

    /// Streams `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> where C.Element: Codable {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }

    /// Streams `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> where C.Element: BitwiseCopyable & Codable {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }
}
