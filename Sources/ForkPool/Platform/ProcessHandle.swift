// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A child process and its pidfd, which never names another process.
///
/// The owner kills and reaps the process, and then closes the handle.
struct ProcessHandle {
    let pid: Int32
    /// The pidfd, readable when the process has ended.
    let descriptor: Int32

    /// Ends the process by SIGKILL, even if it is stopped.
    func kill() {
        _ = cforkpool_pidfd_send_signal(descriptor, SIGKILL)
    }

    /// Waits for the process's end (`waitid`); call it when the descriptor is readable or after `kill`.
    @discardableResult
    func reap() -> ProcessExit {
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_waitid(descriptor, &ending)
        return result == 0 ? ProcessExit(pid: pid, ending) : ProcessExit(pid: pid, .unknown)
    }

    func close() {
        Glibc.close(descriptor)
    }

    /// Starts processes from the forker thread, by fork or by exec.
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
