/// Gives out parts of a resident pool's heap: what the parent keeps of it, in its own memory.
///
/// Sizes are rounded up to powers of two and kept in lists by size; pages are committed as they are touched, so that
/// rounding costs address space alone. When nothing is in use it begins anew.
struct SharedHeap {
    private static let smallest = 1024
    /// A freed part of this size or more gives its pages back where too many are kept.
    private static let discardFrom = 64 << 10

    private let range: Range<Int>
    private var next: Int
    private var free: [[Int]] = Array(repeating: [], count: Int.bitWidth)
    private var used = 0
    /// Bytes of the parts that are free and may still have their pages.
    private var warm = 0

    init(_ range: Range<Int>) {
        self.range = range
        next = range.lowerBound
    }

    /// A part of the heap, in bytes from the region's start.
    struct Part {
        let offset: Int
        let size: Int
        var end: Int { offset + size }
    }

    /// Whether nothing is in use.
    var isEmpty: Bool { used == 0 }

    /// Takes a part of at least `size` bytes, or returns nil if there is none.
    mutating func allocate(_ size: Int) -> Part? {
        guard size <= range.count else { return nil }
        let rounded = Self.rounded(size)
        let list = rounded.trailingZeroBitCount
        if let offset = free[list].popLast() {
            used += rounded
            warm -= min(warm, rounded)
            return Part(offset: offset, size: rounded)
        }
        // Whole pages from a page on: their memory can be given back.
        let start = rounded >= Self.discardFrom ? Mapping.pages(next) : next
        guard rounded <= range.upperBound - start else { return nil }
        next = start + rounded
        used += rounded
        return Part(offset: start, size: rounded)
    }

    /// Takes a part back; returns the bytes whose pages are to be discarded, if any.
    mutating func release(_ part: Part, keeping mark: Int) -> Range<Int>? {
        used -= part.size
        guard used > 0 else {
            let touched = next
            reset()
            let kept = Mapping.pages(range.lowerBound + min(mark, range.count))
            return touched > kept ? kept..<Mapping.pages(touched) : nil
        }
        free[part.size.trailingZeroBitCount].append(part.offset)
        guard part.size >= Self.discardFrom, warm + part.size > mark else {
            warm += part.size
            return nil
        }
        return part.offset..<part.end
    }

    private mutating func reset() {
        next = range.lowerBound
        warm = 0
        for list in free.indices where !free[list].isEmpty { free[list].removeAll(keepingCapacity: true) }
    }

    private static func rounded(_ size: Int) -> Int {
        var rounded = smallest
        while rounded < size { rounded *= 2 }
        return rounded
    }
}
