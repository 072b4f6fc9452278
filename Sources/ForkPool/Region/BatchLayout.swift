// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Where the items of a batch lie, as a batch slot says it: copied once and checked.
@safe struct BatchLayout {
    let count: Int
    /// The end of the items that may be claimed.
    let limit: Int
    let states: UnsafeMutablePointer<Atomic<UInt8>>
    let slots: UnsafeMutableRawPointer
    let inputs: UnsafeMutableRawPointer
    private let base: UnsafeMutableRawPointer
    private let statesOffset: Int
    private let slotsOffset: Int
    private let stride: Int
    private let warmEnd: Int
    /// Fewer items have too few pages for a call.
    private let populateFrom: Int

    /// Reads a batch slot's words, each once; nil if they cannot be true.
    init?(_ slot: BatchSlot, in region: RegionLayout) {
        let count = unsafe slot.count.pointee.load(ordering: .relaxed)
        let limit = unsafe slot.limit.pointee.load(ordering: .relaxed)
        let states = unsafe slot.states.pointee.load(ordering: .relaxed)
        let slots = unsafe slot.slots.pointee.load(ordering: .relaxed)
        let inputs = unsafe slot.inputs.pointee.load(ordering: .relaxed)
        let stride = unsafe slot.slotStride.pointee.load(ordering: .relaxed)
        let heap = region.heap
        guard count >= 0, count <= heap.count, limit >= 0, limit <= count, states >= heap.lowerBound,
            states <= slots, slots <= heap.upperBound, count <= slots - states, stride >= 0,
            stride == 0 || count <= (heap.upperBound - slots) / stride, inputs >= region.inputs.lowerBound,
            inputs <= region.inputs.upperBound
        else { return nil }
        self.count = count
        self.limit = limit
        unsafe self.states = (region.base + states).assumingMemoryBound(to: Atomic<UInt8>.self)
        unsafe self.slots = region.base + slots
        unsafe self.inputs = region.base + inputs
        unsafe base = region.base
        statesOffset = states
        slotsOffset = slots
        self.stride = stride
        warmEnd = min(unsafe slot.warmEnd.pointee.load(ordering: .relaxed), heap.upperBound)
        populateFrom = warmEnd > 0 ? RegionLayout.populateFrom / max(stride, 1) : .max
    }

    /// Whether some item has no outcome, or one that is not whole.
    var hasUnfinished: Bool { !(0..<count).allSatisfy(isOver) }

    /// Whether an item has its outcome, and all of it.
    func isOver(_ item: Int) -> Bool {
        unsafe ItemState.isOver(states[item].load(ordering: .relaxed))
    }

    /// Whether the pages of so many items are mapped by a call.
    func populates(_ count: Int) -> Bool { count >= populateFrom }

    /// Maps the pages of some items' states and slots in this process by one call, if they exist already.
    @inline(__always)
    func populate(_ items: Range<Int>) {
        if populates(items.count) { populatePages(of: items) }
    }

    private func populatePages(of items: Range<Int>) {
        let slots = (slotsOffset + items.lowerBound * stride)..<(slotsOffset + items.upperBound * stride)
        unsafe RegionLayout.populate(slots, of: base, warmEnd: warmEnd)
        let states = (statesOffset + items.lowerBound)..<(statesOffset + items.upperBound)
        unsafe RegionLayout.populate(states, of: base, warmEnd: warmEnd)
    }
}
