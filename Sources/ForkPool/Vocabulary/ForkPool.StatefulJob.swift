// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// A job whose workers each have a state: a model, a connection, a generator.
    ///
    /// ```swift
    /// struct Numbering: ForkPool.StatefulJob {
    ///     func makeState() -> [String: Int] { [:] }
    ///     func run(_ word: String, state: inout [String: Int]) -> Int {
    ///         let number = state[word] ?? state.count
    ///         state[word] = number
    ///         return number
    ///     }
    /// }
    /// let numbering = try ForkPool(workers: 1).resident(Numbering(), start: .exec)
    /// print(try numbering.map(["to", "be", "or", "not", "to", "be"]))   // [0, 1, 2, 3, 0, 1]
    /// numbering.close()
    /// ```
    ///
    /// The state never leaves its worker, so it need be neither `Sendable` nor `Codable`.
    public protocol StatefulJob: Job {
        // Both are those of `Job`; named again, the compiler finds them by `run(_:state:)`.
        /// The type of the inputs.
        associatedtype Input
        /// The type of the results.
        associatedtype Output
        /// What each worker makes once and keeps for all of its items.
        associatedtype State

        /// Makes the state, in each worker before its first item and after `setUp()`.
        ///
        /// - Returns: The state.
        /// - Throws: Any error; every call of the pool fails as `setUpFailed`.
        func makeState() async throws -> State

        /// Computes the result of an input, in a worker.
        ///
        /// - Parameters:
        ///   - input: One item.
        ///   - state: The worker's state, as the item before left it.
        /// - Returns: The item's result.
        /// - Throws: Any error; the item fails as `thrown`.
        func run(_ input: Input, state: inout State) async throws -> Output

        /// Ends the state, in each worker after its last item and before `tearDown()`, unless the worker crashed or was killed;
        /// does nothing by default.
        ///
        /// - Parameter state: The worker's state, which it releases then.
        func tearDown(_ state: State) async

        /// Runs items in a worker; not for other code, which has no claim.
        func _run(_ claim: _JobClaim, state: inout State) async -> Bool
    }
}

extension ForkPool.StatefulJob {
    /// Computes the result of an input with a state of its own, which it makes and ends; workers keep theirs instead.
    ///
    /// - Parameter input: One item.
    /// - Returns: The item's result.
    /// - Throws: What `makeState()` or `run(_:state:)` throws.
    public func run(_ input: Input) async throws -> Output {
        var state = try await makeState()
        let result: Result<Output, any Error>
        do { result = .success(try await run(input, state: &state)) } catch { result = .failure(error) }
        await tearDown(state)
        return try result.get()
    }

    /// Does nothing.
    ///
    /// - Parameter state: The worker's state.
    public func tearDown(_ state: State) async {}
}
