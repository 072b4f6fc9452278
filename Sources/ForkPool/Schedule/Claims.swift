internal import Synchronization

/// Claims ranges of items from the shared cursor, by one atomic add each.
@safe struct Claims {
    private let cursor: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int
    /// Where the cursor was at least, as the last claim told.
    ///
    /// To read the cursor itself before each claim would fetch its cache line twice.
    private var known = 0

    init(cursor: UnsafeMutablePointer<Atomic<Int>>, count: Int) {
        unsafe self.cursor = cursor
        self.count = count
    }

    /// Claims the next range, or returns nil when nothing is left.
    mutating func next(_ policy: borrowing ChunkPolicy) -> Range<Int>? {
        guard known < count else { return nil }
        let size = min(policy.next(remaining: count - known), count)
        let start = unsafe cursor.pointee.wrappingAdd(size, ordering: .relaxed).oldValue
        guard start >= 0, start < count else { return nil }
        known = count - start > size ? start + size : count
        return start..<known
    }

    /// Whether nobody claimed some items yet.
    var isOpen: Bool {
        let start = unsafe cursor.pointee.load(ordering: .relaxed)
        return start >= 0 && start < count
    }

    /// Leaves nothing to claim.
    func close() {
        unsafe cursor.pointee.store(count, ordering: .relaxed)
    }
}
