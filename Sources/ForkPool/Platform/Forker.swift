// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// Starts processes from a thread of its own, and ends them.
///
/// The thread begins with its first request, and has what Linux keeps for the thread that makes that request: filters of
/// system calls, capabilities, namespaces, priorities, the rounding mode. It passes all of it on to the processes. One
/// thread at a time uses a forker. It outlives its processes: the kernel kills those that are left when it ends.
@safe final class Forker {
    private let forker: OpaquePointer

    /// Makes a forker that has at most so many processes at once.
    init(capacity: Int) throws(SystemError) {
        guard let forker = unsafe cforkpool_forker_make(Int32(capacity)) else {
            throw SystemError(call: "malloc", code: SystemError.noMemory)
        }
        unsafe self.forker = forker
    }

    deinit {
        unsafe cforkpool_forker_end(forker)
    }

    /// Starts processes by fork, or by exec; each has a handle or a refusal.
    @unsafe func start(
        _ starts: [cforkpool_start], byExec: Bool = false
    ) -> [Result<ProcessHandle, SystemError>] {
        var starts = unsafe starts
        unsafe starts.withUnsafeMutableBufferPointer { buffer in
            if byExec {
                unsafe cforkpool_exec(forker, buffer.baseAddress!, Int32(buffer.count))
            } else {
                unsafe cforkpool_fork(forker, buffer.baseAddress!, Int32(buffer.count))
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

    /// A descriptor that is readable when something has killed the guard, or -1.
    var guardDescriptor: Int32 { unsafe cforkpool_guard_descriptor(forker) }

    /// Starts another guard in the place of one that was killed, or cannot be reached.
    func renewGuard() {
        unsafe cforkpool_forker_renew_guard(forker)
    }

    /// Tells the guard to end where no process is left; the next start makes another one.
    func dismissGuard() {
        unsafe cforkpool_guard_dismiss(forker)
    }

    /// Has a process that another one forked end with this one.
    func adopt(_ process: ProcessHandle) {
        unsafe cforkpool_guard_add(forker, process.pid)
    }

    /// Ends a process by SIGKILL, even if it is stopped; returns the refusal of the system, if it refuses in every way.
    func kill(_ process: ProcessHandle) -> SystemError? { send(SIGKILL, to: process) }

    /// Continues a process that was stopped; one that the system refuses to continue stays stopped.
    func resume(_ process: ProcessHandle) {
        _ = send(SIGCONT, to: process)
    }

    private func send(_ signal: Int32, to process: ProcessHandle) -> SystemError? {
        let refusal = process.send(signal)
        guard refusal != nil else { return nil }
        // The guard has the credentials that the forker had at first.
        let error = unsafe cforkpool_guard_kill(forker, process.pid, signal)
        return error == 0 || error == -ESRCH && EventFD.isReadable(process.descriptor) ? nil : refusal
    }

    /// Has the kernel end every process that this forker started, where the system does not let this process do so.
    ///
    /// Their death signal comes with the end of the thread; no further process can be started.
    func endAll() {
        unsafe cforkpool_forker_stop(forker)
    }

    /// Waits for the end of a process of this forker, which is certain, and returns how it was.
    @discardableResult
    func reap(_ process: ProcessHandle) -> ProcessExit {
        release(process)
        return process.reap()
    }

    /// Forgets a process that is about to be reaped.
    func release(_ process: ProcessHandle) {
        unsafe cforkpool_guard_remove(forker, process.pid)
    }

    /// Leaves a process to itself that the system does not let this one end; a thread reaps it when it has ended.
    func abandon(_ process: ProcessHandle) {
        release(process)
        do throws(SystemError) {
            try ThreadWork.start {
                while !process.ends(within: .max / 2) {}
                process.reap()
            } then: {
                process.close()
            }
        } catch {
            process.close()
        }
    }
}
