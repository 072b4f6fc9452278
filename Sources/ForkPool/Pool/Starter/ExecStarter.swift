// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

/// Starts workers by executing this program again, which maps the pool's memory by a descriptor.
@safe final class ExecStarter: Starter {
    let forker: Forker
    private let pool: Pool
    /// The environment of all workers that the pool ever starts: that of its start.
    private let environment: OpaquePointer
    private let ignoredSignals: UInt32
    private var results: Started = []

    /// Makes a starter, with the environment as it is now.
    init(_ pool: Pool) throws(SystemError) {
        let forker = try Forker(capacity: pool.layout.processSlots)
        var call: UnsafePointer<CChar>?
        var error: Int32 = 0
        guard let environment = unsafe cforkpool_environment_copy(&call, &error) else {
            throw unsafe SystemError(call: String(cString: call!), code: -error)
        }
        unsafe self.environment = environment
        self.forker = forker
        self.pool = pool
        ignoredSignals = WorkerSettings(pool.options).ignoredSignals
    }

    deinit {
        unsafe cforkpool_environment_free(environment)
    }

    /// Why this program must not be started again as a worker, and what to do; nil if it may be.
    static func obstacle() throws(SystemError) -> String? {
        var call: UnsafePointer<CChar>?
        let obstacle = unsafe cforkpool_exec_obstacle(&call)
        guard obstacle >= 0 else { throw unsafe SystemError(call: String(cString: call!), code: -obstacle) }
        return switch cforkpool_obstacle(UInt32(obstacle)) {
        case CFORKPOOL_STARTED_BY_LOADER:
            "this program was started as an argument of the dynamic loader (ld.so PROGRAM), which would be started again in its "
                + "place; start the program itself, or use start: .fork"
        case CFORKPOOL_HAS_OTHER_RIGHTS:
            "this process has rights that its user does not have (setuid, setgid or file capabilities, or a changed effective "
                + "user or group), so a worker that is started by exec would not trust its environment, and would run main; "
                + "use start: .fork, or start the program without these rights"
        case CFORKPOOL_FILE_GIVES_CAPABILITIES:
            "this program's file has capabilities, so a worker that is started by exec would not trust its environment, and would "
                + "run main; use start: .fork, or a copy of the program without them"
        default: nil
        }
    }

    func begin(_ slots: [Int]) {
        let layout = pool.layout
        pool.writeJob()
        var exec = unsafe cforkpool_exec(
            memory: pool.region.descriptor ?? -1, token: layout.shape.token, environment: environment)
        let outcomes = unsafe withUnsafeMutablePointer(to: &exec) { exec in
            unsafe forker.start(
                slots.map { slot in
                    unsafe layout.crash(slot).pointee.signal = 0
                    unsafe layout.crash(slot).pointee.awaits = 0
                    return unsafe cforkpool_start(
                        entry: WorkerMain.waitAndRun, context: UnsafeMutableRawPointer(exec), worker: Int32(slot),
                        crash: nil, known: nil, keeps_signals_blocked: false, ignored_signals: ignoredSignals, pid: 0,
                        pidfd: -1,
                        failed_call: nil)
                }, byExec: true)
        }
        results += zip(slots, outcomes).map { ($0, $1) }
    }

    func started(waiting: Bool) -> Started { exchange(&results, with: []) }

    var spareDelay: Int { 10_000_000 }

    var startsAlone: Bool { false }
}
