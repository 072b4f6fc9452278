// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// The loop of a worker, from its first item to its last: it visits open batches, one after the other, and sleeps if there
/// is none.
struct WorkerLoop {
    let worker: Int
    let region: RegionLayout
    let record: WorkerRecord
    /// Kept by `WorkerMain`: a fresh child that retained it would copy a page.
    private unowned(unsafe) let blocks: BlockWriter
    private let body: BatchBody
    private let chunk: Int?
    let open: AtomicBitset
    let sleepers: AtomicBitset
    let seekers: AtomicBitset
    private var itemsLeft: Int
    /// Until when the worker does not give way, in nanoseconds of the monotonic clock: a long `setUp` was for a few items.
    private let stays: Int
    private var policy: ChunkPolicy
    /// The batch slot to look at first: the one after the last, so that each open batch has its turn.
    private var next = 0

    init(
        worker: Int, region: RegionLayout, settings: borrowing WorkerSettings, blocks: BlockWriter,
        body: @escaping BatchBody, stays: Int = 0
    ) {
        self.worker = worker
        self.region = region
        unsafe self.blocks = blocks
        self.body = body
        self.stays = stays
        // Only numbers of the settings: a string would be retained, on a page that a fresh child then has to copy.
        chunk = settings.chunk
        record = region.record(worker)
        open = region.open
        sleepers = region.sleepers
        seekers = region.seekers
        itemsLeft = settings.itemsPerWorker ?? .max
        policy = ChunkPolicy(fixed: settings.chunk, workers: region.workers)
    }

    /// Runs until the pool closes or the worker is used up; returns which of the two, as a `WorkerRecord.Finish`.
    mutating func run() -> Int {
        runRemaining()
        next = oldestOpen()
        seekers.insert(worker)
        signalFree()
        defer { seekers.remove(worker) }
        while itemsLeft > 0 {
            if let number = nextToVisit(from: next) {
                visit(number)
            } else if isClosing {
                return WorkerRecord.Finish.done
            } else if !spin() {
                sleep()
            }
        }
        return WorkerRecord.Finish.used
    }

    var isClosing: Bool { unsafe region.closing.pointee.load(ordering: .sequentiallyConsistent) != 0 }

    /// Runs the remaining range of the predecessor; up to then the worker counts as inside that batch.
    private mutating func runRemaining() {
        let number = unsafe record.batchSlot.pointee.load(ordering: .relaxed) - 1
        guard number >= 0, number < region.batchSlots, region.batchSlot(number).inside.contains(worker) else { return }
        let slot = region.batchSlot(number)
        let start = unsafe record.remainingStart.pointee.load(ordering: .relaxed)
        let end = unsafe record.remainingEnd.pointee.load(ordering: .relaxed)
        let attempt = unsafe record.remainingAttempt.pointee.load(ordering: .relaxed)
        let count = BatchLayout(slot, in: region)?.count ?? 0
        let isPossible = start >= 0 && start < end && end <= count
        work(at: number, slot, first: isPossible ? start..<end : nil, attempt: attempt)
    }

    /// Returns the open batch slot whose batch came first, or 0.
    ///
    /// A new process has no last slot. If each began with the lowest slot, where every worker ends after an item or two a
    /// batch at a high slot would wait for all that come later.
    private func oldestOpen() -> Int {
        func tag(_ number: Int) -> Int { unsafe region.batchSlot(number).tag.pointee.load(ordering: .relaxed) }
        guard var last = open.next(from: 0) else { return 0 }
        var oldest = last
        while let other = open.next(from: last + 1), other > last {
            if tag(other) < tag(oldest) { oldest = other }
            last = other
        }
        return oldest
    }

    /// Finds the next batch slot with items to claim, from `start` on and then from the beginning.
    ///
    /// A worker inside an open slot without such items is about to close it.
    func nextOpen(from start: Int) -> Int? {
        // Slots open and close meanwhile, even the first one: the search ends where it would turn back.
        func distance(_ number: Int) -> Int { (number - start + region.batchSlots) % region.batchSlots }
        guard var number = open.next(from: start) else { return nil }
        while !region.batchSlot(number).hasUnclaimed {
            guard let other = open.next(from: number + 1), distance(other) > distance(number) else { return nil }
            number = other
        }
        return number
    }

    /// Finds, among the open batch slots with items to claim, the next one of those with the highest priority.
    private func nextToVisit(from start: Int) -> Int? {
        guard let first = nextOpen(from: start) else { return nil }
        guard unsafe region.priorities.pointee.load(ordering: .relaxed) != 0 else { return first }
        func distance(_ number: Int) -> Int { (number - start + region.batchSlots) % region.batchSlots }
        func priority(_ number: Int) -> Int {
            unsafe region.batchSlot(number).priority.pointee.load(ordering: .relaxed)
        }
        var (best, last) = (first, first)
        while let other = nextOpen(from: last + 1), distance(other) > distance(last) {
            if priority(other) > priority(best) { best = other }
            last = other
        }
        return best
    }

    private mutating func visit(_ number: Int) {
        next = number + 1
        record.waitIfKillRequested()
        let slot = region.batchSlot(number)
        record.leaveBatch()
        unsafe record.batchSlot.pointee.store(number + 1, ordering: .relaxed)
        seekers.remove(worker)
        slot.inside.insert(worker)
        guard open.contains(number) else {
            return leave(number, slot, tag: unsafe slot.tag.pointee.load(ordering: .relaxed))
        }
        // The caller that opened another batch meanwhile counted on this worker, which is busy now.
        if let other = nextOpen(from: next), other != number { region.wake(1) }
        work(at: number, slot, first: nil, attempt: unsafe slot.attempt.pointee.load(ordering: .relaxed))
    }

    /// Runs items of a batch, a given range first, until nothing is left or it is the turn of another batch.
    private mutating func work(at number: Int, _ slot: BatchSlot, first: Range<Int>?, attempt: Int) {
        let tag = unsafe slot.tag.pointee.load(ordering: .relaxed)
        let flags = unsafe slot.flags.pointee.load(ordering: .relaxed)
        let signalsItems = flags & BatchSlot.Flags.signalsItems != 0
        let hasResults = flags & BatchSlot.Flags.hasResults != 0
        let gathersCalls = flags & BatchSlot.Flags.gathersCalls != 0
        guard let layout = BatchLayout(slot, in: region) else {
            // The slot is damaged; the parent writes it again.
            open.remove(number)
            return leave(number, slot, tag: tag)
        }
        let inputs = unsafe BatchInputs(
            slots: layout.inputs, base: region.base, limit: region.inputs.upperBound, job: slot.job(tag: tag))
        let call = unsafe slot.call.pointee.load(ordering: .relaxed)
        cforkpool_set_call(Int64(call), Int64(unsafe slot.firstItem.pointee.load(ordering: .relaxed)))
        // A stream is many small batches: the durations of one hold for the next.
        // Calls do not wait for one another: each is claimed alone.
        if !signalsItems { policy = ChunkPolicy(fixed: gathersCalls ? 1 : chunk, workers: region.workers) }
        var claims = unsafe Claims(cursor: slot.cursor, count: layout.limit)
        unsafe withUnsafeMutablePointer(to: &claims) { claims in
            var visit = unsafe Visit(
                number: number, slot: slot, layout: layout,
                writer: ItemWriter(
                    record: record, destination: BlockWriter.Destination(worker: worker, slot: slot), layout: layout,
                    stopsAtFailure: flags & BatchSlot.Flags.stopsAtFailure != 0,
                    timesItems: flags & BatchSlot.Flags.timesItems != 0,
                    ends: gathersCalls
                        ? (slot.ended, region.notices) : signalsItems ? (region.itemEnded, region.notices) : nil,
                    blocks: unsafe blocks),
                inputs: inputs, isStream: signalsItems, firstCall: gathersCalls ? call : nil,
                hasResults: hasResults, claims: claims)
            guard let quick = quickClaims(visit) else { return unsafe runClaims(&visit, first, attempt, nil) }
            unsafe withUnsafePointer(to: quick) { unsafe runClaims(&visit, first, attempt, $0) }
        }
        if claims.hasTurnedBack || hasFailed(slot) || !slot.hasUnclaimed { open.remove(number) }
        leave(number, slot, tag: tag, signalsLoss: signalsItems && layout.hasUnfinished)
    }

    /// What a worker has at hand while it is at a batch slot.
    @safe private struct Visit {
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
    private func quickClaims(_ visit: borrowing Visit) -> QuickClaims? {
        guard let chunk, itemsLeft == .max, !visit.isStream, visit.firstCall == nil, !visit.hasResults,
            !visit.layout.populates(chunk)
        else { return nil }
        let size = min(chunk, visit.layout.limit)
        return unsafe QuickClaims(visit.claims, size: size, record, visit.slot, number: visit.number, open: open)
    }

    /// Runs a given range and then what it claims, until nothing is left or something else has its turn.
    private mutating func runClaims(
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
            if itemsLeft != .max { itemsLeft = max(0, itemsLeft - range.count) }
            guard continues else {
                open.remove(visit.number)
                break
            }
            if before != 0 {
                let now = monotonicNanoseconds()
                policy.took(now - before, items: range.count)
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

    private func hasFailed(_ slot: BatchSlot) -> Bool {
        unsafe slot.lowestFailure.pointee.load(ordering: .sequentiallyConsistent) != .max
    }

    /// Tells streams that collect inputs that this worker has become free.
    func signalFree() {
        // A pool for one batch has no stream.
        guard region.batchSlots > 1, region.workerFreed.isAwaited else { return }
        if region.workerFreed.signal().contains(.tasks) { region.notices.signal() }
    }

    /// Leaves a batch slot; the last worker to leave a closed slot publishes that the batch is done.
    private func leave(_ number: Int, _ slot: BatchSlot, tag: Int, signalsLoss: Bool = false) {
        let failed = hasFailed(slot)
        // Look for work from here on: a caller that sees the end then need not wake this worker.
        seekers.insert(worker)
        slot.inside.remove(worker)
        unsafe record.batchSlot.pointee.store(0, ordering: .relaxed)
        unsafe record.began.pointee.store(0, ordering: .relaxed)
        signalFree()
        guard !open.contains(number) else { return }
        if slot.inside.isEmpty {
            var sleepers = slot.finish(tag: tag)
            // A stream waits for its items, and a lost item does not arrive by itself.
            if signalsLoss { sleepers.formUnion(region.itemEnded.signal()) }
            if unsafe sleepers.contains(.tasks) || region.backlog.pointee.load(ordering: .sequentiallyConsistent) != 0 {
                region.notices.signal()
            }
        } else if failed {
            // The supervisor kills the workers on items above the failure.
            region.notices.signal()
        }
    }
}
