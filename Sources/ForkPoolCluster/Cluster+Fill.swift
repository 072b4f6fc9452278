// SPDX-License-Identifier: Apache-2.0
public import ForkPool

extension Cluster {
    /// Lets the workers of all hosts write results of one size in place, and returns all of them.
    ///
    /// - Parameters:
    ///   - count: The number of slots; the same on every host.
    ///   - slot: The number of elements in each slot.
    ///   - type: The type of an element.
    ///   - journal: The path of a journal on the root, which keeps the slots; nil for none.
    ///   - key: A name for the job and its version, for the journal.
    ///   - sync: When the results are on the root's disk, and not only with its kernel.
    ///   - onFailure: Hears on the root of a journal that cannot be written, once, on any thread. Nil for a line on standard error.
    ///   - deliver: The hosts that get the results.
    ///   - file: The file of the call, by which calls are told apart.
    ///   - line: The line of the call.
    ///   - body: Runs in a worker of some host, once for each slot, with the number of the slot and its elements to write.
    /// - Returns: `count * slot` elements; slot `i` begins at `i * slot`. No elements on a host that gets none.
    /// - Throws: On every host, what `map` throws.
    /// - Precondition: `count` and `slot` are at least 0, and the number of bytes fits in an `Int`.
    @inlinable
    @discardableResult
    public func fill<Element: BitwiseCopyable>(
        count: Int, slot: Int, of type: Element.Type, journal: String? = nil, key: String = "",
        sync: ForkPool.JournalSync = .end, onFailure: (@Sendable (ForkPool.Failure) -> Void)? = nil,
        deliver: Delivery = .all, file: StaticString = #fileID, line: UInt = #line,
        _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) throws(ForkPool.Failure) -> SharedArray<Element> {
        if let link {
            let journal = JournalPlace(journal, key, sync, onFailure)
            let call = Call("fill", count, pool, journal, toAll: deliver == .all, file, line)
            return try link.fill(call, slot: slot, of: type, body)
        }
        guard let journal else { return try pool.fill(count: count, slot: slot, of: type, body) }
        return try pool.fill(
            count: count, slot: slot, of: type, journal: journal, key: key, sync: sync, onFailure: onFailure, body)
    }
}
