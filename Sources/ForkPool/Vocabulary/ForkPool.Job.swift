extension ForkPool {
    /// Work for a worker that shares nothing with this process: a value, and a method that may be async.
    ///
    /// ```swift
    /// struct Thumbnail: ForkPool.Job {
    ///     var side: Int
    ///     func run(_ path: String) async throws -> [UInt8] { … }
    /// }
    /// let thumbnails = try ForkPool().resident(Thumbnail(side: 128), start: .exec)
    /// ```
    ///
    /// With `start: .exec`, the worker gets the value coded, and finds its type by name: the type must not be `private` or
    /// declared in a function. The program's `main` does not run there, so a global variable of main.swift has no value.
    ///
    /// The worker's only thread runs an async `run`. In a forked worker, it must not wait for Dispatch, `Task.sleep` or other
    /// threads, because a fork has none; in a worker that was started by exec, it may.
    public protocol Job: Codable {
        /// The type of the items.
        associatedtype Input: Codable
        /// The type of the results.
        associatedtype Output: Codable

        /// Makes the result of an item, in a worker.
        ///
        /// - Parameter input: One item.
        /// - Returns: The item's result.
        /// - Throws: An error that becomes the item's failure.
        func run(_ input: Input) async throws -> Output

        /// Runs in each worker before its first item; does nothing by default.
        ///
        /// - Throws: An error that becomes the failure of the pool: every call then fails.
        func setUp() async throws

        /// Runs in each worker after its last item, unless it crashed or was killed; does nothing by default.
        func tearDown() async
    }

    /// How the workers of a resident pool start.
    public enum Start: Sendable {
        /// As forks of this process: in a fraction of a millisecond, with a copy of its memory.
        case fork
        /// As this program, started again: in some milliseconds, with nothing but the job.
        ///
        /// This is safe in a program that uses threads, Dispatch or tasks, and for a body that does.
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
