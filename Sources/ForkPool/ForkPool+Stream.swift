// A stream of the pool is one of a resident pool of its own, which begins with the first read and ends with the last.
// The overloads are those of `map` and of `resident`; those over sequences that are no collections are disfavoured, since
// a collection is handed over by the fork, without a copy.

extension ForkPool {
    /// Applies a function to every item in worker processes, and gives each result when it is there.
    ///
    /// - Parameters:
    ///   - items: The input; workers see it through the fork, nothing is copied.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<C: Collection, R: BitwiseCopyable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }

    /// Applies a function to every item in worker processes, and gives each result when it is there.
    ///
    /// - Parameters:
    ///   - items: The input; workers see it through the fork, nothing is copied.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<C: Collection, R: Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .coded, BatchBodies.codedResults(byNumber(items, body)))
    }

    /// Applies a function to every item in worker processes, and gives each result when it is there.
    ///
    /// - Parameters:
    ///   - items: The input; workers see it through the fork, nothing is copied.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<C: Collection, R: BitwiseCopyable & Codable>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        streamCollection(items, order, window, .plain, BatchBodies.plain(byNumber(items, body)))
    }
}
