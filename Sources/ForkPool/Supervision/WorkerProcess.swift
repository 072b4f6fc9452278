internal import CForkPool
internal import Glibc

/// A running worker: its process id and the descriptor that names it and nobody else.
///
/// It is ended and reaped before it is dropped: a worker that is dropped while it runs is killed and waited for.
final class WorkerProcess {
    let pid: Int32
    let descriptor: Int32
    private var reaped = false

    init(pid: Int32, descriptor: Int32) {
        self.pid = pid
        self.descriptor = descriptor
    }

    deinit {
        if !reaped {
            kill()
            _ = reap()
        }
        close(descriptor)
    }

    /// Ends the worker by SIGKILL, which a stopped worker sees too.
    func kill() {
        _ = cforkpool_pidfd_send_signal(descriptor, SIGKILL)
    }

    /// Waits for the worker's end (`waitid`), which is certain once its descriptor is readable or it was killed.
    func reap() -> Ending {
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_waitid(descriptor, &ending)
        reaped = true
        guard result == 0 else { return .unknown }
        return ending.signal != 0 ? .signal(ending.signal) : .exit(ending.status)
    }
}

/// How a worker's process ended.
enum Ending: Equatable {
    case exit(Int32)
    case signal(Int32)
    /// The status is lost: the host ignores SIGCHLD or reaps children that are not its own.
    case unknown
}

extension WorkerProcess {
    /// What became of one start.
    enum Start {
        case running(WorkerProcess)
        case refused(SystemError)
    }

    /// Forks one worker for each of `workers`, from the forker thread.
    static func start(_ workers: [Int], context: WorkerContext) -> [Start] {
        var starts = unsafe workers.map { worker in
            unsafe context.memory.crash(worker).pointee.signal = 0
            return unsafe cforkpool_start(
                entry: WorkerContext.entry,
                context: Unmanaged.passUnretained(context).toOpaque(),
                worker: Int32(worker),
                crash: context.memory.crash(worker),
                pid: 0,
                pidfd: -1,
                failed_call: nil)
        }
        unsafe starts.withUnsafeMutableBufferPointer { buffer in
            unsafe cforkpool_fork(buffer.baseAddress!, Int32(buffer.count))
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
