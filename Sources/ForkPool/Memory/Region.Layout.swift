extension Region {
    /// Where the states and slots of a map's items lie in the region's front.
    @usableFromInline
    struct Layout: Equatable, Sendable {
        /// The number of items.
        @usableFromInline let count: Int
        /// Bytes from one slot to the next.
        let slotStride: Int
        /// The offset of the first slot from the front's start, in bytes.
        let slotsOffset: Int

        /// Makes the layout for `count` slots of `slotStride` bytes each.
        @usableFromInline
        init(count: Int, slotStride: Int, slotAlignment: Int) {
            precondition(slotAlignment <= Mapping.pageSize, "ForkPool: a result type is aligned to a page at most")
            self.count = count
            self.slotStride = slotStride
            // Slots begin on a page: a big result's pages are then its own.
            slotsOffset = Mapping.pages(count)
        }

        /// The bytes of the front that it takes; `Int.max` where that is more than can be counted.
        var size: Int {
            let (slots, overflow) = count.multipliedReportingOverflow(by: slotStride)
            return overflow || slots > Int.max / 4 ? .max / 4 : slotsOffset + slots
        }
    }
}
