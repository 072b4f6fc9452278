// SPDX-License-Identifier: Apache-2.0

// A closure with one expression whose value is neither BitwiseCopyable nor Codable would still match the overload for
// BitwiseCopyable: with a mere warning, Swift drops the value and takes Void as the result. The overloads below take any
// result. They are disfavoured like that overload: then they win over its reading as Void, which needs a conversion, and lose
// to it where the result is what it should be, because they are less specific.
//
// Choosing one is an error that names the types. One for sync code belongs to a global actor on which no code runs, so that a
// call from anywhere is refused. One for async code returns a type from there that may not leave it; it is deprecated, too,
// since Swift 5 does not refuse that.
//
// The attributes keep them out of the documentation.

/// An actor on which no code runs.
@_documentation(visibility: private)
public actor Nowhere {
    fileprivate static let shared = Nowhere()
}

/// Names, in the compiler's error, a type of results that is neither `BitwiseCopyable` nor `Codable`.
@_documentation(visibility: private)
@globalActor
public struct ResultMustBeBitwiseCopyableOrCodable<Output> {
    /// The actor on which no code runs.
    public static var shared: Nowhere { .shared }
}

/// Names, in the compiler's error, a type of inputs or results that is neither `BitwiseCopyable` nor `Codable`.
@_documentation(visibility: private)
@globalActor
public struct InputAndResultMustBeBitwiseCopyableOrCodable<Input, Output> {
    /// The actor on which no code runs.
    public static var shared: Nowhere { .shared }
}

/// Stands, in the compiler's error, for results that are neither `BitwiseCopyable` nor `Codable`.
///
/// It is a collection so that what is done with the results is no second error.
@_documentation(visibility: private)
public struct ResultIsNeitherBitwiseCopyableNorCodable<Output>: RandomAccessCollection {
    /// Is never read.
    public var startIndex: Int { neverCalled() }
    /// Is never read.
    public var endIndex: Int { neverCalled() }
    /// Is never read.
    public subscript(_: Int) -> Output { neverCalled() }
}

@available(*, unavailable)
extension ResultIsNeitherBitwiseCopyableNorCodable: Sendable {}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension ForkPool {
    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    public func map<C: Collection, R>(_ items: C, _ body: (C.Element) throws -> R) throws(Failure) -> [R] {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable")
    @ResultMustBeBitwiseCopyable<R>
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable")
    @ResultMustBeBitwiseCopyable<R>
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> ResultIsNotBitwiseCopyable<R> {
        neverCalled()
    }
}

/// Names, in the compiler's error, a type of results that is not `BitwiseCopyable`.
@_documentation(visibility: private)
@globalActor
public struct ResultMustBeBitwiseCopyable<Output> {
    /// The actor on which no code runs.
    public static var shared: Nowhere { .shared }
}

/// Stands, in the compiler's error, for results that are not `BitwiseCopyable`.
@_documentation(visibility: private)
public struct ResultIsNotBitwiseCopyable<Output> {}

@available(*, unavailable)
extension ResultIsNotBitwiseCopyable: Sendable {}

func neverCalled() -> Never {
    trap("inputs and results must be BitwiseCopyable or Codable")
}
