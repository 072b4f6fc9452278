internal import CForkPool
internal import Synchronization

/// Runs one-shot maps: each is a pool that serves one batch and is closing from the start, supervised on the calling thread,
/// whose workers a plain fork starts.
///
/// The pool of the last map is kept for its memory: the first touch of a page is what big results cost.
final class OneShotPools: Sendable {
    private let workers: Int
    private let options: ForkPool.Options
    private let idle = Mutex<Pool?>(nil)
    /// How often workers were replaced, over all maps.
    private let restarts: Mutex<RestartLog>

    init(workers: Int, options: ForkPool.Options) {
        self.workers = workers
        self.options = options
        restarts = Mutex(RestartLog(options.restartIntensity))
    }

    /// Runs `body` over the items of a layout in workers, and returns when none of them is left.
    ///
    /// - Parameters:
    ///   - layout: The number of items and the stride of their results.
    ///   - stopsAtFailure: Whether the first failure ends the map.
    ///   - cancelled: A descriptor that is readable when the caller cancels the map.
    ///   - body: Runs in a worker, for each range of items.
    /// - Returns: What the map left behind.
    /// - Throws: The refusal, if there is no memory or no worker.
    func run(
        _ layout: SlotLayout, stopsAtFailure: Bool, cancelled: Int32?, body: @escaping RangeBody
    ) throws(ForkPool.Failure) -> MapResult {
        WarmUp.done
        let shape = Batch.Shape(
            count: layout.count, inputStride: 0, slotStride: layout.stride, stopsAtFailure: stopsAtFailure,
            showsProgress: options.progress != nil)
        let (pool, batch) = try open(shape)
        defer { keep(pool) }
        if let cancelled, EventFD.isReadable(cancelled) {
            // Workers that begin could be done before the supervisor sees the cancellation.
            pool.endWithoutWorkers(.cancelled)
        } else if layout.count > 0 {
            let worker = WorkerMain(
                region: pool.layout, eventFD: pool.eventFD, settings: WorkerSettings(options),
                setUp: options.setUp, tearDown: options.tearDown
            ) { range, writer, _ in body(range, writer) }
            let starter = ForkStarter(worker, pool.layout, cancelled: cancelled) { pool.end(.cancelled) }
            do throws(SystemError) {
                try PoolSupervisor.run(pool, starter, workers: min(workers, layout.count)) { now in
                    self.restarts.withLock { $0.excess(at: now) }
                }
            } catch {
                pool.endWithoutWorkers(.refused(error))
                throw ForkPool.Failure(refused: error, index: nil)
            }
            extendLifetime(worker)
        }
        batch.showProgress(isLast: true)
        return batch.result()
    }

    /// Opens a batch in the kept pool, or in a new one.
    private func open(_ shape: Batch.Shape) throws(ForkPool.Failure) -> (Pool, Batch) {
        if let pool = takeIdle(), let batch = try? pool.openOnlyBatch(shape) { return (pool, batch) }
        let noMemory = SystemError(call: "mmap", code: SystemError.noMemory)
        guard let size = shape.size, size < .max / 8 else { throw ForkPool.Failure(refused: noMemory, index: nil) }
        let pool: Pool
        do throws(SystemError) {
            pool = try Pool(
                workers: workers, options: options, for: .oneBatch, heap: size + 2 * Mapping.pageSize)
        } catch {
            throw ForkPool.Failure(refused: error, index: nil)
        }
        guard let batch = try? pool.openOnlyBatch(shape) else {
            throw ForkPool.Failure(refused: noMemory, index: nil)
        }
        return (pool, batch)
    }

    /// Takes the kept pool.
    ///
    /// A fork of this process leaves it to its parent: the memory is shared.
    private func takeIdle() -> Pool? {
        let pool = idle.withLock { idle in
            defer { idle = nil }
            return idle
        }
        return pool?.isOwn == true ? pool : nil
    }

    private func keep(_ pool: Pool) {
        guard pool.isOwn else { return }
        let other = idle.withLock { idle in
            defer { idle = pool }
            return idle
        }
        extendLifetime(other)
    }
}

extension Pool {
    /// Lays out and opens the only batch of a one-shot map.
    ///
    /// - Throws: `noMemory`, if the heap has no room for it.
    func openOnlyBatch(_ shape: Batch.Shape) throws(ForkPool.Failure) -> Batch {
        let now = monotonicNanoseconds()
        locked { state in
            state.queue.reopen()
            state.inheritors = []
            // What came before the map was repaired with it.
            state.repaired = now
            writeControl(state)
            for worker in 0..<layout.workers {
                layout.record(worker).reset(remaining: nil)
                unsafe layout.record(worker).batchSlot.pointee.store(0, ordering: .relaxed)
                unsafe layout.record(worker).warmBlocks.pointee.store(state.warmBlocks[worker], ordering: .relaxed)
                layout.sleepers.remove(worker)
                layout.seekers.remove(worker)
            }
        }
        let batch = try makeBatch(shape)
        try submit(batch)
        return batch
    }
}
