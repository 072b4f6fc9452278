// SPDX-License-Identifier: Apache-2.0
public import ForkPool

// Each map has an overload for `Codable` results, and a disfavoured one for those that are `BitwiseCopyable` only, as in ForkPool.

extension Cluster {
    /// Applies a function to every item in the workers of all hosts, and returns the results in input order.
    ///
    /// Every host makes the call, with as many items; each host hands its own items to the body. The root hands out ranges of
    /// items, at least 1 ms of work at a time. A worker that ends costs its item, as in a `ForkPool`. If a host is lost, MPI ends
    /// the job: the same command goes on from the `journal`.
    ///
    /// ```swift
    /// try Cluster.run { cluster in
    ///     let squares = try cluster.map(0..<1000, journal: "/tmp/squares.journal") { $0 * $0 }
    ///     if cluster.isRoot { print(squares.count) }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - items: The input, which workers see through the fork without a copy; the same on every host.
    ///   - journal: The path of a journal on the root, which keeps the results; nil for none.
    ///   - key: A name for the job and its version, for the journal.
    ///   - sync: When the results are on the root's disk, and not only with its kernel.
    ///   - onFailure: Hears on the root of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - deliver: The hosts that get the results.
    ///   - file: The file of the call, by which calls are told apart.
    ///   - line: The line of the call.
    ///   - body: Runs in a worker of some host, once for each item. It may capture anything.
    /// - Returns: A result for each item; nothing on a host that gets none.
    /// - Throws: On every host, the failure of the lowest index, with the name of its host; `ranksDiffer` if the hosts do not
    ///   make the same call; `journalFailed` before anything runs, if the journal cannot be used.
    @inlinable
    public func map<C: Collection, R: Codable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        if let link {
            let journal = JournalPlace(journal, key, sync, onFailure)
            let call = Call("map", items.count, pool, journal, toAll: deliver == .all, file, line)
            return try withNumbers(of: items, body) { (body) throws(ForkPool.Failure) in
                try link.map(call, of: R.self) { () throws(ForkPool.Failure) in try pool.resident(body) }
            }
        }
        guard let journal else { return try pool.map(items, body) }
        return try pool.map(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }

    /// Maps to `BitwiseCopyable` results, as the overload for `Codable` results does.
    @inlinable
    @_disfavoredOverload
    public func map<C: Collection, R: BitwiseCopyable>(
        _ items: C, journal: String? = nil, key: String = "", sync: ForkPool.JournalSync = .end,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil, deliver: Delivery = .all,
        file: StaticString = #fileID, line: UInt = #line, _ body: (C.Element) throws -> R
    ) throws(ForkPool.Failure) -> [R] {
        if let link {
            let journal = JournalPlace(journal, key, sync, onFailure)
            let call = Call("map", items.count, pool, journal, toAll: deliver == .all, file, line)
            return try withNumbers(of: items, body) { (body) throws(ForkPool.Failure) in
                try link.mapPlain(call, of: R.self) { () throws(ForkPool.Failure) in try pool.resident(body) }
            }
        }
        guard let journal else { return try pool.map(items, body) }
        return try pool.map(items, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }
}
