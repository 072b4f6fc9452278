// SPDX-License-Identifier: Apache-2.0

// What ForkPool+Rejected.swift does for maps, for resident pools and streams.

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension ForkPool {
    @_documentation(visibility: private)
    @available(*, unavailable, message: "a body is not async; write a ForkPool.Job, whose run is")
    @_alwaysEmitIntoClient
    public func resident<I, R>(_ body: @escaping (I) async throws -> R) throws(Failure) -> Resident<I, R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the input and the result of the body must be BitwiseCopyable or Codable")
    @InputAndResultMustBeBitwiseCopyableOrCodable<I, R>
    @_alwaysEmitIntoClient
    public func resident<I, R>(_ body: @escaping (I) throws -> R) throws(Failure) -> Resident<I, R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func stream<C: Collection, R>(
        _ items: C, order: Order = .input, window: Int? = nil, _ body: @escaping (C.Element) throws -> R
    ) -> Stream<R> {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the input and the result of the body must be BitwiseCopyable or Codable")
    @InputAndResultMustBeBitwiseCopyableOrCodable<S.Element, R>
    @_alwaysEmitIntoClient
    public func stream<S: Sequence, R>(
        _ items: S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the input and the result of the body must be BitwiseCopyable or Codable")
    @InputAndResultMustBeBitwiseCopyableOrCodable<S.Element, R>
    @_alwaysEmitIntoClient
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> Stream<R> {
        neverCalled(R.self)
    }
}
