extension ForkPool {
    /// Work that can be sent to a worker that shares nothing with this process: a value, and a method that may be async.
    ///
    /// ```swift
    /// struct Greeting: ForkPool.Job {
    ///     var word: String
    ///     func run(_ name: String) async throws -> String { "\(word), \(name)" }
    /// }
    /// let greeter = try ForkPool().resident(Greeting(word: "Hello"), start: .exec)
    /// print(try greeter.map(["Ann", "Bob"]))
    /// greeter.close()
    /// ```
    ///
    /// With `start: .exec` the value crosses coded, its type by name: the type must not be `private` or declared in a
    /// function; and the program's `main` does not run there, so a global variable of main.swift has no value. An async `run` is driven by the worker's only thread. In a forked worker it must not wait for Dispatch,
    /// `Task.sleep` or other threads, of which a fork has none; in one that was started by exec it may do what it likes.
    public protocol Job: Codable {
        /// What the job is run on.
        associatedtype Input: Codable
        /// What it makes of it.
        associatedtype Output: Codable

        /// Makes a result of an input, in a worker.
        ///
        /// - Parameter input: One item.
        /// - Returns: The item's result.
        /// - Throws: What is to be the item's failure.
        func run(_ input: Input) async throws -> Output

        /// Runs in each worker before its first item; does nothing unless you say what.
        ///
        /// - Throws: What is to be the failure of the pool: every call fails then.
        func setUp() async throws

        /// Runs in each worker after its last item, unless it crashed or was killed; does nothing unless you say what.
        func tearDown() async
    }

    /// How the workers of a resident pool are started.
    public enum Start: Sendable {
        /// As forks of this process: in a fraction of a millisecond, and with all that it has in memory.
        case fork
        /// As this program, started again: in some milliseconds, with nothing but the job. Safe in a program that uses
        /// threads, Dispatch or tasks, and for a body that does.
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
