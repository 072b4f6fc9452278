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
    public var startIndex: Int { neverCalled(Output.self) }
    /// Is never read.
    public var endIndex: Int { neverCalled(Output.self) }
    /// Is never read.
    public subscript(_: Int) -> Output { neverCalled(Output.self) }
}

@available(*, unavailable)
extension ResultIsNeitherBitwiseCopyableNorCodable: Sendable {}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension ForkPool {
    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<C: Collection, R>(_ items: C, _ body: (C.Element) throws -> R) throws(Failure) -> [R] {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable")
    @ResultMustBeBitwiseCopyable<R>
    @_alwaysEmitIntoClient
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable")
    @ResultMustBeBitwiseCopyable<R>
    @_alwaysEmitIntoClient
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> ResultIsNotBitwiseCopyable<R> {
        throw Failure.rejected(R.self)
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

extension ForkPool.Failure {
    /// Says that a call has a result that cannot cross: in Swift 5 the compiler only warns of one in async code.
    @usableFromInline
    static func rejected(_ type: Any.Type) -> Self {
        var failure = Self(
            .notRunnable, index: nil,
            "the call cannot be run: its result, \(type), or its input is neither BitwiseCopyable nor Codable")
        failure.bodyRan = .no
        return failure
    }
}

@usableFromInline
func neverCalled(_ type: Any.Type) -> Never {
    trap("inputs and results must be BitwiseCopyable or Codable; the result is \(type)")
}
