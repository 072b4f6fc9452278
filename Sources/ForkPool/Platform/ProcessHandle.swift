// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// A child process and its pidfd, which never names another process.
///
/// The owner kills and reaps the process, and then closes the handle: `Forker` does so for the processes of a pool.
struct ProcessHandle {
    let pid: Int32
    /// The pidfd, readable when the process has ended.
    let descriptor: Int32

    /// Sends a signal to the process, if it has not ended; returns the refusal of the system, if it refuses.
    ///
    /// Call it only while the process is not reaped (`pidfd_send_signal`, or `kill` where the system refuses that).
    func send(_ signal: Int32) -> SystemError? {
        let error = cforkpool_pidfd_send_signal(descriptor, signal)
        guard error != 0, error != -ESRCH else { return nil }
        // A process that has ended may have been reaped by the host, and its id be another one's.
        guard !EventFD.isReadable(descriptor) else { return nil }
        let second = cforkpool_kill(pid, signal)
        return second == 0 || second == -ESRCH ? nil : SystemError(call: "pidfd_send_signal", code: -error)
    }

    /// The same process by another descriptor, if the program closed this one.
    func reopened() -> ProcessHandle {
        guard !EventFD.isOpen(descriptor) else { return self }
        let another = cforkpool_pidfd_open(pid)
        return another < 0 ? self : ProcessHandle(pid: pid, descriptor: another)
    }

    /// Waits for the end of the process, at most for so many nanoseconds; returns whether it has ended.
    func ends(within time: Int) -> Bool {
        let end = monotonicNanoseconds() + min(time, .max / 4)
        var entry = cforkpool_poll(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let left = end - monotonicNanoseconds()
            if unsafe cforkpool_ppoll(&entry, 1, Int64(max(left, 0))) == 1, entry.revents & Int16(POLLIN) != 0 {
                return true
            }
            if left <= 0 { return false }
        }
    }

    /// Waits for the process's end (`waitid`); call it when the descriptor is readable or after `kill`.
    @discardableResult
    func reap() -> ProcessExit {
        var ending = cforkpool_ending()
        let result = unsafe cforkpool_reap(pid, descriptor, &ending)
        return result == 0 ? ProcessExit(pid: pid, ending) : ProcessExit(pid: pid, .unknown)
    }

    func close() {
        Glibc.close(descriptor)
    }
}
