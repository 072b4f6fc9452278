internal import Synchronization

/// Claims ranges of items from the shared cursor, by one atomic add each.
@safe struct Claims {
    private let cursor: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int

    init(cursor: UnsafeMutablePointer<Atomic<Int>>, count: Int) {
        unsafe self.cursor = cursor
        self.count = count
    }

    /// Claims the next range, or returns nil when nothing is left.
    func next(_ policy: borrowing ChunkPolicy) -> Range<Int>? {
        let remaining = unsafe count - cursor.pointee.load(ordering: .relaxed)
        guard remaining > 0, remaining <= count else { return nil }
        let size = min(policy.next(remaining: remaining), count)
        let start = unsafe cursor.pointee.wrappingAdd(size, ordering: .relaxed).oldValue
        guard start >= 0, start < count else { return nil }
        return start..<(count - start > size ? start + size : count)
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
