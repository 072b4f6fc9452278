internal import CForkPool
internal import Synchronization

/// Maps a function over a collection in forked worker processes, and reads the results out of shared memory.
///
/// If a worker traps, exits or is killed, only its current item fails. The body may capture anything, because the fork
/// is a snapshot of this process. Its changes stay in the worker, except for its result and changes to a
/// `SharedCounter`, `SharedValue` or `SharedArray`.
///
/// ```swift
/// let pool = ForkPool(workers: 5)
/// let sums = try pool.map([(1, 2), (3, 4)]) { x, y in x + y }   // [3, 7]
/// ```
///
/// A pool has no processes between calls. Any number of threads and tasks may use it at once.
public final class ForkPool: Sendable {
    /// The most worker processes of a call.
    public let workers: Int

    /// The options of the pool.
    public let options: Options

    /// The region of the last map, whose pages are warm.
    private let idle = Mutex<Region?>(nil)
    private let restarts: Mutex<RestartLog>
    /// The process that made the pool: a worker that maps with it must not use its parent's region.
    private let generation = cforkpool_generation()

    /// Creates a pool.
    ///
    /// - Parameters:
    ///   - workers: The number of worker processes; by default the number of processors that this process may use.
    ///   - options: The options of the pool.
    /// - Precondition: `workers` is at least 1 and at most 65 536.
    public init(workers: Int = ForkPool.availableProcessors, options: Options = Options()) {
        precondition(workers >= 1, "ForkPool: workers must be at least 1, not \(workers)")
        precondition(workers <= 65_536, "ForkPool: workers must be at most 65536, not \(workers)")
        options.check()
        OutOfMemory.beginCounting()
        self.workers = workers
        self.options = options
        restarts = Mutex(RestartLog(options.restartIntensity))
    }
}

// MARK: - Regions

extension ForkPool {
    /// Takes the warm region, or makes a new one.
    private func takeRegion(_ layout: Region.Layout) throws(SystemError) -> Region {
        if cforkpool_generation() == generation {
            let warm = idle.withLock { region in
                let taken = region
                region = nil
                return taken
            }
            if let warm, warm.fits(layout) { return warm }
        }
        return try Region(workers: workers, layout: layout)
    }

    /// Keeps the region of a map for the next one; its pages too, unless a worker died in the middle of something.
    private func giveBack(_ region: Region, _ memory: MapMemory, isTorn: Bool) {
        guard cforkpool_generation() == generation else { return }
        if isTorn { region.empty() } else { region.cool(memory, to: options.warmMemory) }
        idle.withLock { $0 = region }
    }
}

// MARK: - One map

extension ForkPool {
    /// Runs `body` over the ranges of `layout.count` items in workers, and returns when none of them is left.
    ///
    /// - Throws: A failure without an index if no region can be had.
    @usableFromInline
    func run(
        _ layout: Region.Layout, stopsAtFailure: Bool, _ body: RangeBody
    ) throws(Failure) -> Outcome {
        try withoutActuallyEscaping(body) { (body) throws(Failure) in
            try run(layout, stopsAtFailure: stopsAtFailure, doorbell: nil, escaping: body)
        }
    }

    /// Does the same from async code.
    ///
    /// A separate thread watches the workers, so that no thread of the cooperative pool waits. If the task is
    /// cancelled, the workers end.
    @usableFromInline
    nonisolated(nonsending) func run(
        _ layout: Region.Layout, stopsAtFailure: Bool, _ body: RangeBody
    ) async throws(Failure) -> Outcome {
        // The watching thread hands the body to the fork and never runs it; the caller is suspended meanwhile.
        let watched: nonisolated(nonsending) (@escaping RangeBody) async -> Result<Outcome, Failure> = { body in
            nonisolated(unsafe) let body = body
            return await WatchThread.run { doorbell in
                Result { () throws(Failure) in
                    unsafe try self.run(layout, stopsAtFailure: stopsAtFailure, doorbell: doorbell, escaping: body)
                }
            }
        }
        let outcome = await withoutActuallyEscaping(body, do: watched)
        return try outcome.get()
    }

    private func run(
        _ layout: Region.Layout, stopsAtFailure: Bool, doorbell: Int32?, escaping body: @escaping RangeBody
    ) throws(Failure) -> Outcome {
        try checkThreads()
        WarmUp.done
        let region: Region
        do { region = try takeRegion(layout) } catch { throw Failure(refused: error, index: nil) }
        let lines = min(workers, layout.count)
        let memory = region.prepare(layout)
        let context = WorkerContext(
            memory: memory, options: options, workers: max(lines, 1), stopsAtFailure: stopsAtFailure,
            restarted: { [self] in restarts.withLock { $0.excess(at: monotonicNanoseconds()) } }, body: body)
        var supervisor = Supervisor(context, doorbell: doorbell)
        let (machine, isTorn) = withExtendedLifetime(context) { supervisor.run() }
        return Outcome(region: region, memory: memory, machine: machine) { [self] region in
            giveBack(region, memory, isTorn: isTorn)
        }
    }

    /// Refuses a map that would fork beside threads of the host, if the options forbid it.
    ///
    /// - Throws: `threadsRefused`.
    func checkThreads() throws(Failure) {
        guard options.refusesThreads else { return }
        let threads = cforkpool_thread_count()
        guard threads >= 0 else { throw Failure.uncounted(SystemError(call: "stat", code: -threads)) }
        guard threads <= 1 else { throw Failure.threaded(threads) }
    }
}
