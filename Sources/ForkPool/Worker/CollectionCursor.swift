// SPDX-License-Identifier: Apache-2.0
/// A worker's position in a collection: it finds the next range from there and not from the start.
@usableFromInline
struct CollectionCursor<C: Collection> {
    @usableFromInline var offset = 0
    @usableFromInline var index: C.Index

    @_alwaysEmitIntoClient
    init(_ items: C) {
        index = items.startIndex
    }

    /// Moves to the item with a number.
    @_alwaysEmitIntoClient
    mutating func move(to number: Int, in items: C) {
        if number < offset { self = CollectionCursor(items) }
        items.formIndex(&index, offsetBy: number - offset)
        offset = number
    }

    /// Moves to the next item.
    @_alwaysEmitIntoClient @inline(__always)
    mutating func advance(in items: C) {
        items.formIndex(after: &index)
        offset += 1
    }
}
