// SPDX-License-Identifier: Apache-2.0

// A closure with one expression whose value is neither BitwiseCopyable nor Codable would still match the overload for
// BitwiseCopyable: with a mere warning, Swift drops the value and takes Void as the result. The two protocols below
// have equal overloads that match such a closure better: the call is ambiguous, which is an error. For any other result
// they are less specific than the pool's own overloads, and Swift never chooses them.
//
// The underscores and attributes keep them out of the documentation; the compiler's notes show the protocols' names.

/// Makes a call ambiguous, and so an error, if its result is neither `BitwiseCopyable` nor `Codable`.
public protocol _ResultMustBeBitwiseCopyable {}

/// Makes a call ambiguous, and so an error, if its result is neither `BitwiseCopyable` nor `Codable`.
public protocol _ResultMustBeCodable {}

extension ForkPool: _ResultMustBeBitwiseCopyable, _ResultMustBeCodable {}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension _ResultMustBeBitwiseCopyable {
    @_documentation(visibility: private)
    public func map<C: Collection, R>(_ items: C, _ body: (C.Element) throws -> R) throws(ForkPool.Failure) -> [R] {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        neverCalled()
    }

    @_documentation(visibility: private)
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        neverCalled()
    }

    @_documentation(visibility: private)
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        neverCalled()
    }

    @_documentation(visibility: private)
    nonisolated(nonsending) public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        neverCalled()
    }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension _ResultMustBeCodable {
    @_documentation(visibility: private)
    public func map<C: Collection, R>(_ items: C, _ body: (C.Element) throws -> R) throws(ForkPool.Failure) -> [R] {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        neverCalled()
    }

    @_documentation(visibility: private)
    nonisolated(nonsending) public func map<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        neverCalled()
    }

    @_documentation(visibility: private)
    nonisolated(nonsending) public func mapResults<C: Collection, R>(
        _ items: C, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        neverCalled()
    }

    @_documentation(visibility: private)
    nonisolated(nonsending) public func withMapped<C: Collection, R, T>(
        _ items: C, _ body: (C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> T {
        neverCalled()
    }
}

func neverCalled() -> Never {
    trap("a result must be BitwiseCopyable or Codable")
}
