// SPDX-License-Identifier: Apache-2.0

// The resident pools of ForkPool+Resident.swift for workers that have a state.

extension ForkPool {
    /// Starts resident workers that each have a state, for a body.
    ///
    /// The workers are forked now: the body sees captured values as they are now, without later changes. Until the pool
    /// ends, the workers keep that memory and the open files of this process.
    ///
    /// Each worker makes the state before its first input, and so does a worker that replaces another one. If that throws,
    /// exits or crashes, every call of the pool fails as `setUpFailed`.
    ///
    /// - Parameters:
    ///   - state: Makes the state, once in each worker, before its first input.
    ///   - tearDown: Runs in each worker after its last input, unless the worker crashed or was killed.
    ///   - body: Runs in a worker, once for each input, with the worker's state. It may capture anything.
    /// - Returns: The resident pool.
    /// - Throws: `forkRefused` or `noMemory` if the system refuses all workers or memory.
    /// - Complexity: One fork per worker and two more.
    @_alwaysEmitIntoClient
    public func resident<State: ~Copyable, I: Codable, R: Codable>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        let box = StateBox<State>()
        return try makeResident(.best, .best, BatchBodies.best(box, body), box.steps(state, tearDown))
    }

    /// Starts resident workers with a state for `BitwiseCopyable` inputs and `Codable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<State: ~Copyable, I: BitwiseCopyable, R: Codable>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        let box = StateBox<State>()
        return try makeResident(.plain, .best, BatchBodies.bestResults(box, body), box.steps(state, tearDown))
    }

    /// Starts resident workers with a state for `Codable` inputs and `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<State: ~Copyable, I: Codable, R: BitwiseCopyable>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        let box = StateBox<State>()
        return try makeResident(.best, .plain, BatchBodies.bestInputs(box, body), box.steps(state, tearDown))
    }

    /// Starts resident workers with a state for `BitwiseCopyable` inputs and results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<State: ~Copyable, I: BitwiseCopyable, R: BitwiseCopyable>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        let box = StateBox<State>()
        return try makeResident(.plain, .plain, BatchBodies.plain(box, body), box.steps(state, tearDown))
    }

    /// Starts resident workers with a state for inputs that are both, and `BitwiseCopyable` results, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<State: ~Copyable, I: BitwiseCopyable & Codable, R: BitwiseCopyable>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        let box = StateBox<State>()
        return try makeResident(.plain, .plain, BatchBodies.plain(box, body), box.steps(state, tearDown))
    }

    /// Starts resident workers with a state for `BitwiseCopyable` inputs, and results that are both, as the first overload does.
    @_alwaysEmitIntoClient
    @_disfavoredOverload
    public func resident<State: ~Copyable, I: BitwiseCopyable, R: BitwiseCopyable & Codable>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        let box = StateBox<State>()
        return try makeResident(.plain, .plain, BatchBodies.plain(box, body), box.steps(state, tearDown))
    }
}
