// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Starts workers by executing this program again, which maps the pool's memory by a descriptor.
final class ExecStarter: Starter {
    let forker: Forker
    private let pool: Pool
    private var results: Started = []

    init(_ pool: Pool) throws(SystemError) {
        forker = try Forker(capacity: pool.layout.processSlots)
        self.pool = pool
    }

    func begin(_ slots: [Int]) {
        let layout = pool.layout
        pool.writeJob()
        var exec = cforkpool_exec(memory: pool.region.descriptor ?? -1, token: layout.shape.token)
        let outcomes = unsafe withUnsafeMutablePointer(to: &exec) { exec in
            unsafe forker.start(
                slots.map { slot in
                    unsafe layout.crash(slot).pointee.signal = 0
                    return unsafe cforkpool_start(
                        entry: WorkerMain.waitAndRun, context: UnsafeMutableRawPointer(exec), worker: Int32(slot),
                        crash: nil, keeps_signals_blocked: false, pid: 0, pidfd: -1, failed_call: nil)
                }, byExec: true)
        }
        results += zip(slots, outcomes).map { ($0, $1) }
    }

    func started(waiting: Bool) -> Started { exchange(&results, with: []) }

    var startsAlone: Bool { false }
}
