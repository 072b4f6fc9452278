// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

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
/// A pool has no processes between calls. Any number of threads and tasks may use it at once: all of its maps share its
/// workers, in turn. Resident pools and streams of it have workers of their own.
public final class ForkPool: Sendable {
    /// The most worker processes of all maps of this pool together.
    public let workers: Int

    /// The options of the pool.
    public let options: Options

    /// What the maps, streams and resident pools of this pool ask for; `with(_:)` gives a pool that asks for something else.
    public let callOptions: CallOptions

    let rules: CallRules
    let maps: OneShotPools

    /// Creates a pool.
    ///
    /// - Parameters:
    ///   - workers: The number of worker processes; by default the number of processors that this process may use.
    ///   - options: The options of the pool.
    /// - Precondition: `workers` is at least 1 and at most 65 536.
    public init(workers: Int = ForkPool.availableProcessors, options: Options = Options()) {
        require(workers >= 1, "workers must be at least 1, not \(workers)")
        require(workers <= 65_536, "workers must be at most 65536, not \(workers)")
        options.check()
        OutOfMemory.beginCounting()
        self.workers = workers
        self.options = options
        callOptions = CallOptions(options)
        rules = CallRules(callOptions)
        maps = OneShotPools(workers: workers, options: options)
    }

    /// Makes a pool that shares the workers of another one.
    init(sharing pool: ForkPool, _ callOptions: CallOptions, journal: JournalRequest? = nil) {
        workers = pool.workers
        options = pool.options
        self.callOptions = callOptions
        var rules = CallRules(callOptions)
        rules.journal = journal
        self.rules = rules
        maps = pool.maps
    }
}

// MARK: - One map

extension ForkPool {
    /// Runs `body` over the ranges of `layout.count` items in workers, and returns when none of them is left.
    ///
    /// - Throws: A failure without an index if no region can be had.
    @usableFromInline
    func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, state: WorkerState? = nil, _ body: BatchBody
    ) throws(Failure) -> MapResult {
        let end = rules.end
        return try withoutActuallyEscaping(body) { (body) throws(Failure) in
            try checkThreads()
            return try maps.run(
                layout, stopsAtFailure: stopsAtFailure, rules, by: end, state: state, body: body)
        }
    }

    /// Does the same from async code.
    ///
    /// A separate thread watches the workers, so that no thread of the cooperative pool waits. If the task is
    /// cancelled, the workers end.
    @usableFromInline
    nonisolated(nonsending) func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, state: WorkerState? = nil, _ body: BatchBody
    ) async throws(Failure) -> MapResult {
        let end = rules.end
        try checkThreads()
        let turn = try await maps.enter(items: layout.count, rules, by: end)
        // The supervising thread hands the body to the fork and never runs it; the caller is suspended meanwhile.
        let supervised: nonisolated(nonsending) (@escaping BatchBody) async -> Result<MapResult, Failure> = { body in
            nonisolated(unsafe) let (body, state) = (body, state)
            let result = await BlockingThread.run { cancelled in
                Result { () throws(Failure) in
                    try self.checkThreads()
                    return unsafe try self.maps.run(
                        layout, stopsAtFailure: stopsAtFailure, self.rules, by: end, turn: turn, cancelled: cancelled,
                        state: state,
                        body: body)
                }
            }
            switch result {
            case .success(let result): return result
            case .failure(let refusal):
                turn?.end()
                return .failure(Failure(refused: refusal, index: nil))
            }
        }
        return try await withoutActuallyEscaping(body, do: supervised).get()
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
