// SPDX-License-Identifier: Apache-2.0

// What ForkPool+Rejected.swift does for maps, for resident pools and streams. An overload is disfavoured where the
// pool's own is: of overloads that are disfavoured alike, Swift chooses the more specific one.

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension _ResultMustBeBitwiseCopyable {
    @_documentation(visibility: private)
    public func resident<I: BitwiseCopyable, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    public func resident<I, R>(_ body: @escaping (I) throws -> R) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func stream<S: Collection, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    public func stream<S: Sequence, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil,
        _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        neverCalled()
    }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension _ResultMustBeCodable {
    @_documentation(visibility: private)
    public func resident<I: BitwiseCopyable, R>(
        _ body: @escaping (I) throws -> R
    ) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    public func resident<I, R>(_ body: @escaping (I) throws -> R) throws(ForkPool.Failure) -> ForkPool.Resident<I, R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func stream<S: Collection, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    public func stream<S: Sequence, R>(
        _ items: S, order: ForkPool.Order = .input, window: Int? = nil, _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        neverCalled()
    }

    @_documentation(visibility: private)
    public func stream<S: AsyncSequence & SendableMetatype, R>(
        _ items: sending S, order: ForkPool.Order = .input, window: Int? = nil,
        _ body: @escaping (S.Element) throws -> R
    ) -> ForkPool.Stream<R> {
        neverCalled()
    }
}
