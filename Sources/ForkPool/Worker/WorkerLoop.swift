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
    let body: BatchBody
    let chunk: Int?
    let open: AtomicBitset
    let sleepers: AtomicBitset
    let seekers: AtomicBitset
    var itemsLeft: Int
    /// Until when the worker does not give way, in nanoseconds of the monotonic clock: a long `setUp` was for a few items.
    let stays: Int
    var policy: ChunkPolicy
    /// The batch slot to look at first: the one after the last, so that each open batch has its turn.
    var next = 0

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
    func nextToVisit(from start: Int) -> Int? {
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

    func hasFailed(_ slot: BatchSlot) -> Bool {
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
