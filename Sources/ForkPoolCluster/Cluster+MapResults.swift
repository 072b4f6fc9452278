// SPDX-License-Identifier: Apache-2.0
public import ForkPool

extension Cluster {
    /// Applies a function to every item in the workers of all hosts, and returns every outcome in input order.
    ///
    /// As `map`, but a failure ends nothing. Items that failed are not in the journal: the same call runs them again.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy; the same on every host.
    ///   - journal: The path of a journal on the root, which keeps the results; nil for none.
    ///   - key: A name for the job and its version, for the journal.
    ///   - sync: When the results are on the root's disk, and not only with its kernel.
    ///   - onFailure: Hears on the root of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - deliver: The hosts that get the outcomes.
    ///   - file: The file of the call, by which calls are told apart.
    ///   - line: The line of the call.
    ///   - body: Runs in a worker of some host, once for each item. It may capture anything.
    /// - Returns: An outcome for each item; nothing on a host that gets none. If the hosts do not make the same call, or the
    ///   journal cannot be used, every outcome is that failure, on every host.
    @inlinable
    public func mapResults<C: Collection, R: Codable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        if let link {
            let journal = JournalPlace(journal, key, sync, onFailure)
            let call = Call("mapResults", items.count, pool, journal, toAll: deliver == .all, file, line)
            return withNumbers(of: items, body) { body in
                link.mapResults(call, of: R.self) { () throws(ForkPool.Failure) in try pool.resident(body) }
            }
        }
        guard let journal else { return pool.mapResults(items, body) }
        return pool.mapResults(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @inlinable
    @_disfavoredOverload
    public func mapResults<C: Collection, R: BitwiseCopyable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) -> [Result<R, ForkPool.Failure>] {
        if let link {
            let journal = JournalPlace(journal, key, sync, onFailure)
            let call = Call("mapResults", items.count, pool, journal, toAll: deliver == .all, file, line)
            return withNumbers(of: items, body) { body in
                link.mapPlainResults(call, of: R.self) { () throws(ForkPool.Failure) in try pool.resident(body) }
            }
        }
        guard let journal else { return pool.mapResults(items, body) }
        return pool.mapResults(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Applies a function to every item in the workers of all hosts, for its effects outside of the processes.
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy; the same on every host.
    ///   - journal: The path of a journal on the root, which keeps which items are done; nil for none.
    ///   - key: A name for the job and its version, for the journal.
    ///   - sync: When it is on the root's disk which items are done, and not only with its kernel.
    ///   - onFailure: Hears on the root of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - file: The file of the call, by which calls are told apart.
    ///   - line: The line of the call.
    ///   - body: Runs in a worker of some host, once for each item. It may capture anything.
    /// - Throws: On every host, what `map` throws.
    @inlinable
    public func forEach<C: Collection>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> Void
    ) throws(ForkPool.Failure) {
        if let link {
            let journal = JournalPlace(journal, key, sync, onFailure)
            let call = Call("forEach", items.count, pool, journal, toAll: false, file, line)
            return try withNumbers(of: items, body) { (body) throws(ForkPool.Failure) in
                try link.forEach(call) { () throws(ForkPool.Failure) in try pool.resident(body) }
            }
        }
        guard let journal else { return try pool.forEach(items, body) }
        try pool.forEach(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }
}
