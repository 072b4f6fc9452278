internal import Synchronization

/// Claims ranges of items from the shared cursor, by one atomic add each.
@safe struct Claims {
    private let cursor: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int
    /// Where the cursor was at least, as the last claim told.
    ///
    /// To read the cursor itself before each claim would fetch its cache line twice.
    private var known = 0
    /// Whether the cursor was found to be where it cannot be.
    private var isDamaged = false

    init(cursor: UnsafeMutablePointer<Atomic<Int>>, count: Int) {
        unsafe self.cursor = cursor
        self.count = count
    }

    /// Claims the next range, of at most so many items, or returns nil when nothing is left.
    mutating func next(_ policy: borrowing ChunkPolicy, atMost most: Int = .max) -> Range<Int>? {
        guard known < count else { return nil }
        let size = min(policy.next(remaining: count - known), count, most)
        let start = unsafe cursor.pointee.wrappingAdd(size, ordering: .relaxed).oldValue
        // A cursor that went back is damaged: to follow it would be to run the same items for ever.
        guard start >= known, start < count else {
            isDamaged = start < known
            return nil
        }
        known = count - start > size ? start + size : count
        return start..<known
    }

    /// Whether nobody claimed some items yet.
    var isOpen: Bool {
        let start = unsafe cursor.pointee.load(ordering: .relaxed)
        return start >= 0 && start < count
    }

    /// Whether the cursor is, or was, where it cannot be: items would be run again and again.
    var hasTurnedBack: Bool {
        unsafe isDamaged || cursor.pointee.load(ordering: .relaxed) < known
    }

    /// Leaves nothing to claim.
    func close() {
        unsafe cursor.pointee.store(count, ordering: .relaxed)
    }
}
