// SPDX-License-Identifier: Apache-2.0

// What a map over several hosts needs of the pool of each.

extension ForkPool.Resident where Input == Int {
    /// The workers of this pool, for ranges of the items of one map; its deadline, if it has one, begins now.
    package func rangeWorkers(stopsAtFailure: Bool) -> RangeWorkers {
        RangeWorkers(
            owner,
            Batch.Shape(
                count: 0, inputStride: input.stride, slotStride: output.stride, stopsAtFailure: stopsAtFailure,
                kind: output.kind, job: owner.job, rules: rules, deadline: rules.end))
    }
}

extension ForkPool {
    /// Starts resident workers that write slots of elements in place: the input is the number of the slot, whose elements start
    /// as zeros.
    package func residentFill<Element: BitwiseCopyable>(
        slot: Int, _ body: @escaping (Int, inout MutableSpan<Element>) throws -> Void
    ) throws(Failure) -> Resident<Int, Element> {
        try makeResident(.plain, .plain(slot: slot)) { range, writer, inputs in
            let elements = unsafe writer.slots.assumingMemoryBound(to: Element.self)
            return writer.run(range) { item in
                // Other slots of the map had the memory before.
                unsafe UnsafeMutableRawBufferPointer(
                    start: elements + item * slot, count: slot * MemoryLayout<Element>.stride
                ).initializeMemory(as: UInt8.self, repeating: 0)
                var span = unsafe UnsafeMutableBufferPointer(start: elements + item * slot, count: slot).mutableSpan
                try body(inputs.load(item, as: Int.self), &span)
                writer.finish(item)
                return true
            }
        }
    }
}

extension ForkPool.Failure {
    /// The failure of a map of which a host did not begin its items, while other items may have run.
    package func ofBegunMap(of pool: ForkPool) -> Self {
        guard bodyRan == .no else { return self }
        var failure = self
        // Its items waited in the queue until the deadline.
        if code == .timedOut {
            failure = Self(.overdue(pool.rules.deadline ?? 0), nil)
            failure.host = host
        }
        failure.bodyRan = .unknown
        return failure
    }
}
