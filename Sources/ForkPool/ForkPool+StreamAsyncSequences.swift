// SPDX-License-Identifier: Apache-2.0

// The streams of ForkPool+Stream.swift over asynchronous sequences, for each kind of inputs and results.

extension ForkPool {
    /// Applies a function to every item of an asynchronous sequence in worker processes, and streams the results.
    ///
    /// A separate task reads the sequence while the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. If the sequence throws, the last element is a
    ///     failure with that error, as `sourceError` and `thrown`, after the results of all items before it.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamAsync(items, order, window, .best, .best, BatchBodies.best(body))
    }

    /// Streams `Codable` results of `BitwiseCopyable` inputs, as the first overload does.
    @_disfavoredOverload
    public func stream<S: AsyncSequence & SendableMetatype, R: Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamAsync(items, order, window, .plain, .best, BatchBodies.bestResults(body))
    }

    /// Streams `BitwiseCopyable` results of `Codable` inputs, as the first overload does.
    @_disfavoredOverload
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamAsync(items, order, window, .best, .plain, BatchBodies.bestInputs(body))
    }

    /// Streams `BitwiseCopyable` results of `BitwiseCopyable` inputs, as the first overload does.
    @_disfavoredOverload
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Streams `BitwiseCopyable` results of `BitwiseCopyable & Codable` inputs, as the first overload does.
    @_disfavoredOverload
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Streams `BitwiseCopyable & Codable` results of `BitwiseCopyable` inputs, as the first overload does.
    @_disfavoredOverload
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable & Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }
}
