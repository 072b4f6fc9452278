// SPDX-License-Identifier: Apache-2.0

// What ForkPool+Rejected.swift does, for workers that have a state.

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension ForkPool {
    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<State: ~Copyable, C: Collection, R>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) throws(Failure) -> [R] {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<State: ~Copyable, C: Collection, R>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) async throws(Failure) -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<State: ~Copyable, C: Collection, R>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<State: ~Copyable, C: Collection, R>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R
    ) async -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable")
    @ResultMustBeBitwiseCopyable<R>
    @_alwaysEmitIntoClient
    public func withMapped<State: ~Copyable, C: Collection, R, T>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R, read: (Span<R>) throws -> T
    ) throws -> T {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable")
    @ResultMustBeBitwiseCopyable<R>
    @_alwaysEmitIntoClient
    public func withMapped<State: ~Copyable, C: Collection, R, T>(
        _ items: C, state: () throws -> State, tearDown: (inout State) -> Void = { _ in },
        _ body: (inout State, C.Element) throws -> R, read: (Span<R>) throws -> T
    ) async throws -> ResultIsNotBitwiseCopyable<R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the input and the result of the body must be BitwiseCopyable or Codable")
    @InputAndResultMustBeBitwiseCopyableOrCodable<I, R>
    @_alwaysEmitIntoClient
    public func resident<State: ~Copyable, I, R>(
        state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, I) throws -> R
    ) throws(Failure) -> Resident<I, R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func stream<State: ~Copyable, C: Collection, R>(
        _ items: C, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, C.Element) throws -> R
    ) -> Stream<R> {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the input and the result of the body must be BitwiseCopyable or Codable")
    @InputAndResultMustBeBitwiseCopyableOrCodable<S.Element, R>
    @_alwaysEmitIntoClient
    public func stream<State: ~Copyable, S: Sequence, R>(
        _ items: S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the input and the result of the body must be BitwiseCopyable or Codable")
    @InputAndResultMustBeBitwiseCopyableOrCodable<S.Element, R>
    @_alwaysEmitIntoClient
    public func stream<State: ~Copyable, S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: Order = .input, window: Int? = nil, state: @escaping () throws -> State,
        tearDown: @escaping (inout State) -> Void = { _ in }, _ body: @escaping (inout State, S.Element) throws -> R
    ) -> Stream<R> {
        neverCalled(R.self)
    }
}
