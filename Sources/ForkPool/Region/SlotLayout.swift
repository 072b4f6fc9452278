// SPDX-License-Identifier: Apache-2.0
/// The number of a batch's items, and how far apart the slots of their results are.
@usableFromInline
struct SlotLayout: Equatable, Sendable {
    @usableFromInline let count: Int
    /// Bytes from one slot to the next.
    let stride: Int
    let kind: ResultKind

    /// Makes the layout for slots that are aligned as a batch's first one is, or less.
    @usableFromInline
    init(count: Int, stride: Int, alignment: Int, of type: any Any.Type, isCoded: Bool = false) {
        require(alignment <= 128, "a result type is aligned to 128 bytes at most")
        self.count = count
        self.stride = stride
        kind = ResultKind(type: type, isCoded: isCoded)
    }
}

extension SlotLayout {
    /// The layout for slots of several elements each.
    @usableFromInline
    init<Element: BitwiseCopyable>(of type: Element.Type, _ count: Int, slot: Int) {
        require(count >= 0, "a count of slots must be at least 0, not \(count)")
        require(slot >= 0, "a slot must have at least 0 elements, not \(slot)")
        let (stride, overflow) = slot.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        require(!overflow, "a slot of \(slot) elements is larger than any memory")
        self.init(count: count, stride: stride, alignment: MemoryLayout<Element>.alignment, of: type)
    }

    /// The layout for results that are bit patterns.
    @_alwaysEmitIntoClient
    init<R>(of type: R.Type, _ count: Int) {
        self.init(count: count, stride: MemoryLayout<R>.stride, alignment: MemoryLayout<R>.alignment, of: type)
    }

    /// The layout for results that are coded: each slot says where the bytes are.
    @usableFromInline
    static func coded<R>(_ type: R.Type, _ count: Int) -> Self {
        Self(
            count: count, stride: MemoryLayout<Extent>.stride, alignment: MemoryLayout<Extent>.alignment, of: type,
            isCoded: true)
    }
}
