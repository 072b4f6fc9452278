internal import CForkPool
internal import Glibc

/// A running worker: its process id and the descriptor that names it and nobody else.
///
/// It is ended and reaped before it is dropped: a worker that is dropped while it runs is killed and waited for.
final class WorkerProcess {
    let pid: Int32
    let descriptor: Int32
    private var reaped = false
    private var released = false

    init(pid: Int32, descriptor: Int32) {
        self.pid = pid
        self.descriptor = descriptor
    }

    deinit {
        guard !released else { return }
        if !reaped {
            kill()
            reap()
        }
        close(descriptor)
    }

    /// Ends the worker by SIGKILL, which a stopped worker sees too.
    func kill() {
        _ = cforkpool_pidfd_send_signal(descriptor, SIGKILL)
    }

    /// Waits for the worker's end (`waitid`), which is certain once its descriptor is readable or it was killed.
    @discardableResult
    func reap() -> Death {
        reaped = true
        return Death(reaping: descriptor, pid: pid)
    }

    /// Hands the process over to somebody who ends, reaps and closes it.
    func release() -> ResidentProcess {
        released = true
        return ResidentProcess(pid: pid, descriptor: descriptor)
    }
}

/// How a worker's process ended.
enum Ending: Equatable {
    case exit(Int32)
    case signal(Int32)
    /// The status is lost: the host ignores SIGCHLD or reaps children that are not its own.
    case unknown
}

extension Death {
    /// Waits for the end of a child of this process and reaps it (`waitid`).
    init(reaping descriptor: Int32, pid: Int32) {
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_waitid(descriptor, &ending)
        if result == 0 { self.init(pid: pid, ending) } else { self.init(pid: pid, .unknown) }
    }

    init(pid: Int32, _ ending: cforkpool_ending) {
        self.init(
            pid: pid, ending.signal != 0 ? .signal(ending.signal) : .exit(ending.status),
            cpuTime: Int(ending.user_time + ending.system_time))
    }

    /// Finds out why it ended, from what its crash handler left and the limits that it had.
    mutating func explain(by record: cforkpool_crash, _ options: ForkPool.Options) {
        guard case .signal(let signal) = ending else { return }
        crash = CrashText(record, of: signal)
        if let limit = options.memoryLimit, crash?.ranOutOfMemory(limit: limit) == true {
            blame = .memoryLimit(limit)
        }
        guard signal == SIGKILL else { return }
        if let limit = options.cpuTimeLimit?.nanoseconds, cpuTime >= limit / 20 * 19 { blame = .cpuTimeLimit(limit) }
        if blame == nil { ranOutOfMemory = OutOfMemory.hasKilled() }
    }
}

extension CrashText {
    /// Copies a crash record, if it is of the signal that ended the worker.
    init?(_ record: cforkpool_crash, of signal: Int32) {
        guard record.signal == signal else { return nil }
        self.signal = signal
        address = record.address
        isStackOverflow = record.stack_overflow == 1
        let length = min(Int(record.length), Int(CFORKPOOL_CRASH_TEXT))
        message = unsafe withUnsafeBytes(of: record.text) { unsafe String(decoding: $0[..<length], as: UTF8.self) }
        memoryLeft = record.memory_left
    }
}

extension WorkerProcess {
    /// What became of one start.
    enum Start {
        case running(WorkerProcess)
        case refused(SystemError)
    }

    /// Forks one worker for each of `workers`, from the forker thread.
    static func start(_ workers: [Int], context: WorkerContext) -> [Start] {
        unsafe start(
            workers.map { worker in
                unsafe context.memory.crash(worker).pointee.signal = 0
                return unsafe cforkpool_start(
                    entry: WorkerContext.entry,
                    context: Unmanaged.passUnretained(context).toOpaque(),
                    worker: Int32(worker),
                    crash: context.memory.crash(worker),
                    keeps_signals_blocked: false,
                    pid: 0,
                    pidfd: -1,
                    failed_call: nil)
            })
    }

    /// Starts processes from the forker thread, by fork or by exec.
    @unsafe static func start(_ starts: [cforkpool_start], byExec: Bool = false) -> [Start] {
        var starts = unsafe starts
        unsafe starts.withUnsafeMutableBufferPointer { buffer in
            if byExec {
                unsafe cforkpool_exec(buffer.baseAddress!, Int32(buffer.count))
            } else {
                unsafe cforkpool_fork(buffer.baseAddress!, Int32(buffer.count))
            }
        }
        return unsafe starts.map { start in
            guard unsafe start.pid <= 0 else {
                return unsafe .running(WorkerProcess(pid: start.pid, descriptor: start.pidfd))
            }
            let call = unsafe start.failed_call.map { unsafe String(cString: $0) } ?? "fork"
            return unsafe .refused(SystemError(call: call, code: -start.pid))
        }
    }
}
