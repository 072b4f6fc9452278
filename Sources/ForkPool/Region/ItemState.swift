// SPDX-License-Identifier: Apache-2.0

/// What the one byte of an item says; every other value is damage.
@usableFromInline
enum ItemState {
    /// Nothing was published: not begun, or begun and not finished.
    @usableFromInline static let unfinished: UInt8 = 0
    /// The slot holds the result.
    @usableFromInline static let value: UInt8 = 1
    /// A report in a worker's arena says why there is no result; another one, with the error's own words, may come.
    @usableFromInline static let failed: UInt8 = 2
    /// The parent knows why there is no result: the item's worker is gone, or its input could not be had.
    @usableFromInline static let lost: UInt8 = 3
    /// As `failed`, and no other report comes.
    @usableFromInline static let described: UInt8 = 4

    /// Whether nothing of the item is written any more.
    static func isOver(_ state: UInt8) -> Bool { state != unfinished && state != failed }
}
