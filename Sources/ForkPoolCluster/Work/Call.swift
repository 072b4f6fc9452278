// SPDX-License-Identifier: Apache-2.0
public import ForkPool

/// A call of a cluster, as the program makes it.
@usableFromInline
struct Call {
    let kind: CallSite.Kind
    let count: Int
    let journal: JournalPlace?
    /// Whether every rank gets the results, and not the root alone.
    let deliversToAll: Bool
    let file: String
    let line: Int
    /// The pool of this host.
    let pool: ForkPool

    @usableFromInline
    init(
        _ name: StaticString, _ count: Int, _ pool: ForkPool, _ journal: JournalPlace?, toAll: Bool,
        _ file: StaticString, _ line: UInt
    ) {
        self.pool = pool
        kind = CallSite.Kind(rawValue: "\(name)")!
        self.count = count
        self.journal = journal
        deliversToAll = toAll
        self.file = "\(file)"
        self.line = Int(line)
    }

    /// Whether the first failure ends the map.
    var stopsAtFailure: Bool { kind != .mapResults }

    func site(_ results: ResultShape) -> CallSite {
        CallSite(
            kind: kind, number: 0, count: count, type: HostCoding.name(of: results.type), stride: results.stride,
            isCoded: results.isCoded, deliversToAll: deliversToAll, file: file, line: line)
    }
}

/// The journal of a call, on the root.
@usableFromInline
struct JournalPlace {
    let path: String
    let key: String
    let sync: ForkPool.JournalSync
    let onFailure: (@Sendable (ForkPool.Failure) -> Void)?

    @usableFromInline
    init?(
        _ path: String?, _ key: String, _ sync: ForkPool.JournalSync,
        _ onFailure: (@Sendable (ForkPool.Failure) -> Void)?
    ) {
        guard let path else { return nil }
        self.path = path
        self.key = key
        self.sync = sync
        self.onFailure = onFailure
    }
}

/// What the results of a call are.
struct ResultShape {
    let type: any Any.Type
    let stride: Int
    let isCoded: Bool
}

/// An item's place in a collection: the next one is found from there and not from the start.
@usableFromInline
struct ItemCursor<C: Collection> {
    @usableFromInline var offset = 0
    @usableFromInline var index: C.Index

    @inlinable
    init(_ items: C) {
        index = items.startIndex
    }

    @inlinable
    mutating func item(_ number: Int, of items: C) -> C.Element {
        if number < offset { self = ItemCursor(items) }
        items.formIndex(&index, offsetBy: number - offset)
        offset = number
        return items[index]
    }
}

/// A function in memory, so that an escaping closure can point to one that does not escape.
@usableFromInline
struct Body<Input, Output> {
    @usableFromInline let run: (Input) throws -> Output

    @inlinable
    init(_ run: @escaping (Input) throws -> Output) {
        self.run = run
    }
}

/// Runs `make` with a body that takes the number of an item.
///
/// The workers run the body in memory that they had at the fork; in this process it is gone when `make` returns.
@inlinable
func withNumbers<C: Collection, R, T, E: Error>(
    of items: C, _ body: (C.Element) throws -> R, _ make: (@escaping (Int) throws -> R) throws(E) -> T
) throws(E) -> T {
    try withoutActuallyEscaping(body) { (body) throws(E) in
        let body = Body(body)
        return try unsafe withUnsafePointer(to: body) { (body) throws(E) in
            var cursor = ItemCursor(items)
            return try make { number in try unsafe body.pointee.run(cursor.item(number, of: items)) }
        }
    }
}
