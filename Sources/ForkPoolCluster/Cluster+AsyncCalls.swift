// SPDX-License-Identifier: Apache-2.0
public import ForkPool

// Each waits for a thread that makes the call for sync code, or for the pool if there is one host.

extension Cluster {
    /// Maps as the overload for sync code, and blocks no thread.
    ///
    /// If the task is cancelled, the call fails as `cancelled` on one host, and goes on to its end on several.
    @inlinable
    nonisolated(nonsending) public func map<C: Collection, R: Codable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        if link != nil, let calls {
            return try await calls.run { () throws(ForkPool.Failure) in
                try self.map(
                    items, journal: journal, key: key, sync: sync, onFailure: onFailure, deliver: deliver, file: file,
                    line: line, body)
            }
        }
        guard let journal else { return try await pool.map(items, body) }
        return try await pool.map(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @inlinable
    @_disfavoredOverload
    nonisolated(nonsending) public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) async throws(ForkPool.Failure) -> [R] {
        if link != nil, let calls {
            return try await calls.run { () throws(ForkPool.Failure) in
                try self.map(
                    items, journal: journal, key: key, sync: sync, onFailure: onFailure, deliver: deliver, file: file,
                    line: line, body)
            }
        }
        guard let journal else { return try await pool.map(items, body) }
        return try await pool.map(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Maps as the overload for sync code, and blocks no thread.
    ///
    /// If the task is cancelled, the call fails as `cancelled` on one host, and goes on to its end on several.
    @inlinable
    nonisolated(nonsending) public func mapResults<C: Collection, R: Codable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        if link != nil, let calls {
            return await calls.run {
                self.mapResults(
                    items, journal: journal, key: key, sync: sync, onFailure: onFailure, deliver: deliver, file: file,
                    line: line, body)
            }
        }
        guard let journal else { return await pool.mapResults(items, body) }
        return await pool.mapResults(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @inlinable
    @_disfavoredOverload
    nonisolated(nonsending) public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) async -> [Result<R, ForkPool.Failure>] {
        if link != nil, let calls {
            return await calls.run {
                self.mapResults(
                    items, journal: journal, key: key, sync: sync, onFailure: onFailure, deliver: deliver, file: file,
                    line: line, body)
            }
        }
        guard let journal else { return await pool.mapResults(items, body) }
        return await pool.mapResults(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Runs as the overload for sync code, and blocks no thread.
    ///
    /// If the task is cancelled, the call fails as `cancelled` on one host, and goes on to its end on several.
    @inlinable
    nonisolated(nonsending) public func forEach<C: Collection>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> Void
    ) async throws(ForkPool.Failure) {
        if link != nil, let calls {
            return try await calls.run { () throws(ForkPool.Failure) in
                try self.forEach(
                    items, journal: journal, key: key, sync: sync, onFailure: onFailure, file: file,
                    line: line, body)
            }
        }
        guard let journal else { return try await pool.forEach(items, body) }
        return try await pool.forEach(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Fills as the overload for sync code, and blocks no thread.
    ///
    /// If the task is cancelled, the call fails as `cancelled` on one host, and goes on to its end on several.
    @inlinable
    @discardableResult
    nonisolated(nonsending) public func fill<Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, journal: String? = nil, key: String = "",
        sync: ForkPool.JournalSync = .end, onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil,
        deliver: Delivery = .all, file: StaticString = #fileID, line: UInt = #line,
        _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) async throws(ForkPool.Failure) -> SharedArray<Element> {
        if link != nil, let calls {
            return try await calls.run { () throws(ForkPool.Failure) in
                try self.fill(
                    count: count, slot: slot, of: type, journal: journal, key: key, sync: sync, onFailure: onFailure,
                    deliver: deliver, file: file, line: line, body)
            }
        }
        guard let journal else { return try await pool.fill(count: count, slot: slot, of: type, body) }
        return try await pool.fill(
            count: count, slot: slot, of: type, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }
}
