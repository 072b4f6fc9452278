// SPDX-License-Identifier: Apache-2.0

// The streams of ForkPool+Stream.swift for workers that have a state.

extension ForkPool {
    /// Applies a function to every item in worker processes with a state, and streams the results.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    ///   - state: Makes the state, once in each worker, before its first item.
    ///   - tearDown: Runs in each worker after its last item, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each item, with the worker's state. It may capture anything.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work.
    /// - Precondition: `window` is at least 1.
    public func stream<State: ~Copyable, C: Collection, R: Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamCollection(items, order, window, .best, BatchBodies.bestResults(byNumber(items, body)), state)
    }

    /// Streams `BitwiseCopyable` results, as the overload for `Codable` results does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)), state)
    }
}

// MARK: - For collections that are sequences of what crosses, too

extension ForkPool {
    /// Streams `Codable` results with a state, as the first overload does.
    public func stream<State: ~Copyable, C: Collection, R: Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> where C.Element: Codable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamCollection(items, order, window, .best, BatchBodies.bestResults(byNumber(items, body)), state)
    }

    /// Streams `BitwiseCopyable` results with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> where C.Element: BitwiseCopyable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)), state)
    }

    /// Streams `BitwiseCopyable` results with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> where C.Element: Codable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)), state)
    }

    /// Streams `BitwiseCopyable` results with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> where C.Element: BitwiseCopyable & Codable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)), state)
    }
}
