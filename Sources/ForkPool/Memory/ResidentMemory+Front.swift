internal import Synchronization

extension ResidentMemory {
    /// Where the items of a batch lie, as an entry says it.
    @safe struct Front {
        let count: Int
        /// Up to where items may be claimed.
        let limit: Int
        let states: UnsafeMutablePointer<Atomic<UInt8>>
        let slots: UnsafeMutableRawPointer
        let inputs: UnsafeMutableRawPointer

        /// Whether some item has no outcome, or one that is not whole.
        var hasUnfinished: Bool {
            (0..<count).contains { unsafe !ItemState.isOver(states[$0].load(ordering: .relaxed)) }
        }
    }

    /// What an entry says of its batch, each word read once; nil if it cannot be true.
    func front(of entry: BatchEntry) -> Front? {
        let count = unsafe entry.count.pointee.load(ordering: .relaxed)
        let limit = unsafe entry.limit.pointee.load(ordering: .relaxed)
        let states = unsafe entry.states.pointee.load(ordering: .relaxed)
        let slots = unsafe entry.slots.pointee.load(ordering: .relaxed)
        let inputs = unsafe entry.inputs.pointee.load(ordering: .relaxed)
        guard count >= 0, count <= heap.count, limit >= 0, limit <= count, states >= heap.lowerBound,
            states <= inputs, inputs <= slots, slots <= heap.upperBound, count <= inputs - states
        else { return nil }
        return unsafe Front(
            count: count, limit: limit, states: (base + states).assumingMemoryBound(to: Atomic<UInt8>.self),
            slots: base + slots, inputs: base + inputs)
    }
}

extension ResidentMemory.Shape {
    /// Whether a region of so many bytes can have this shape.
    func isPossible(within size: Int) -> Bool {
        let most = size / ResidentMemory.blockSize
        guard workers > 0, heapSize >= 0, heapSize <= size, arenaSize > 0 else { return false }
        return workers <= most && arenaSize <= size / workers
    }
}
