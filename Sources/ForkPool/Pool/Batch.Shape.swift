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
        /// Whether each item is a call of its own, which a caller waits for, reads and cancels.
        var gathersCalls = false
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

extension Batch.Shape {
    /// Whether it is that of single calls.
    var isCall: Bool { gathersCalls || count == 1 && !signalsItems }

    /// The most calls of one batch: with them its own memory is small beside theirs.
    private static let mostCalls = 64
    /// The largest input and result of a call that gathers, in bytes: memory goes back with the last call of a batch.
    private static let largestGathered = 64

    /// The shape of a batch of several calls; nil if each call is to be a batch of its own.
    ///
    /// These are small, so that none keeps the memory of others for long, and ask for nothing that others do not.
    static func gathering<Input, Output>(
        _ input: WireFormat<Input>, _ output: WireFormat<Output>, job: Int, _ rules: CallRules,
        _ options: ForkPool.Options
    ) -> Self? {
        guard input.isPlain, output.isPlain, max(input.stride, output.stride) <= largestGathered,
            rules.priority == 0, rules.deadline == nil, options.maxPending == nil
        else { return nil }
        return Self(
            count: mostCalls, inputStride: input.stride, slotStride: output.stride, stopsAtFailure: false,
            gathersCalls: true, job: job, rules: rules)
    }
}
