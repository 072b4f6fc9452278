// SPDX-License-Identifier: Apache-2.0

// The streams of ForkPool+StreamSequences.swift for workers that have a state.

extension ForkPool {
    /// Applies a function to every item of a sequence in worker processes with a state, and streams the results.
    ///
    /// The sequence may be endless: reading the stream takes items from it while the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: The order of the results.
    ///   - window: The most items in flight, from taking an item to reading its result; nil for as many as keep the
    ///     workers busy.
    ///   - state: Makes the state, once in each worker, before its first item.
    ///   - tearDown: Runs in each worker after its last item, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each item, with the worker's state. It may capture anything.
    /// - Returns: The results, as a `Sequence` and an `AsyncSequence`; the first read starts the work.
    /// - Precondition: `window` is at least 1.
    public func stream<State: ~Copyable, S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamSequence(items, order, window, .best, .best, BatchBodies.best(body), state)
    }

    /// Streams `Codable` results of `BitwiseCopyable` inputs with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamSequence(items, order, window, .plain, .best, BatchBodies.bestResults(body), state)
    }

    /// Streams `BitwiseCopyable` results of `Codable` inputs with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamSequence(items, order, window, .best, .plain, BatchBodies.bestInputs(body), state)
    }

    /// Streams `BitwiseCopyable` results of `BitwiseCopyable` inputs with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body), state)
    }

    /// Streams `BitwiseCopyable` results of `BitwiseCopyable & Codable` inputs with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body), state)
    }

    /// Streams `BitwiseCopyable & Codable` results of `BitwiseCopyable` inputs with a state, as the first overload does.
    @_disfavoredOverload
    public func stream<State: ~Copyable, S: Sequence, R: BitwiseCopyable & Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        let (body, state) = StateBox.bind(state, tearDown, body)
        return streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body), state)
    }
}
