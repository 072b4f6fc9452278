// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// Claims ranges of items from the shared cursor, by one atomic add each.
@usableFromInline
@safe struct Claims {
    @usableFromInline let cursor: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let count: Int
    /// A lower bound of the cursor, from the last claim: to read the cursor itself would fetch its cache line twice.
    @usableFromInline var known = 0
    /// Whether the cursor had an impossible value.
    @usableFromInline var isDamaged = false

    init(cursor: UnsafeMutablePointer<Atomic<Int>>, count: Int) {
        unsafe self.cursor = cursor
        self.count = count
    }

    /// Claims the next range, of at most `most` items; nil if nothing is left.
    @inline(__always)
    mutating func next(_ policy: borrowing ChunkPolicy, atMost most: Int = .max) -> Range<Int>? {
        guard known < count else { return nil }
        return next(min(policy.next(remaining: count - known), count, most))
    }

    /// Claims the next range, of at most `size` items, which are no more than there are; nil if nothing is left.
    @inlinable @inline(__always)
    mutating func next(_ size: Int) -> Range<Int>? {
        guard known < count else { return nil }
        let start = unsafe cursor.pointee.wrappingAdd(size, ordering: .relaxed).oldValue
        // A cursor that went back is damaged: following it would run the same items for ever.
        guard start >= known, start < count else {
            isDamaged = start < known
            return nil
        }
        known = count &- start > size ? start &+ size : count
        return unsafe Range(uncheckedBounds: (start, known))
    }

    /// Whether the cursor went back, which would run items again and again.
    var hasTurnedBack: Bool {
        unsafe isDamaged || cursor.pointee.load(ordering: .relaxed) < known
    }
}
