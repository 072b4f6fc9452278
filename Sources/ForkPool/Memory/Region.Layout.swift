extension Region {
    /// What a map's items need of the region's front: a state byte and a slot each.
    @usableFromInline
    struct Layout: Equatable, Sendable {
        /// The number of items.
        @usableFromInline let count: Int
        /// Bytes from one slot to the next.
        let slotStride: Int
        /// Whether the results themselves go into the arenas; else only reports of failures do.
        let isCoded: Bool

        /// Makes the layout for `count` slots of `slotStride` bytes each.
        @usableFromInline
        init(count: Int, slotStride: Int, slotAlignment: Int, isCoded: Bool = false) {
            precondition(slotAlignment <= 128, "ForkPool: a result type is aligned to 128 bytes at most")
            self.count = count
            self.slotStride = slotStride
            self.isCoded = isCoded
        }

        /// Where the first slot lies if the states begin at `start`, in bytes from the region's start.
        ///
        /// Big slots begin on a page, which is then theirs; small ones on the cache lines after the states.
        func slotsStart(after start: Int) -> Int {
            let end = start + (count + 127) / 128 * 128
            return slotStride < Mapping.pageSize ? end : Mapping.pages(end)
        }

        /// The most bytes of the front that it takes; more than can be had where they cannot be counted.
        var size: Int {
            let (slots, overflow) = count.multipliedReportingOverflow(by: slotStride)
            return overflow || slots > Int.max / 4 || count > Int.max / 4
                ? .max / 4 : slotsStart(after: 0) + Mapping.pageSize + slots
        }
    }
}
