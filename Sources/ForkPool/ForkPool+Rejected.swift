// A closure with one expression whose value is neither BitwiseCopyable nor Codable would still match the overload
// for BitwiseCopyable: its value would be dropped and its result be Void, with no more than a warning. The overloads of
// the two protocols below match such a closure better, and equally well: the call is ambiguous, which is an error.
// Nothing can call either of them. For any other result they are less specific than the pool's own, and never chosen.
// The underscores and attributes keep them out of the documentation; the compiler's notes still say what is wrong.

/// Says, by what a call with another result cannot choose from, that a result must be BitwiseCopyable or Codable.
public protocol _ResultMustBeBitwiseCopyable {}

/// Says, by what a call with another result cannot choose from, that a result must be BitwiseCopyable or Codable.
public protocol _ResultMustBeCodable {}

extension ForkPool: _ResultMustBeBitwiseCopyable, _ResultMustBeCodable {}

extension _ResultMustBeBitwiseCopyable {
    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    nonisolated(nonsending) public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}

extension _ResultMustBeCodable {
    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    @_documentation(visibility: private)
    nonisolated(nonsending) public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}
