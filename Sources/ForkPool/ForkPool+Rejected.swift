// A closure with one expression whose value is neither BitwiseCopyable nor Codable would still match the overload
// for BitwiseCopyable: its value would be dropped and its result be Void, with no more than a warning. The two
// overloads below match such a closure better, and equally well: the call is ambiguous, which is an error. Nothing
// can call either of them.

/// Says that a result must be BitwiseCopyable or Codable, by being what a call with any other result cannot choose.
public enum ResultMustBeBitwiseCopyable {}

/// Says that a result must be BitwiseCopyable or Codable, by being what a call with any other result cannot choose.
public enum ResultMustBeCodable {}

extension ForkPool {
    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    /// - Throws: Nothing: it cannot be called.
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> ResultMustBeBitwiseCopyable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    /// - Throws: Nothing: it cannot be called.
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) throws(Failure) -> ResultMustBeCodable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    /// - Throws: Nothing: it cannot be called.
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> ResultMustBeBitwiseCopyable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    /// - Throws: Nothing: it cannot be called.
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> ResultMustBeCodable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> ResultMustBeBitwiseCopyable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> ResultMustBeCodable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> ResultMustBeBitwiseCopyable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }

    /// Matches a result that is neither BitwiseCopyable nor Codable, and makes the call an error.
    ///
    /// - Parameters:
    ///   - items: Not used.
    ///   - body: Not used.
    /// - Returns: Nothing: it cannot be called.
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> ResultMustBeCodable {
        fatalError("ForkPool: a result must be BitwiseCopyable or Codable")
    }
}
