import Synchronization
import Testing

@testable import ForkPool

/// A resident pool whose body can reach its memory as a wild write would.
final class Scribbler: @unchecked Sendable {
    let core: Pool
    private let over: PrivateEvent
    private var memory: RegionLayout { core.memory }

    init(
        workers: Int = 2, options: ForkPool.Options = .init(chunk: .fixed(1)),
        _ body: @escaping (RegionLayout, BatchSlot, Int, ItemWriter) -> Void
    ) throws {
        core = try Pool(workers: workers, options: options, named: false)
        over = PrivateEvent()
        let memory = core.memory
        let life = WorkerSettings(core.options)
        let worker = WorkerMain(memory: memory, bell: core.bell.descriptor, life: life, setUp: nil, tearDown: nil) {
            (range, desk, _) in
            for item in range {
                guard desk.begin(item) else { return false }
                body(memory, Self.entry(of: desk, memory), item, desk)
            }
            return true
        }
        let bell = core.bell.descriptor
        let source = try TemplateStarter { () throws(SystemError) in try Template(worker, memory: memory, bell: bell) }
        try PoolSupervisor.start(core: core, source: source, over: over)
    }

    deinit {
        core.cancel(over, because: "was dropped")
    }

    private static func entry(of desk: ItemWriter, _ memory: RegionLayout) -> BatchSlot {
        let number = (0..<memory.entries).first { unsafe memory.entry($0).lowestFailure == desk.lowestFailure }
        return memory.entry(number!)
    }

    /// Runs a batch to its end.
    func map(_ count: Int, stride: Int = 8, stopsAtFailure: Bool = false) throws -> (Batch, MapResult) {
        let shape = Batch.Shape(count: count, inputStride: 0, slotStride: stride, stopsAtFailure: stopsAtFailure)
        let batch = try core.makeBatch(shape)
        try core.submit(batch)
        core.wait(for: batch)
        return (batch, batch.outcome())
    }

    /// What numbers the body was to store.
    func numbers(_ count: Int) throws -> [Int?] {
        try map(count).1.results(of: Int.self).map(\.value)
    }
}
