// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// What a worker does at a batch slot: it claims ranges and runs them, until nothing is left or something else has its turn.

extension WorkerLoop {
    /// What a worker has at hand while it is at a batch slot.
    @safe struct Visit {
        let number: Int
        let slot: BatchSlot
        let layout: BatchLayout
        var writer: ItemWriter
        let inputs: BatchInputs
        /// Whether the end of each item is signalled.
        let isStream: Bool
        /// The number of the first of the calls that the batch gathers; nil if it is another batch.
        let firstCall: Int?
        /// Whether some items have their results already.
        let hasResults: Bool
        let claims: UnsafeMutablePointer<Claims>
    }

    /// The claims that a body may make by itself: of a fixed size, where this loop does nothing between two of them.
    func quickClaims(_ visit: borrowing Visit) -> QuickClaims? {
        guard let chunk, itemsLeft == .max, !visit.isStream, visit.firstCall == nil, !visit.hasResults,
            !visit.layout.populates(chunk)
        else { return nil }
        let size = min(chunk, visit.layout.limit)
        return unsafe QuickClaims(visit.claims, size: size, record, visit.slot, number: visit.number, open: open)
    }

    /// Runs a given range and then what it claims, until nothing is left or something else has its turn.
    mutating func runClaims(
        _ visit: inout Visit, _ first: Range<Int>?, _ attempt: Int, _ quick: UnsafePointer<QuickClaims>?
    ) {
        let (slot, layout, isStream) = (visit.slot, visit.layout, visit.isStream)
        // Read the clock no earlier than at the second claim: it costs a fresh child two page faults.
        let measures = policy.measures && visit.firstCall == nil
        var before = isStream && measures ? monotonicNanoseconds() : 0
        var (first, attempt) = (first, attempt)
        var isFirst = true
        let hasOthers = region.batchSlots > 1
        while let range = unsafe first ?? nextClaim(&visit.claims.pointee, slot) {
            if measures, before == 0, !isFirst { before = monotonicNanoseconds() }
            // What a journal had takes no time, and does not run.
            let lacking = visit.hasResults ? range.count { !layout.isOver($0) } : range.count
            let continues = Attempt.run(range, attempt) { part, claim in
                record.publish(claim: claim)
                if isFirst { unsafe record.stage.pointee.store(WorkerRecord.Stage.working, ordering: .relaxed) }
                // Publish the claim, then read the failure: README.md beside the region says what that is good for.
                _ = hasFailed(slot)
                if let call = visit.firstCall, !begins(call: call, part, layout) { return true }
                layout.populate(part)
                let continues =
                    visit.hasResults
                    ? runUnfinished(part, layout, visit.writer, visit.inputs) : body(part, visit.writer, visit.inputs)
                visit.writer.signalEnd()
                return continues
            }
            // The first range may be another attempt, or that of a predecessor.
            if isFirst { unsafe visit.writer.quickClaims = quick }
            (first, attempt, isFirst) = (nil, 1, false)
            if itemsLeft != .max { itemsLeft = max(0, itemsLeft - lacking) }
            guard continues else {
                open.remove(visit.number)
                break
            }
            if before != 0 {
                let now = monotonicNanoseconds()
                policy.took(now - before, items: lacking)
                before = now
            }
            if hasOthers {
                if let other = nextToVisit(from: next), other != visit.number { break }
            } else if givesWay(slot) {
                itemsLeft = 0
                break
            }
        }
    }

    private func nextClaim(_ claims: inout Claims, _ slot: BatchSlot) -> Range<Int>? {
        guard itemsLeft > 0, !hasFailed(slot) else { return nil }
        return claims.next(policy, atMost: itemsLeft)
    }

    /// Whether this worker leaves in favour of another map, which it then says in its record.
    @inline(__always)
    private func givesWay(_ slot: BatchSlot) -> Bool {
        guard unsafe slot.recalled.pointee.load(ordering: .relaxed) != 0, slot.recalls(noEarlierThan: stays) else {
            return false
        }
        // The record comes first: if this worker dies in between, one too many gives way, and not one too few.
        unsafe record.givesWay.pointee.store(1, ordering: .relaxed)
        if slot.takeRecall() { return true }
        unsafe record.givesWay.pointee.store(0, ordering: .relaxed)
        return false
    }

    /// Runs those items of a range that have no result.
    private func runUnfinished(
        _ range: Range<Int>, _ layout: BatchLayout, _ writer: ItemWriter, _ inputs: BatchInputs
    ) -> Bool {
        var item = range.lowerBound
        while item < range.upperBound {
            let first = item
            while item < range.upperBound, !layout.isOver(item) { item += 1 }
            guard first == item || body(first..<item, writer, inputs) else { return false }
            while item < range.upperBound, layout.isOver(item) { item += 1 }
        }
        return true
    }
}
