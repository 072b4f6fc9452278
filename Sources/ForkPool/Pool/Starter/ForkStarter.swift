// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Forks each worker from this process as it is now: for a one-shot map, whose body and inputs the fork hands over.
final class ForkStarter: Starter {
    private(set) var forker: Forker
    private let worker: WorkerMain
    private let layout: RegionLayout
    private var results: Started = []
    /// The descriptor that is readable when the caller cancels the map, until it is.
    private var cancelled: Int32?
    private let onCancel: () -> Void

    init(
        _ worker: WorkerMain, _ layout: RegionLayout, cancelled: Int32?, onCancel: @escaping () -> Void
    ) throws(SystemError) {
        forker = try Forker(capacity: layout.processSlots)
        self.worker = worker
        self.layout = layout
        self.cancelled = cancelled
        self.onCancel = onCancel
    }

    func begin(_ slots: [Int]) {
        let starts = unsafe slots.map { slot in
            unsafe layout.crash(slot).pointee.signal = 0
            unsafe layout.crash(slot).pointee.awaits = 0
            return unsafe cforkpool_start(
                entry: WorkerMain.runWorker, context: Unmanaged.passUnretained(worker).toOpaque(),
                worker: Int32(slot), crash: layout.crash(slot), known: layout.record(slot).known,
                keeps_signals_blocked: false,
                ignored_signals: worker.settings.ignoredSignals, pid: 0, pidfd: -1, failed_call: nil)
        }
        results += zip(slots, unsafe forker.start(starts)).map { ($0, $1) }
    }

    func started(waiting: Bool) -> Started { exchange(&results, with: []) }

    var startsAlone: Bool { true }

    var watched: [Int32] { cancelled.map { [$0] } ?? [] }

    /// Ends the forking thread and its guard: the same thread as before asks for the next ones.
    func rest() {
        if let fresh = try? Forker(capacity: layout.processSlots) { forker = fresh }
    }

    /// A map does not hear any more that it is cancelled.
    func reopen(_ closed: Set<Int32>) {
        if let descriptor = cancelled, closed.contains(descriptor) { cancelled = nil }
    }

    func watchedIsReadable() {
        if exchange(&cancelled, with: nil) != nil { onCancel() }
    }
}
