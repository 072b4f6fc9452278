// SPDX-License-Identifier: Apache-2.0
public import ForkPool

// Results that are neither BitwiseCopyable nor Codable are an error that names their type: ForkPool+Rejected.swift says how.

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension Cluster {
    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func map<C: Collection, R>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        fatalError("no code runs here")
    }

    @_documentation(visibility: private)
    @_disfavoredOverload
    @available(*, noasync, message: "the result of the body must be BitwiseCopyable or Codable")
    @ResultMustBeBitwiseCopyableOrCodable<R>
    @_alwaysEmitIntoClient
    public func mapResults<C: Collection, R>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        fatalError("no code runs here")
    }
}
