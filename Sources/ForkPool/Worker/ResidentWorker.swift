internal import CForkPool
internal import Glibc
internal import Synchronization

/// What the workers of a resident pool find in the memory that they were started with.
final class ResidentWorker {
    private let memory: ResidentMemory
    private let bell: Int32
    private let life: WorkerLife
    private let setUp: (() throws -> Void)?
    private let tearDown: (() -> Void)?
    private let body: BatchBody
    private let writer: BlockWriter

    init(
        memory: ResidentMemory, bell: Int32, life: WorkerLife, setUp: (() throws -> Void)?, tearDown: (() -> Void)?,
        body: @escaping BatchBody
    ) {
        self.memory = memory
        self.bell = bell
        self.life = life
        self.setUp = setUp
        self.tearDown = tearDown
        self.body = body
        writer = BlockWriter(memory: memory)
    }

    /// The first Swift code in a forked child.
    static let entry: @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32 = { context, place in
        unsafe Unmanaged<ResidentWorker>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.run(place: Int(place)) }
        return 0
    }

    /// Waits to be some worker, and is it until it is used up or the pool is closed.
    func run(place: Int) {
        var loop = Loop(worker: memory.assignment(place).wait(below: memory.workers), memory, life, bell, writer, body)
        memory.unmapArenas(except: loop.worker)
        let line = memory.line(loop.worker)
        do {
            try life.begin(loop.worker)
            try setUp?()
        } catch {
            return Self.refuse(Report(notSetUp: error), loop.worker, memory)
        }
        unsafe line.stage.pointee.store(ScoreLine.Stage.ready, ordering: .releasing)
        let finish = loop.run()
        tearDown?()
        unsafe line.finish.pointee.store(finish, ordering: .releasing)
    }

    /// Says why the worker cannot be one, where its arena begins.
    static func refuse(_ report: Report, _ worker: Int, _ memory: ResidentMemory) {
        let line = memory.line(worker)
        let length = unsafe (try? BinaryEncoder().encode(report, into: memory.setUpReport(worker))) ?? 0
        unsafe line.newestReport.pointee.store(length, ordering: .relaxed)
        unsafe line.finish.pointee.store(ScoreLine.Finish.notSetUp, ordering: .releasing)
    }
}

// MARK: - The loop

/// What a worker does from its first item to its last: looks for open batches, one after the other, and sleeps when
/// there is none.
private struct Loop {
    let worker: Int
    private let memory: ResidentMemory
    private let line: ScoreLine
    private let bell: Int32
    private let writer: BlockWriter
    private let body: BatchBody
    private let life: WorkerLife
    /// The sets of the region, found once.
    private let open: WorkerSet
    private let sleepers: WorkerSet
    private let seekers: WorkerSet
    private let chunk: ForkPool.Options.Chunk
    /// How many items the worker may still begin.
    private var itemsLeft: Int
    private var policy: ChunkPolicy
    /// The entry to look at first: those after the last one, so that each open batch has its turn.
    private var next = 0

    init(
        worker: Int, _ memory: ResidentMemory, _ life: WorkerLife, _ bell: Int32, _ writer: BlockWriter,
        _ body: @escaping BatchBody
    ) {
        self.worker = worker
        self.memory = memory
        self.bell = bell
        self.writer = writer
        self.body = body
        self.life = life
        line = memory.line(worker)
        open = memory.open
        sleepers = memory.sleepers
        seekers = memory.seekers
        chunk = life.chunk.map { .fixed($0) } ?? .automatic
        itemsLeft = life.itemsPerWorker ?? .max
        policy = ChunkPolicy(chunk, workers: memory.workers)
    }

    /// Runs until the pool is closed or the worker used up; returns which.
    mutating func run() -> Int {
        takeUpLeftover()
        seekers.insert(worker)
        defer { seekers.remove(worker) }
        while itemsLeft > 0 {
            if let number = work(from: next) {
                visit(number)
            } else if unsafe memory.closing.pointee.load(ordering: .sequentiallyConsistent) != 0 {
                return ScoreLine.Finish.done
            } else if !spin() {
                sleep()
            }
        }
        return ScoreLine.Finish.used
    }

    /// Begins with what the worker before this one left, which is still inside for it.
    private mutating func takeUpLeftover() {
        let number = unsafe line.entry.pointee.load(ordering: .relaxed) - 1
        guard number >= 0, number < memory.entries, memory.entry(number).inside.contains(worker) else { return }
        let entry = memory.entry(number)
        let leftover = unsafe (
            start: line.leftoverStart.pointee.load(ordering: .relaxed),
            end: line.leftoverEnd.pointee.load(ordering: .relaxed)
        )
        let count = memory.front(of: entry)?.count ?? 0
        let isTrue = leftover.start >= 0 && leftover.start < leftover.end && leftover.end <= count
        let attempt = unsafe line.leftoverAttempt.pointee.load(ordering: .relaxed)
        work(at: number, entry, isTrue ? leftover.start..<leftover.end : nil, attempt)
    }

    /// The next entry, from `start` on and then from the beginning, at which there are items to claim.
    ///
    /// One that is open and has none is about to be closed by a worker that is inside.
    private func work(from start: Int) -> Int? {
        // How far an entry is from the start. Others open and close entries meanwhile, the first one too: the way ends
        // where it would turn back.
        func distance(_ number: Int) -> Int { (number - start + memory.entries) % memory.entries }
        guard var number = open.next(from: start) else { return nil }
        while !memory.entry(number).hasUnclaimed {
            guard let other = open.next(from: number + 1), distance(other) > distance(number) else { return nil }
            number = other
        }
        return number
    }

    /// Goes to an entry, and leaves it if it was closed meanwhile.
    private mutating func visit(_ number: Int) {
        next = number + 1
        line.waitIfCondemned()
        let entry = memory.entry(number)
        // What was claimed of the batch before is no claim of this one, and its position none to be killed for.
        unsafe line.position.pointee.store(-1, ordering: .relaxed)
        unsafe line.leftoverStart.pointee.store(0, ordering: .relaxed)
        unsafe line.end.pointee.store(0, ordering: .relaxed)
        unsafe line.began.pointee.store(0, ordering: .relaxed)
        unsafe line.entry.pointee.store(number + 1, ordering: .relaxed)
        seekers.remove(worker)
        entry.inside.insert(worker)
        if open.contains(number) {
            // Whoever opened another batch meanwhile relied on this worker, which is taken now.
            if let other = work(from: next), other != number { memory.wake(1) }
            work(at: number, entry, nil, unsafe entry.attempt.pointee.load(ordering: .relaxed))
        } else {
            leave(number, entry, tag: unsafe entry.tag.pointee.load(ordering: .relaxed))
        }
    }

    /// Runs items of a batch: the leftover, then what it claims, until nothing is left or another batch has its turn.
    ///
    /// `attempt` is that at the first item.
    private mutating func work(at number: Int, _ entry: BatchEntry, _ leftover: Range<Int>?, _ attempt: Int) {
        let tag = unsafe entry.tag.pointee.load(ordering: .relaxed)
        let manner = unsafe entry.manner.pointee.load(ordering: .relaxed)
        let signalsItems = manner & BatchEntry.Manner.signalsItems != 0
        guard let front = memory.front(of: entry) else {
            // Whoever was here before damaged it; the parent says it anew.
            open.remove(number)
            return leave(number, entry, tag: tag)
        }
        let desk = unsafe Desk(
            line: line, lowestFailure: entry.lowestFailure, states: front.states, slots: front.slots,
            stopsAtFailure: manner & BatchEntry.Manner.stopsAtFailure != 0, timesItems: life.timesItems,
            worker: worker, arena: writer)
        let inputs = unsafe BatchInputs(slots: front.inputs, base: memory.base, limit: memory.heap.upperBound)
        writer.begin(entry, by: worker)
        // A stream is many small batches: what one taught of the items' durations holds for the next.
        if !signalsItems { policy = ChunkPolicy(chunk, workers: memory.workers) }
        var claims = unsafe Claims(cursor: entry.cursor, count: front.limit)
        var before = policy.measures ? monotonicNanoseconds() : 0
        var range = leftover
        var attempt = attempt
        while true {
            if range == nil {
                guard itemsLeft > 0 else { break }
                range = hasFailed(entry) ? nil : claims.next(policy, atMost: itemsLeft)
                guard range != nil else { break }
            }
            let goesOn = life.retry(range!, attempt) { part, claim in
                line.publish(claim: claim)
                unsafe line.stage.pointee.store(ScoreLine.Stage.working, ordering: .relaxed)
                // Together with the order of the stores above: either this worker sees a failure in time, or the parent
                // that acts on the failure sees the claim.
                _ = hasFailed(entry)
                return run(part, desk, inputs, signalsItems)
            }
            attempt = 1
            itemsLeft = itemsLeft == .max ? .max : max(0, itemsLeft - range!.count)
            guard goesOn else {
                open.remove(number)
                break
            }
            if policy.measures {
                let now = monotonicNanoseconds()
                policy.took(now - before, items: range!.count)
                before = now
            }
            range = nil
            if let other = work(from: next), other != number { break }
        }
        if claims.hasTurnedBack || hasFailed(entry) || !entry.hasUnclaimed { open.remove(number) }
        leave(number, entry, tag: tag, signalsLoss: signalsItems && front.hasUnfinished)
    }

    private func run(_ range: Range<Int>, _ desk: Desk, _ inputs: BatchInputs, _ signalsItems: Bool) -> Bool {
        guard signalsItems else { return body(range, desk, inputs) }
        for item in range {
            let goesOn = body(item..<item + 1, desk, inputs)
            if memory.itemEnded.signal().contains(.tasks) { ring() }
            guard goesOn else { return false }
        }
        return true
    }

    /// Whether a failure makes whatever could be claimed needless.
    private func hasFailed(_ entry: BatchEntry) -> Bool {
        unsafe entry.lowestFailure.pointee.load(ordering: .sequentiallyConsistent) != .max
    }

    /// Leaves an entry: the last to do so, where nothing is left to claim, says that the batch is done.
    private func leave(_ number: Int, _ entry: BatchEntry, tag: Int, signalsLoss: Bool = false) {
        let failed = hasFailed(entry)
        // From here on it looks for work again: whoever hears of the end need wake nobody.
        seekers.insert(worker)
        entry.inside.remove(worker)
        unsafe line.entry.pointee.store(0, ordering: .relaxed)
        unsafe line.began.pointee.store(0, ordering: .relaxed)
        guard !open.contains(number) else { return }
        if entry.inside.isEmpty {
            var sleepers = entry.finish(tag: tag)
            // A stream waits for its items, and this one will not come by itself.
            if signalsLoss { sleepers.formUnion(memory.itemEnded.signal()) }
            if unsafe sleepers.contains(.tasks) || memory.backlog.pointee.load(ordering: .sequentiallyConsistent) != 0 {
                ring()
            }
        } else if failed {
            // Those that are on items above are to be ended.
            ring()
        }
    }

    /// Rings the keeper's bell; where the body closed it the worker is of no use any more.
    private func ring() {
        if cforkpool_eventfd_notify(bell) != 0 { cforkpool_exit(EXIT_FAILURE) }
    }

    // MARK: Waiting

    /// For so long an idle worker looks for work without a pause, in nanoseconds: four times what a wake costs, and what
    /// is lost where the caller, unseen, waits for this very processor.
    private static let spinTime = 20_000

    /// Looks for work for a while, where a processor is free for it; returns whether there is any.
    private func spin() -> Bool {
        let awake = memory.workers - sleepers.population
        // The parent runs too.
        guard unsafe awake < memory.processors.pointee.load(ordering: .relaxed) else { return false }
        let end = monotonicNanoseconds() + Self.spinTime
        while true {
            let processor = Int(cforkpool_sched_getcpu())
            unsafe memory.seekerProcessor.pointee.store(processor, ordering: .relaxed)
            // Who is to bring the work cannot while this one is in its place.
            guard unsafe memory.callerProcessor.pointee.load(ordering: .relaxed) != processor else { return false }
            for _ in 0..<32 {
                if work(from: 0) != nil { return true }
                cforkpool_pause()
            }
            if monotonicNanoseconds() > end { return false }
        }
    }

    /// Sleeps until there may be work.
    private func sleep() {
        line.announceSleep()
        sleepers.insert(worker)
        seekers.remove(worker)
        if work(from: 0) == nil, unsafe memory.closing.pointee.load(ordering: .sequentiallyConsistent) == 0 {
            line.waitUntilWoken()
        }
        line.stayAwake()
        seekers.insert(worker)
        sleepers.remove(worker)
    }
}
