internal import CForkPool
internal import Glibc
internal import Synchronization

/// Runs the items of a range in a worker; returns false if the worker is to stop.
@usableFromInline
typealias RangeBody = (_ range: Range<Int>, _ desk: Desk) -> Bool

/// What the workers of one map find in the memory that the fork gave them.
final class WorkerContext {
    let memory: MapMemory
    let chunk: ForkPool.Options.Chunk
    let workers: Int
    let stopsAtFailure: Bool
    let body: RangeBody
    /// Made before the fork, used after it by each child for itself: a worker need not allocate.
    private let arena: ArenaWriter
    init(
        memory: MapMemory, chunk: ForkPool.Options.Chunk, workers: Int, stopsAtFailure: Bool, body: @escaping RangeBody
    ) {
        self.memory = memory
        self.chunk = chunk
        self.workers = workers
        self.stopsAtFailure = stopsAtFailure
        self.body = body
        arena = ArenaWriter(memory: memory)
    }

    /// Runs in the child: the loop of a worker, from its first claim until nothing is left.
    func run(worker: Int) {
        memory.unmapArenas(except: worker)
        memory.withholdFromStrays(worker: worker)
        let line = memory.line(worker)
        let desk = Desk(memory: memory, worker: worker, stopsAtFailure: stopsAtFailure, arena: arena)
        var goesOn = true
        let leftover = unsafe (
            start: line.leftoverStart.pointee.load(ordering: .relaxed),
            end: line.leftoverEnd.pointee.load(ordering: .relaxed)
        )
        if leftover.start >= 0, leftover.start < leftover.end, leftover.end <= memory.count {
            goesOn = run(leftover.start..<leftover.end, line, desk)
        }
        var claims = unsafe Claims(cursor: memory.cursor, count: memory.count)
        var policy = ChunkPolicy(chunk, workers: workers)
        // The clock is asked from the second claim on: its own pages are two more faults for a fresh child.
        var isFirst = true
        var before = 0
        while goesOn, !mapFailed, let range = claims.next(policy) {
            if !isFirst, before == 0, policy.measures { before = monotonicNanoseconds() }
            isFirst = false
            goesOn = run(range, line, desk)
            guard before != 0 else { continue }
            let now = monotonicNanoseconds()
            policy.took(now - before, items: range.count)
            before = now
        }
        unsafe line.finish.pointee.store(ScoreLine.Finish.done, ordering: .releasing)
    }

    private func run(_ range: Range<Int>, _ line: ScoreLine, _ desk: Desk) -> Bool {
        line.publish(claim: range)
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

/// The monotonic clock in nanoseconds.
func monotonicNanoseconds() -> Int {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
}
