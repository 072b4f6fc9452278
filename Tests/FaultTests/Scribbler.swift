import ForkPoolTestSupport
import Synchronization
import Testing

@testable import ForkPool

/// A pool whose body can reach the shared memory as a wild write would.
final class Scribbler: @unchecked Sendable {
    private enum Nature {
        case oneShot(workers: Int, ForkPool.Options)
        case resident(ResidentCore, PrivateEvent)
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
        let core = try ResidentCore(workers: workers, options: options, named: false)
        let over = PrivateEvent()
        nature = .resident(core, over)
        let memory = core.memory
        let bell = core.bell.descriptor
        let worker = ResidentWorker(
            memory: memory, bell: bell, life: WorkerLife(core.options), setUp: nil, tearDown: nil
        ) { range, desk, _ in
            for item in range {
                guard desk.begin(item) else { return false }
                body(Reach(item, desk, memory))
            }
            return true
        }
        let source = try Templates { () throws(SystemError) in try Template(worker, memory: memory, bell: bell) }
        try Keeper.start(core: core, source: source, over: over)
    }

    deinit {
        if case .resident(let core, let over) = nature { core.cancel(over, because: "was dropped") }
    }

    /// What the workers that stay share.
    var core: ResidentCore {
        guard case .resident(let core, _) = nature else { fatalError("no workers stay") }
        return core
    }

    /// Ends the workers that stay when all is done.
    func close() {
        if case .resident(let core, let over) = nature { core.close(over) }
    }

    /// Whether the workers that stay are told to end.
    var closing: Int { unsafe core.memory.closing.pointee.load(ordering: .relaxed) }
    func setClosing(_ value: Int) { unsafe core.memory.closing.pointee.store(value, ordering: .relaxed) }

    /// How many blocks of the first worker are said to be in use.
    var blocksUsed: Int {
        get { unsafe core.memory.line(0).blocksUsed.pointee.load(ordering: .relaxed) }
        set { unsafe core.memory.line(0).blocksUsed.pointee.store(newValue, ordering: .relaxed) }
    }

    /// Maps items to numbers, or to what is coded.
    func map(_ count: Int, coded: Bool = false, stopsAtFailure: Bool = false) throws -> Outcome {
        switch nature {
        case .oneShot(let workers, let options):
            let layout: Region.Layout = coded ? .coded(count) : .init(of: Int.self, count)
            return try mapOnce(layout, workers, options, stopsAtFailure)
        case .resident: return try batch(count, coded: coded, stopsAtFailure: stopsAtFailure).outcome()
        }
    }

    private func mapOnce(
        _ layout: Region.Layout, _ workers: Int, _ options: ForkPool.Options, _ stopsAtFailure: Bool
    ) throws -> Outcome {
        let region = try Region(workers: workers, layout: layout)
        let memory = region.prepare(layout)
        let context = WorkerContext(
            memory: memory, options: options, workers: workers, stopsAtFailure: stopsAtFailure
        ) { [body] range, desk in
            for item in range {
                guard desk.begin(item) else { return false }
                body(Reach(item, desk, memory))
            }
            return true
        }
        var supervisor = Supervisor(context, doorbell: nil)
        let (machine, _) = withExtendedLifetime(context) { supervisor.run() }
        return Outcome(region: region, memory: memory, machine: machine) { $0.cool(memory, to: 0) }
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

    /// What numbers the body gave.
    func numbers(_ count: Int) throws -> [Int?] {
        try map(count).results(of: Int.self).map(\.value)
    }

    /// What text the body gave.
    func words(_ count: Int) throws -> [Result<String, ForkPool.Failure>] {
        try map(count, coded: true).decodedResults(as: String.self)
    }

    /// Streams so many batches of four numbers.
    func stream(batches: Int, order: ForkPool.Order) -> StreamState<Int> {
        var shape = Self.shape(4)
        shape.signalsItems = true
        var left = batches
        return StreamState<Int>(core: core, output: .plain, order: order, window: nil) {
            [core] _ throws(ForkPool.Failure) in
            left -= 1
            return left >= 0 ? try core.makeBatch(shape) : nil
        }
    }

    /// Why an item fails whose state is undone after its batch has ended.
    func undoneResult(_ item: Int, of count: Int) throws -> ForkPool.Failure.Code {
        let batch = try batch(count)
        unsafe batch.memory.states[item].store(ItemState.unfinished, ordering: .relaxed)
        #expect(batch.isOver(item))
        return core.failure(of: item, in: batch).code
    }

    /// Which items a worker of a one-shot map does that is told to begin with some of five.
    static func items(toldToBeginWith start: Int, _ end: Int) throws -> [Int] {
        let layout = Region.Layout(of: Int.self, 5)
        let region = try Region(workers: 1, layout: layout)
        let memory = region.prepare(layout)
        var ran: [Int] = []
        let context = WorkerContext(
            memory: memory, options: .init(chunk: .fixed(1)), workers: 1, stopsAtFailure: false
        ) { range, _ in
            ran += range
            return true
        }
        unsafe memory.line(0).leftoverStart.pointee.store(start, ordering: .relaxed)
        unsafe memory.line(0).leftoverEnd.pointee.store(end, ordering: .relaxed)
        withExtendedLifetime(region) { context.run(worker: 0) }
        return ran
    }
}
