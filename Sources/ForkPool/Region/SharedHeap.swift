// SPDX-License-Identifier: Apache-2.0
/// Gives out parts of a region's heap, by bookkeeping in the parent's own memory.
///
/// Sizes are rounded up to powers of two, where there is room for that, and kept in lists by size. Pages are committed as they are touched, so rounding
/// costs address space alone. When nothing is in use the heap starts again at its beginning.
struct SharedHeap {
    private static let smallest = 1024
    /// A freed part of this size or more gives its pages back where too many are kept.
    private static let discardFrom = 64 << 10

    private let range: Range<Int>
    private var next: Int
    private var free: [[Int]] = Array(repeating: [], count: Int.bitWidth)
    /// The lists that may hold something: bits by number.
    private var listed: UInt64 = 0
    private var used = 0
    /// Bytes of the free parts that may still have their pages.
    private var warm = 0
    /// The end of what was ever given out and not discarded since: bytes from here on are zero and have no pages.
    private(set) var touched: Int

    init(_ range: Range<Int>) {
        self.range = range
        next = range.lowerBound
        touched = next
    }

    /// A part of the heap, in bytes from the region's start.
    struct Part {
        let offset: Int
        let size: Int
        /// The bytes from here on are zero.
        let zeroed: Int
        var end: Int { offset + size }
    }

    /// The bytes up to the last one that may have a page.
    var warmSize: Int { touched - range.lowerBound }

    var isEmpty: Bool { used == 0 }

    /// Takes a part of at least `size` bytes, or returns nil if there is none.
    mutating func allocate(_ size: Int) -> Part? {
        guard size <= range.count else { return nil }
        let rounded = Self.rounded(size)
        let list = rounded.trailingZeroBitCount
        if let offset = free[list].popLast() {
            used += rounded
            warm -= min(warm, rounded)
            return Part(offset: offset, size: rounded, zeroed: offset + rounded)
        }
        // Large parts begin on a page, so that their memory can be given back.
        let start = rounded >= Self.discardFrom ? Mapping.pages(next) : next
        let left = range.upperBound - start
        // At its end the heap gives what is asked for and no more; large parts share no page.
        let unit = rounded >= Self.discardFrom ? Mapping.pageSize : 128
        let taken = rounded <= left ? rounded : (max(size, 1) + unit - 1) / unit * unit
        guard taken <= left else { return nil }
        next = start + taken
        used += taken
        defer { touched = max(touched, next) }
        return Part(offset: start, size: taken, zeroed: max(start, touched))
    }

    /// Takes a part back; returns the bytes whose pages are to be discarded, if any.
    mutating func release(_ part: Part, keeping mark: Int) -> Range<Int>? {
        used -= part.size
        guard used > 0 else {
            reset()
            let kept = Mapping.pages(range.lowerBound + min(mark, range.count))
            guard touched > kept else { return nil }
            defer { touched = kept }
            return kept..<Mapping.pages(touched)
        }
        let list = Int.bitWidth - 1 - part.size.leadingZeroBitCount
        free[list].append(part.offset)
        listed |= 1 << UInt64(list)
        guard part.size >= Self.discardFrom, warm + part.size > mark else {
            warm += part.size
            return nil
        }
        return part.offset..<part.end
    }

    /// Takes no byte for zero any more: a worker that died may have written anywhere.
    mutating func distrustFreshPages() {
        touched = range.upperBound
    }

    private mutating func reset() {
        next = range.lowerBound
        warm = 0
        while listed != 0 {
            free[listed.trailingZeroBitCount].removeAll(keepingCapacity: true)
            listed &= listed - 1
        }
    }

    static func rounded(_ size: Int) -> Int {
        var rounded = smallest
        while rounded < size { rounded *= 2 }
        return rounded
    }
}
