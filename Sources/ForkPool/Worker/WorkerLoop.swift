internal import CForkPool
internal import Glibc
internal import Synchronization

/// Runs the items of a range in a worker; returns false if the worker is to stop.
@usableFromInline
typealias RangeBody = (_ range: Range<Int>, _ desk: Desk) -> Bool

/// What the workers of one map find in the memory that the fork gave them.
final class WorkerContext {
    let memory: MapMemory
    let options: ForkPool.Options
    let workers: Int
    let stopsAtFailure: Bool
    let body: RangeBody
    /// Hears of a replacement; returns the intensity that it exceeds, if it does.
    let restarted: () -> ForkPool.Options.RestartIntensity?
    private let life: WorkerLife
    /// Made before the fork, used after it by each child for itself: a worker need not allocate.
    private let arena: ArenaWriter

    init(
        memory: MapMemory, options: ForkPool.Options, workers: Int, stopsAtFailure: Bool,
        restarted: @escaping () -> ForkPool.Options.RestartIntensity? = { nil }, body: @escaping RangeBody
    ) {
        self.memory = memory
        self.options = options
        self.workers = workers
        self.stopsAtFailure = stopsAtFailure
        self.body = body
        self.restarted = restarted
        life = WorkerLife(options)
        arena = ArenaWriter(memory: memory)
    }

    /// Runs in the child: the loop of a worker, from its first claim until nothing is left.
    func run(worker: Int) {
        memory.unmapArenas(except: worker)
        memory.withholdFromStrays(worker: worker)
        let line = memory.line(worker)
        guard setUp(worker, line) else { return }
        let finish = runItems(worker, line)
        // What is done from here on is no item's time.
        unsafe line.began.pointee.store(0, ordering: .relaxed)
        options.tearDown?()
        unsafe line.finish.pointee.store(finish, ordering: .releasing)
    }

    /// Returns whether the worker can begin; where it cannot, its line says so.
    private func setUp(_ worker: Int, _ line: ScoreLine) -> Bool {
        do {
            try life.begin(worker)
            try options.setUp?()
        } catch {
            arena.write(report: Report(notSetUp: error), of: ReportLink.setUp, by: worker)
            unsafe line.finish.pointee.store(ScoreLine.Finish.notSetUp, ordering: .releasing)
            return false
        }
        unsafe line.stage.pointee.store(ScoreLine.Stage.ready, ordering: .releasing)
        return true
    }

    /// Runs items until nothing is left or the worker is used up; returns which.
    private func runItems(_ worker: Int, _ line: ScoreLine) -> Int {
        var itemsLeft = options.itemsPerWorker ?? .max
        let desk = Desk(
            memory: memory, worker: worker, stopsAtFailure: stopsAtFailure, timesItems: options.timeout != nil,
            arena: arena)
        var goesOn = true
        let leftover = unsafe (
            start: line.leftoverStart.pointee.load(ordering: .relaxed),
            end: line.leftoverEnd.pointee.load(ordering: .relaxed)
        )
        if leftover.start >= 0, leftover.start < leftover.end, leftover.end <= memory.count {
            let attempt = unsafe line.leftoverAttempt.pointee.load(ordering: .relaxed)
            goesOn = life.retry(leftover.start..<leftover.end, attempt) { run($0, of: $1, line, desk) }
            itemsLeft = max(0, itemsLeft - (leftover.end - leftover.start))
        }
        var claims = unsafe Claims(cursor: memory.cursor, count: memory.count)
        var policy = ChunkPolicy(options.chunk, workers: workers)
        // The clock is asked from the second claim on: its own pages are two more faults for a fresh child.
        var isFirst = true
        var before = 0
        while goesOn, itemsLeft > 0, !mapFailed, let range = claims.next(policy, atMost: itemsLeft) {
            if itemsLeft != .max { itemsLeft -= range.count }
            if !isFirst, before == 0, policy.measures { before = monotonicNanoseconds() }
            isFirst = false
            goesOn = run(range, of: range, line, desk)
            guard before != 0 else { continue }
            let now = monotonicNanoseconds()
            policy.took(now - before, items: range.count)
            before = now
        }
        return goesOn && itemsLeft <= 0 ? ScoreLine.Finish.used : ScoreLine.Finish.done
    }

    private func run(_ range: Range<Int>, of claim: Range<Int>, _ line: ScoreLine, _ desk: Desk) -> Bool {
        line.publish(claim: claim)
        // Together with the order of the stores above: either this worker sees a failure in time, or the parent that
        // acts on the failure sees the claim.
        _ = mapFailed
        memory.populate(range)
        return body(range, desk)
    }

    /// Whether a failure has ended the map: whatever is claimed from now on lies above it.
    private var mapFailed: Bool {
        unsafe memory.lowestFailure.pointee.load(ordering: .sequentiallyConsistent) != .max
    }

    /// The first Swift code in a child.
    static let entry: @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32 = { context, worker in
        unsafe Unmanaged<WorkerContext>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.run(worker: Int(worker)) }
        return 0
    }
}
