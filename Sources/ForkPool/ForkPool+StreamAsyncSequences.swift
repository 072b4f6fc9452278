// The streams of ForkPool+Stream.swift over asynchronous sequences, for each way in which inputs and results cross.

extension ForkPool {
    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamAsync(items, order, window, .plain, .coded, BatchBodies.codedResults(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable & Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamAsync(items, order, window, .coded, .plain, BatchBodies.codedInputs(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamAsync(items, order, window, .coded, .coded, BatchBodies.coded(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable & Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: Codable {
        streamAsync(items, order, window, .coded, .plain, BatchBodies.codedInputs(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamAsync(items, order, window, .plain, .coded, BatchBodies.codedResults(body))
    }

    /// Applies a function to every item of an asynchronous sequence in worker processes, and gives each result when it is
    /// there.
    ///
    /// The sequence is read by a task of its own, as the window has room.
    ///
    /// - Parameters:
    ///   - items: The input; each item is copied once, into shared memory. What it throws is the last element's failure.
    ///   - order: In which order results come.
    ///   - window: The most items in flight, from being taken to being read; as many as keep the workers busy by default.
    ///   - body: Runs in a worker, once for each item. It may capture anything.
    /// - Returns: The results, as a `Sequence` and as an `AsyncSequence`; reading begins the work.
    /// - Precondition: `window` is at least 1.
    public func stream<S: AsyncSequence & SendableMetatype, R: BitwiseCopyable & Codable>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> where S.Element: BitwiseCopyable & Codable {
        streamAsync(items, order, window, .plain, .plain, BatchBodies.plain(body))
    }
}
