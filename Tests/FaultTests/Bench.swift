import Synchronization

@testable import ForkPool

/// One-shot maps whose bodies can reach the memory as a wild write would.
enum Bench {
    /// Runs `body` on each item, one at a time; returns what came of it.
    static func map(
        _ layout: SlotLayout, workers: Int = 2, chunk: Int = 1, stopsAtFailure: Bool = false,
        _ body: @escaping (RegionLayout, BatchSlot, Int, ItemWriter) -> Void
    ) throws -> MapResult {
        WarmUp.done
        let (pool, batch) = try open(layout, workers: workers, chunk: chunk, stopsAtFailure: stopsAtFailure)
        let region = pool.layout
        let worker = WorkerMain(
            region: region, eventFD: pool.event.descriptor, settings: WorkerSettings(pool.options), setUp: nil,
            tearDown: nil
        ) { range, writer, _ in
            for item in range {
                guard writer.begin(item) else { return false }
                body(region, region.batchSlot(0), item, writer)
            }
            return true
        }
        let starter = ForkStarter(worker, region, cancelled: nil) {}
        try PoolSupervisor.run(pool, starter, workers: min(workers, layout.count)) { _ in nil }
        extendLifetime(worker)
        return batch.result()
    }

    /// What is read of a map whose workers left the memory as `damage` makes it, every item published before.
    static func result(
        _ layout: SlotLayout, workers: Int = 2, _ damage: (RegionLayout, ResultMemory) -> Void
    ) throws -> MapResult {
        let (pool, batch) = try open(layout, workers: workers)
        for item in 0..<layout.count { unsafe batch.results.states[item].store(ItemState.value, ordering: .relaxed) }
        damage(pool.layout, batch.results)
        let newest = unsafe pool.layout.batchSlot(0).newestError.pointee.load(ordering: .relaxed)
        pool.endWithoutWorkers(.cancelled)
        let machine = BatchMachine(count: layout.count, stopsAtFailure: false)
        let reader = FailureReader(memory: batch.results, machine: machine, newestError: newest)
        return MapResult(reader) { extendLifetime(batch) }
    }

    /// Opens a batch in a pool of its own, which keeps no memory.
    static func open(
        _ layout: SlotLayout, workers: Int, chunk: Int = 1, stopsAtFailure: Bool = false
    ) throws -> (pool: Pool, batch: Batch) {
        let options = ForkPool.Options(chunk: .fixed(chunk), warmMemory: 0)
        let pool = try Pool(workers: workers, options: options, for: .oneBatch)
        let shape = Batch.Shape(
            count: layout.count, inputStride: 0, slotStride: layout.stride, stopsAtFailure: stopsAtFailure)
        return (pool, try pool.openOnlyBatch(shape))
    }

    /// Numbers that a wild write could leave, edges first.
    static func wildNumbers(near places: [Int]) -> [Int] {
        [.min, .min + 1, -1, 0, 1, .max - 1, .max, Int(Int32.max), Int(UInt32.max) + 1]
            + places.flatMap { [$0 - 1, $0, $0 + 1, -$0] }
    }
}

/// Numbers that look random and are the same each time.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
