// What ForkPool+Rejected.swift does for the pool's maps, for its resident pools and streams. What is disfavoured there
// is so here: of overloads that are disfavoured alike the more specific one is chosen.

extension _ResultMustBeBitwiseCopyable {
    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func resident<I: BitwiseCopyable, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    @_disfavoredOverload
    public func resident<I, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func stream<S: Collection, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    @_disfavoredOverload
    public func stream<S: Sequence, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil,
        _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}

extension _ResultMustBeCodable {
    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func resident<I: BitwiseCopyable, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    @_disfavoredOverload
    public func resident<I, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func stream<S: Collection, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    @_disfavoredOverload
    public func stream<S: Sequence, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil,
        _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}
