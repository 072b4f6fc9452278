// SPDX-License-Identifier: Apache-2.0
extension Batch {
    @usableFromInline
    struct Shape: Sendable {
        @usableFromInline var count: Int
        /// Bytes from one input to the next, and from one result slot to the next.
        var inputStride: Int
        var slotStride: Int
        /// Whether the first failure ends the batch.
        var stopsAtFailure: Bool
        /// Whether the end of each item is signalled.
        var signalsItems = false
        /// Whether the pool's progress handler is called.
        var showsProgress = false
    }
}

// A batch's memory: a state byte for each item, the inputs, the result slots, each from a cache line on. Big slots begin on
// a page, which is then theirs.

extension Batch.Shape {
    /// Where the inputs of a batch at `start` lie, in bytes from the region's start.
    func inputsOffset(from start: Int) -> Int { start + Self.lines(count) }

    /// Where the result slots of a batch at `start` lie.
    func slotsOffset(from start: Int) -> Int {
        let end = inputsOffset(from: start) + Self.lines(count * inputStride)
        return slotStride < Mapping.pageSize ? end : Mapping.pages(end)
    }

    /// The bytes that such a batch takes, or nil if they cannot be counted.
    var size: Int? {
        let (inputs, first) = count.multipliedReportingOverflow(by: inputStride)
        let (slots, second) = count.multipliedReportingOverflow(by: slotStride)
        guard !first, !second, inputs < .max / 8, slots < .max / 8, count < .max / 8 else { return nil }
        let alignment = slotStride < Mapping.pageSize ? 0 : Mapping.pageSize
        return Self.lines(count) + Self.lines(inputs) + alignment + slots
    }

    private static func lines(_ bytes: Int) -> Int { (bytes + 127) / 128 * 128 }
}
