// A closure with one expression whose value is neither BitwiseCopyable nor Codable would match the overload for
// BitwiseCopyable: Swift would drop the value and use Void as the result, with only a warning. The overloads of the two
// protocols below match such a closure better, and equally well, so the call is ambiguous, which is an error. They are
// never called. For any other result they are less specific than the overloads of the pool, and never chosen.

/// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error; has no other use.
public protocol ResultMustBeBitwiseCopyable {}

/// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error; has no other use.
public protocol ResultMustBeCodable {}

extension ForkPool: ResultMustBeBitwiseCopyable, ResultMustBeCodable {}

extension ResultMustBeBitwiseCopyable {
    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    ///   - read: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    ///   - read: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    nonisolated(nonsending) public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}

extension ResultMustBeCodable {
    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    ///   - read: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing; it is never called.
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Makes a call with a result that is neither `BitwiseCopyable` nor `Codable` an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    ///   - read: Not used.
    /// - Returns: Nothing; it is never called.
    /// - Throws: Nothing; it is never called.
    nonisolated(nonsending) public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}
