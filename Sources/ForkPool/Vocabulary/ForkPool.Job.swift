// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Work for workers that share nothing with this process: a value with a method, which may be async.
    ///
    /// ```swift
    /// struct Greeting: ForkPool.Job {
    ///     var word: String
    ///     func run(_ name: String) async throws -> String { "\(word), \(name)" }
    /// }
    /// let greeter = try ForkPool().resident(Greeting(word: "Hello"))
    /// print(try greeter.map(["Ann", "Bob"]))
    /// greeter.close()
    /// ```
    ///
    /// Workers are started by exec, unless `start: .fork` is said. An exec worker gets the encoded value and the name of its
    /// type, so the type must not be `private` or declared in a function. `main` of the program does not run in the worker, so
    /// global variables of main.swift read as zero. One thread of the worker drives an async `run`, which may wait for
    /// Dispatch, `Task.sleep` and other threads. In a forked worker it must not, because a fork has none of them.
    public protocol Job: Codable {
        /// The type of the inputs.
        associatedtype Input: Codable
        /// The type of the results.
        associatedtype Output: Codable

        /// Computes the result of an input, in a worker.
        ///
        /// - Parameter input: One item.
        /// - Returns: The item's result.
        /// - Throws: Any error; the item fails as `thrown`.
        func run(_ input: Input) async throws -> Output

        /// Runs in each worker before its first item; does nothing by default.
        ///
        /// - Throws: Any error; every call of the pool fails as `setUpFailed`.
        func setUp() async throws

        /// Runs in each worker after its last item, unless it crashed or was killed; does nothing by default.
        func tearDown() async

        /// Runs items in a worker; not for other code, which has no claim.
        func _run(_ claim: _JobClaim) async -> Bool
    }

    /// The way to start the workers of a resident pool.
    public enum Start: Sendable {
        /// Forks this process: in a fraction of a millisecond, with a copy of its memory.
        ///
        /// What other threads of this process hold at that moment stays locked in the worker: <doc:WhatIsSafe>.
        case fork
        /// Starts this program again: in some milliseconds, with only the job; the default.
        ///
        /// This is safe in a program that uses threads, Dispatch or tasks, and for a body that uses them.
        case exec
    }
}

extension ForkPool.Job {
    /// Does nothing.
    ///
    /// - Throws: Nothing.
    public func setUp() async throws {}

    /// Does nothing.
    public func tearDown() async {}
}
