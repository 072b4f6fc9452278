import Synchronization
import Testing

@testable import ForkPool

/// A resident pool whose body can reach its memory as a wild write would.
final class Scribbler: @unchecked Sendable {
    let core: Pool
    private let over: PrivateEvent

    init(
        workers: Int = 2, options: ForkPool.Options = .init(chunk: .fixed(1)),
        _ body: @escaping (RegionLayout, BatchSlot, Int, ItemWriter) -> Void
    ) throws {
        core = try Pool(workers: workers, options: options, for: .forked)
        over = PrivateEvent()
        let layout = core.layout
        let event = core.event.descriptor
        let worker = WorkerMain(
            region: layout, eventFD: event, settings: WorkerSettings(core.options), setUp: nil, tearDown: nil
        ) { range, writer, _ in
            for item in range {
                guard writer.begin(item) else { return false }
                body(layout, Self.slot(of: writer, layout), item, writer)
            }
            return true
        }
        let starter = try TemplateStarter { () throws(SystemError) in
            try Template(worker, layout: layout, eventFD: event)
        }
        try PoolSupervisor.start(core, starter, over: over)
    }

    deinit {
        core.cancel(over, because: "was dropped")
    }

    private static func slot(of writer: ItemWriter, _ layout: RegionLayout) -> BatchSlot {
        let number = (0..<layout.batchSlots).first {
            unsafe layout.batchSlot($0).lowestFailure == writer.lowestFailure
        }
        return layout.batchSlot(number!)
    }

    /// Runs a batch to its end.
    func map(_ count: Int, stride: Int = 8, stopsAtFailure: Bool = false) throws -> (Batch, MapResult) {
        let shape = Batch.Shape(count: count, inputStride: 0, slotStride: stride, stopsAtFailure: stopsAtFailure)
        let batch = try core.makeBatch(shape)
        try core.submit(batch)
        core.wait(for: batch)
        return (batch, batch.result())
    }

    /// The numbers that the body stored.
    func numbers(_ count: Int) throws -> [Int?] {
        try map(count).1.results(of: Int.self).map(\.value)
    }
}
