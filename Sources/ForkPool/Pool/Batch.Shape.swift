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
        /// What the results are, if a journal is to have them.
        var kind: ResultKind?
        /// The number of the job that the items are for, in a pool of several.
        var job = 0
        /// What its caller asks for.
        var rules = CallRules.standard
        /// When it is to be done, in nanoseconds of the monotonic clock; `Int.max` for no end.
        var deadline = Int.max
    }
}

// A batch's memory: a state byte for each item and the result slots, each from a cache line on. Big slots begin on a page,
// which is then theirs. The inputs lie elsewhere, in memory that workers only read.

extension Batch.Shape {
    /// Where the result slots of a batch at `start` lie, in bytes from the region's start.
    func slotsOffset(from start: Int) -> Int {
        let end = start + Self.lines(count)
        return slotStride < Mapping.pageSize ? end : Mapping.pages(end)
    }

    /// The bytes that the states and slots of such a batch take, or nil if they cannot be counted.
    var size: Int? {
        let (slots, overflow) = count.multipliedReportingOverflow(by: slotStride)
        guard !overflow, slots < .max / 8, count < .max / 8 else { return nil }
        let alignment = slotStride < Mapping.pageSize ? 0 : Mapping.pageSize
        return Self.lines(count) + alignment + slots
    }

    /// The bytes that its inputs take, or nil if they cannot be counted.
    var inputSize: Int? {
        let (size, overflow) = count.multipliedReportingOverflow(by: inputStride)
        return overflow || size >= .max / 8 ? nil : size
    }

    private static func lines(_ bytes: Int) -> Int { (bytes + 127) / 128 * 128 }
}
