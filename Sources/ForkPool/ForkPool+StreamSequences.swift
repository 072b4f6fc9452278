// SPDX-License-Identifier: Apache-2.0

// The streams of ForkPool+Stream.swift over sequences that are no collections, for each kind of inputs and results.

extension ForkPool {
    /// Applies a function to every item of a sequence in worker processes, and streams the results.
    ///
    /// The sequence may be endless: reading the stream takes items from it while the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work.
    /// - Precondition: `window` is at least 1.
    @_alwaysEmitIntoClient
    public func stream<S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamSequence(items, order, window, .best, .best, BatchBodies.best(body))
    }

    /// Streams `Codable` results of `BitwiseCopyable` inputs, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamSequence(items, order, window, .plain, .best, BatchBodies.bestResults(body))
    }

    /// Streams `BitwiseCopyable` results of `Codable` inputs, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamSequence(items, order, window, .best, .plain, BatchBodies.bestInputs(body))
    }

    /// Streams `BitwiseCopyable` results of `BitwiseCopyable` inputs, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Streams `BitwiseCopyable` results of `BitwiseCopyable & Codable` inputs, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Streams `BitwiseCopyable & Codable` results of `BitwiseCopyable` inputs, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable & Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }
}
