// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// The code of a pool's workers, from their first Swift instruction to their last.
///
/// All properties are constants: the runtime's checks of variables need thread-local memory, which a fresh child would have
/// to allocate.
final class WorkerMain {
    private let region: RegionLayout
    let settings: WorkerSettings
    private let setUp: (() throws -> Void)?
    private let tearDown: (() -> Void)?
    /// The jobs of the pool, where it has several.
    private let jobs: JobGroup?
    private let body: BatchBody
    private let blocks: BlockWriter

    init(
        region: RegionLayout, settings: WorkerSettings, setUp: (() throws -> Void)?, tearDown: (() -> Void)?,
        jobs: JobGroup? = nil, body: @escaping BatchBody
    ) {
        self.region = region
        self.settings = settings
        self.setUp = setUp
        self.tearDown = tearDown
        self.jobs = jobs
        self.body = body
        blocks = BlockWriter(region: region)
    }

    /// The entry point of a forked child that does not know yet which worker it is.
    static let waitAndRun: @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32 = { context, processSlot in
        unsafe Unmanaged<WorkerMain>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.run(in: Int(processSlot)) }
        return 0
    }

    /// The entry point of a forked child that is a certain worker from the start.
    static let runWorker: @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32 = { context, worker in
        unsafe Unmanaged<WorkerMain>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.runConfined(Int(worker)) }
        return 0
    }

    /// Waits until the supervisor assigns a worker to the process in a slot, and runs it.
    func run(in processSlot: Int) {
        guard let worker = region.mailbox(processSlot).wait(below: region.workers) else { return }
        runConfined(worker)
    }

    private func runConfined(_ worker: Int) {
        region.confine(to: worker)
        run(worker)
        cforkpool_set_position(nil)
        region.unmap(confinedTo: worker)
    }

    func run(_ worker: Int) {
        let record = region.record(worker)
        unsafe cforkpool_set_position(record.position)
        // A fresh child of a map without `setUp` need not read the clock.
        let begins = setUp == nil ? 0 : monotonicNanoseconds()
        if setUp != nil { unsafe record.stage.pointee.store(WorkerRecord.Stage.settingUp, ordering: .releasing) }
        do {
            try settings.apply(to: worker, replacements: record.countStart())
            try setUp?()
            try jobs?.setUp(record)
        } catch {
            return Self.refuse(WorkerError(notSetUp: error), worker, region)
        }
        unsafe record.stage.pointee.store(WorkerRecord.Stage.ready, ordering: .releasing)
        var loop = WorkerLoop(
            worker: worker, region: region, settings: settings, blocks: blocks, body: body,
            stays: begins == 0 ? 0 : Self.end(ofTurnFrom: begins, at: monotonicNanoseconds()))
        let finish = loop.run()
        // The time from here on belongs to no item.
        unsafe record.began.pointee.store(0, ordering: .relaxed)
        cforkpool_set_position(nil)
        jobs?.tearDown()
        tearDown?()
        unsafe record.finish.pointee.store(finish, ordering: .releasing)
    }

    /// When a worker may give way at the earliest that was in `setUp` from one time to another: a fifth of its time is for that.
    private static func end(ofTurnFrom begins: Int, at now: Int) -> Int { now + 4 * (now - begins) }

    /// Writes the reason why a worker cannot run to the end of its arena.
    static func refuse(_ error: WorkerError, _ worker: Int, _ region: RegionLayout) {
        let record = region.record(worker)
        let length = unsafe (try? BinaryEncoder().encode(error, into: region.setUpError(worker))) ?? 0
        unsafe record.setUpErrorLength.pointee.store(length, ordering: .relaxed)
        unsafe record.finish.pointee.store(WorkerRecord.Finish.notSetUp, ordering: .releasing)
    }
}
