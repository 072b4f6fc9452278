// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// Runs one-shot maps, and keeps the pool of the last one for its memory: a page's first touch is what big results cost.
final class OneShotPools: Sendable {
    private let workers: Int
    private let options: ForkPool.Options
    private let idle = Mutex<Pool?>(nil)
    /// How often workers were replaced, over all maps.
    private let restarts: Mutex<RestartLog>
    private let sharing: WorkerSharing

    init(workers: Int, options: ForkPool.Options) {
        self.workers = workers
        self.options = options
        sharing = WorkerSharing(workers: workers, limit: options.whenFull.fails ? options.maxPending : nil)
        restarts = Mutex(RestartLog(options.restartIntensity))
    }

    /// How many maps wait in line, and how many workers maps have.
    var load: (pending: Int, busy: Int) { sharing.own.load }

    /// Suspends the task until a map of so many items has a worker; nil if it needs none.
    ///
    /// - Throws: `full`; `timedOut`; `cancelled` if the task is cancelled.
    nonisolated(nonsending) func enter(
        items: Int, _ rules: CallRules, by deadline: Int
    ) async throws(ForkPool.Failure) -> MapTurn? {
        items > 0 ? try await sharing.own.enter(wanting: min(workers, items), rules, by: deadline) : nil
    }

    /// Waits, on the calling thread, until the map has a worker, and then runs it.
    func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, _ rules: CallRules = .standard, by deadline: Int = .max,
        state: WorkerState? = nil, body: @escaping BatchBody
    ) throws(ForkPool.Failure) -> MapResult {
        let turn =
            layout.count > 0 ? try sharing.own.enter(wanting: min(workers, layout.count), rules, by: deadline) : nil
        return try run(
            layout, stopsAtFailure: stopsAtFailure, rules, by: deadline, turn: turn, cancelled: nil, state: state,
            body: body)
    }

    /// Runs `body` over the items of a layout in workers, and returns when none of them is left.
    ///
    /// The workers are those of a turn, which ends with the map. It ends at a deadline in nanoseconds of the monotonic clock.
    /// The descriptor `cancelled` is readable when the caller cancels the map.
    func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, _ rules: CallRules, by deadline: Int, turn: MapTurn?,
        cancelled: Int32?, state: WorkerState? = nil, body: @escaping BatchBody
    ) throws(ForkPool.Failure) -> MapResult {
        defer { turn?.end() }
        WarmUp.done
        let shape = Batch.Shape(
            count: layout.count, inputStride: 0, slotStride: layout.stride, stopsAtFailure: stopsAtFailure,
            showsProgress: options.progress != nil, kind: layout.kind, rules: rules, deadline: deadline)
        let setUp = options.setUp(making: state)
        let (pool, batch) = try open(shape, hasSetUp: setUp != nil)
        defer { keep(pool) }
        try batch.openJournal()
        defer { batch.endJournal() }
        try pool.submit(batch)
        if batch.journal?.isComplete == true {
            // The results are there: nothing is cancelled.
            pool.endWithoutWorkers(.cancelled)
        } else if let cancelled, EventFD.isReadable(cancelled) {
            // Workers that begin could be done before the supervisor sees the cancellation.
            pool.endWithoutWorkers(.cancelled)
        } else if deadline != .max, deadline <= monotonicNanoseconds() {
            pool.endWithoutWorkers(.overdueInQueue(rules.deadline ?? 0))
        } else if let turn {
            turn.begin(in: pool)
            let worker = WorkerMain(
                region: pool.layout, settings: WorkerSettings(options), setUp: setUp,
                tearDown: options.tearDown(ending: state), body: body)
            batch.journal?.begin(batch.results)
            do throws(SystemError) {
                let starter = try ForkStarter(worker, pool.layout, cancelled: cancelled) { pool.end(.cancelled) }
                try PoolSupervisor.run(pool, starter, workers: min(workers, layout.count), turn: turn) { now in
                    self.restarts.withLock { $0.excess(at: now) }
                }
            } catch {
                pool.endWithoutWorkers(.refused(error))
                throw ForkPool.Failure(refused: error, index: nil)
            }
            extendLifetime(worker)
        }
        // A map that the progress handler makes may need the workers.
        turn?.end()
        batch.showProgress(isLast: true)
        return batch.result()
    }

    /// Opens a pool for one batch, and lays that out.
    private func open(_ shape: Batch.Shape, hasSetUp: Bool) throws(ForkPool.Failure) -> (Pool, Batch) {
        if let pool = takeIdle(), let batch = try? pool.makeOnlyBatch(shape, hasSetUp: hasSetUp) {
            return (pool, batch)
        }
        let noMemory = SystemError(call: "mmap", code: SystemError.noMemory)
        do throws(SystemError) {
            guard let size = shape.size, size < .max / 8 else { throw noMemory }
            let pool = try Pool(
                workers: workers, options: options, for: .oneBatch, heap: size + 2 * Mapping.pageSize)
            guard let batch = try? pool.makeOnlyBatch(shape, hasSetUp: hasSetUp) else { throw noMemory }
            return (pool, batch)
        } catch {
            throw ForkPool.Failure(refused: error, index: nil)
        }
    }

    /// Takes the kept pool; a fork of this process leaves it to its parent, since the memory is shared.
    private func takeIdle() -> Pool? {
        let pool = idle.withLock { exchange(&$0, with: nil) }
        return pool?.isOwn == true ? pool : nil
    }

    private func keep(_ pool: Pool) {
        guard pool.isOwn, !pool.isTainted.load(ordering: .relaxed) else { return }
        // What was kept before is released without the lock.
        extendLifetime(idle.withLock { exchange(&$0, with: pool) })
    }
}

extension Pool {
    /// Lays out and submits the only batch of a one-shot map; throws if the heap has no room for it.
    func openOnlyBatch(_ shape: Batch.Shape, hasSetUp: Bool = false) throws(ForkPool.Failure) -> Batch {
        let batch = try makeOnlyBatch(shape, hasSetUp: hasSetUp)
        try submit(batch)
        return batch
    }

    /// Opens the pool for one batch, and lays that out.
    func makeOnlyBatch(_ shape: Batch.Shape, hasSetUp: Bool) throws(ForkPool.Failure) -> Batch {
        let now = monotonicNanoseconds()
        locked { state in
            state.queue.reopen()
            state.hasSetUp = hasSetUp
            state.calls = 0
            state.lookBy = .max
            state.inheritors = []
            // What came before the map was repaired with it.
            state.repaired = now
            writeControl(state)
            layout.batchSlot(0).resetRecalls()
            for worker in 0..<layout.workers {
                layout.record(worker).reset(remaining: nil)
                layout.record(worker).forgetStarts()
                unsafe layout.record(worker).batchSlot.pointee.store(0, ordering: .relaxed)
                unsafe layout.record(worker).warmBlocks.pointee.store(state.warmBlocks[worker], ordering: .relaxed)
                layout.sleepers.remove(worker)
                layout.seekers.remove(worker)
            }
        }
        return try makeBatch(shape)
    }
}
