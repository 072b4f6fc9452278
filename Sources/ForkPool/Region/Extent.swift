// SPDX-License-Identifier: Apache-2.0

/// Where the bytes of a coded result are: the content of its slot.
struct Extent: BitwiseCopyable {
    /// Bytes from the region's start.
    let offset: Int
    let length: Int
}

/// What stands before each error in an arena.
struct WorkerErrorLink: BitwiseCopyable {
    let item: Int
    /// The offset of the error before, plus one; 0 if this is the first.
    let previous: Int
    /// The bytes of the error, which follow.
    let length: Int
}
