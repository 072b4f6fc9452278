// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Synchronization
import Testing

@testable import ForkPool

/// A pool with a body that can reach the shared memory as a wild write would.
final class Scribbler: @unchecked Sendable {
    private enum Nature {
        case oneShot(workers: Int, ForkPool.Options)
        case resident(Pool, PrivateEvent)
    }

    private let nature: Nature
    private let body: (Reach) -> Void

    /// Makes a pool that is one-shot or has workers that stay, forked for a closure.
    init(
        _ kind: Kind = .residentBody, workers: Int = 2, options: ForkPool.Options = .init(chunk: .fixed(1)),
        _ body: @escaping (Reach) -> Void
    ) throws {
        self.body = body
        guard kind != .oneShot else {
            nature = .oneShot(workers: workers, options)
            return
        }
        let core = try Pool(workers: workers, options: options, for: .forked)
        let over = PrivateEvent()
        nature = .resident(core, over)
        let worker = Self.worker(core, isOneShot: false, body)
        let layout = core.layout
        let starter = try TemplateStarter(worker, layout)
        try PoolSupervisor.start(core, starter, over: over)
    }

    private static func worker(_ pool: Pool, isOneShot: Bool, _ body: @escaping (Reach) -> Void) -> WorkerMain {
        let layout = pool.layout
        return WorkerMain(
            region: layout, settings: WorkerSettings(pool.options), setUp: nil, tearDown: nil
        ) { range, writer, _ in
            for item in range {
                guard writer.begin(item) else { return false }
                body(Reach(item, writer, layout, isOneShot: isOneShot))
            }
            return true
        }
    }

    deinit {
        if case .resident(let core, let over) = nature { core.cancel(over, because: "was dropped") }
    }

    /// The pool of the workers that stay.
    var core: Pool {
        guard case .resident(let core, _) = nature else { fatalError("no workers stay") }
        return core
    }

    /// Ends the workers that stay when all is done.
    func close() {
        if case .resident(let core, let over) = nature { core.close(over) }
    }

    /// The flag that tells the workers that stay to end.
    var closing: Int { unsafe core.layout.closing.pointee.load(ordering: .relaxed) }
    func setClosing(_ value: Int) { unsafe core.layout.closing.pointee.store(value, ordering: .relaxed) }

    /// The recorded number of blocks that the first worker uses.
    var blocksUsed: Int {
        get { unsafe core.layout.record(0).blocksUsed.pointee.load(ordering: .relaxed) }
        set { unsafe core.layout.record(0).blocksUsed.pointee.store(newValue, ordering: .relaxed) }
    }

    /// Maps items to numbers, or to coded results.
    func map(_ count: Int, coded: Bool = false, stopsAtFailure: Bool = false) throws -> MapResult {
        switch nature {
        case .oneShot(let workers, var options):
            options.warmMemory = 0
            let shape = Self.shape(count, coded: coded, stopsAtFailure: stopsAtFailure)
            return try mapOnce(shape, workers, options)
        case .resident: return try batch(count, coded: coded, stopsAtFailure: stopsAtFailure).result()
        }
    }

    private func mapOnce(_ shape: Batch.Shape, _ workers: Int, _ options: ForkPool.Options) throws -> MapResult {
        WarmUp.done
        let pool = try Pool(workers: workers, options: options, for: .oneBatch)
        let batch = try pool.openOnlyBatch(shape)
        let worker = Self.worker(pool, isOneShot: true, body)
        let starter = try ForkStarter(worker, pool.layout, cancelled: nil) {}
        let wanted = min(workers, shape.count)
        let turn = try WorkerSharing(workers: workers, limit: nil).enter(wanting: wanted)
        turn.begin(in: pool)
        try PoolSupervisor.run(pool, starter, workers: wanted, turn: turn) { _ in nil }
        turn.end()
        extendLifetime(worker)
        return batch.result()
    }

    /// Runs a batch of the workers that stay to its end, and keeps it.
    func batch(_ count: Int, coded: Bool = false, stopsAtFailure: Bool = false) throws -> Batch {
        let batch = try core.makeBatch(Self.shape(count, coded: coded, stopsAtFailure: stopsAtFailure))
        try core.submit(batch)
        core.wait(for: batch)
        return batch
    }

    private static func shape(_ count: Int, coded: Bool = false, stopsAtFailure: Bool = false) -> Batch.Shape {
        Batch.Shape(count: count, inputStride: 0, slotStride: coded ? 16 : 8, stopsAtFailure: stopsAtFailure)
    }

    /// The numbers that the body published.
    func numbers(_ count: Int) throws -> [Int?] {
        try map(count).results(of: Int.self).map(\.value)
    }

    /// The texts that the body published.
    func words(_ count: Int) throws -> [Result<String, ForkPool.Failure>] {
        try map(count, coded: true).decodedResults(as: String.self)
    }

    /// Streams that many batches of four numbers.
    func stream(batches: Int, order: ForkPool.Order) -> StreamState<Int> {
        var shape = Self.shape(4)
        shape.signalsItems = true
        var left = batches
        let source = StreamState<Int>.Source.pulled { [core] _ throws(ForkPool.Failure) in
            left -= 1
            return left >= 0 ? try core.makeBatch(shape) : nil
        }
        return StreamState<Int>(
            pool: core, output: .plain, order: order, window: nil, total: nil, source: source, job: 0)
    }

    /// Undoes an item's state after its batch has ended; returns the code of its failure.
    func undoneResult(_ item: Int, of count: Int) throws -> ForkPool.Failure.Code {
        let batch = try batch(count)
        unsafe batch.results.states[item].store(ItemState.unfinished, ordering: .relaxed)
        #expect(batch.isOver(item))
        return core.failure(of: item, in: batch).code
    }

    /// The items, of five, that a worker of a one-shot map does when it inherits a remaining range.
    static func items(remaining start: Int, _ end: Int) throws -> [Int] {
        let pool = try Pool(workers: 1, options: .init(chunk: .fixed(1), warmMemory: 0), for: .oneBatch)
        let batch = try pool.openOnlyBatch(shape(5))
        let layout = pool.layout
        var ran: [Int] = []
        layout.batchSlot(0).inside.insert(0)
        unsafe layout.record(0).batchSlot.pointee.store(1, ordering: .relaxed)
        unsafe layout.record(0).remainingStart.pointee.store(start, ordering: .relaxed)
        unsafe layout.record(0).remainingEnd.pointee.store(end, ordering: .relaxed)
        let blocks = BlockWriter(region: layout)
        var loop = WorkerLoop(
            worker: 0, region: layout, settings: WorkerSettings(pool.options), blocks: blocks
        ) { range, _, _ in
            ran += range
            return true
        }
        #expect(loop.run() == WorkerRecord.Finish.done)
        extendLifetime(blocks)
        extendLifetime(batch)
        pool.endWithoutWorkers(.cancelled)
        return ran
    }
}
