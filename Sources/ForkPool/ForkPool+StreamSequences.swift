// The streams of ForkPool+Stream.swift over sequences that are no collections, for each way in which inputs and results cross.

extension ForkPool {
    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamSequence(items, order, window, .plain, .coded, BatchBodies.codedResults(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable & Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamSequence(items, order, window, .coded, .plain, BatchBodies.codedInputs(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamSequence(items, order, window, .coded, .coded, BatchBodies.coded(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable & Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamSequence(items, order, window, .coded, .plain, BatchBodies.codedInputs(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamSequence(items, order, window, .plain, .coded, BatchBodies.codedResults(body))
    }

    /// Applies a function to every item of a sequence in worker processes, and gives each result when it is there.
    ///
    /// The sequence may be endless: it is asked for items as the window has room, by whoever reads the stream.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    @_disfavoredOverload
    public func stream<S: Sequence, R: BitwiseCopyable & Codable>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamSequence(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }
}
