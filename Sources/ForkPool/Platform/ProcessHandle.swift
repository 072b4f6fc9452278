internal import CForkPool
internal import Glibc

/// A child process and the descriptor that names it and no other.
///
/// Its owner kills and reaps it, and then closes it.
struct ProcessHandle {
    let pid: Int32
    /// A pidfd: readable when the process has ended.
    let descriptor: Int32

    /// Ends the process by SIGKILL, which a stopped process sees too.
    func kill() {
        _ = cforkpool_pidfd_send_signal(descriptor, SIGKILL)
    }

    /// Waits for the process's end (`waitid`), which is certain once its descriptor is readable or it was killed.
    @discardableResult
    func reap() -> ProcessExit {
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_waitid(descriptor, &ending)
        return result == 0 ? ProcessExit(pid: pid, ending) : ProcessExit(pid: pid, .unknown)
    }

    /// Closes the descriptor.
    func close() {
        Glibc.close(descriptor)
    }
}

extension ProcessHandle {
    /// Starts processes from the forker thread, by fork or by exec.
    ///
    /// - Returns: For each start the process, or the refusal.
    @unsafe static func start(
        _ starts: [cforkpool_start], byExec: Bool = false
    ) -> [Result<ProcessHandle, SystemError>] {
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
                return unsafe .success(ProcessHandle(pid: start.pid, descriptor: start.pidfd))
            }
            let call = unsafe start.failed_call.map { unsafe String(cString: $0) } ?? "fork"
            return unsafe .failure(SystemError(call: call, code: -start.pid))
        }
    }
}
