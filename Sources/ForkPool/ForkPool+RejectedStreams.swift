// The same as ForkPool+Rejected.swift, for resident pools and streams. An overload is disfavoured here if the overload
// of the pool is: among disfavoured overloads Swift chooses the more specific one.

extension ResultMustBeBitwiseCopyable {
    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameter body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    public func resident<I: BitwiseCopyable, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameter body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    @_disfavoredOverload
    public func resident<I, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - order: Not used.
    ///   - window: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    public func stream<S: Collection, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - order: Not used.
    ///   - window: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    @_disfavoredOverload
    public func stream<S: Sequence, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - order: Not used.
    ///   - window: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil,
        _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}

extension ResultMustBeCodable {
    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameter body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    public func resident<I: BitwiseCopyable, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameter body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    @_disfavoredOverload
    public func resident<I, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - order: Not used.
    ///   - window: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    public func stream<S: Collection, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - order: Not used.
    ///   - window: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    @_disfavoredOverload
    public func stream<S: Sequence, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - order: Not used.
    ///   - window: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil,
        _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}
