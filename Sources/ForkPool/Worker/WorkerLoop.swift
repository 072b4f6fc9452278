internal import CForkPool
internal import Glibc
internal import Synchronization

/// Runs the items of a range in a worker; returns false if the worker is to stop.
@usableFromInline
typealias RangeBody = (_ range: Range<Int>, _ desk: Desk) -> Bool

/// What the workers of one map find in the memory that the fork gave them.
final class WorkerContext {
    let region: Region
    let chunk: ForkPool.Options.Chunk
    let workers: Int
    let stopsAtFailure: Bool
    let body: RangeBody
    /// What each worker is to run before it claims: the rest of a range that a dead worker left.
    var leftovers: [Range<Int>?]

    init(region: Region, chunk: ForkPool.Options.Chunk, workers: Int, stopsAtFailure: Bool, body: @escaping RangeBody) {
        self.region = region
        self.chunk = chunk
        self.workers = workers
        self.stopsAtFailure = stopsAtFailure
        self.body = body
        leftovers = Array(repeating: nil, count: workers)
    }

    /// Runs in the child: the loop of a worker, from its first claim until nothing is left.
    func run(worker: Int) {
        region.unmapArenas(except: worker)
        let line = region.line(worker)
        let desk = Desk(region: region, worker: worker, stopsAtFailure: stopsAtFailure)
        let claims = unsafe Claims(cursor: region.cursor, count: region.layout.count)
        var policy = ChunkPolicy(chunk, workers: workers)
        var goesOn = true
        if let leftover = leftovers[worker] {
            line.publish(claim: leftover)
            goesOn = body(leftover, desk)
        }
        var before = policy.measures ? monotonicNanoseconds() : 0
        while goesOn, unsafe region.lowestFailure.pointee.load(ordering: .sequentiallyConsistent) == .max,
            let range = claims.next(policy)
        {
            line.publish(claim: range)
            goesOn = body(range, desk)
            guard policy.measures else { continue }
            let now = monotonicNanoseconds()
            policy.took(now - before, items: range.count)
            before = now
        }
        unsafe line.finish.pointee.store(ScoreLine.Finish.done, ordering: .releasing)
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
