// SPDX-License-Identifier: Apache-2.0

// What ForkPool+Rejected.swift does for maps, for maps with a journal.

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension ForkPool {
    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<C: Collection, R>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) throws(Failure) -> [R] {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<C: Collection, R>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) async throws(Failure) -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        throw Failure.rejected(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) -> [Result<R, Failure>] {
        neverCalled(R.self)
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, deprecated, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R>(
        _ items: C, shard: Shard? = nil, journal: String, key: String = "", sync: JournalSync = .end,
        onFailure: (@Sendable (Failure) -> Void)? = nil, _ body: (C.Element) throws -> R
    ) async -> ResultIsNeitherBitwiseCopyableNorCodable<R> {
        neverCalled(R.self)
    }
}
