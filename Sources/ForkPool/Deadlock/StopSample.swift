// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// What a process does, seen while it is stopped for a moment.
enum StopSample: Equatable {
    /// It asks for a lock that it cannot get.
    case spin(Spin)
    /// It does anything else, or has ended, or cannot be examined.
    case otherwise
    /// It did not stop in time, because it had no processor.
    case unseen

    /// A request for a lock (FUTEX_LOCK_PI) whose owner is a thread of the process that this one was forked from.
    ///
    /// `swift_once` repeats it for ever; see README.md beside this file.
    struct Spin: Equatable {
        let call: FutexCall
        /// The value of the lock's word.
        let word: UInt32

        /// Fails unless the call asks for a lock that is held, and not by the process's only thread.
        init?(call: FutexCall?, word: UInt32, pid: Int32) {
            guard let call, call.isLock else { return nil }
            self.call = call
            self.word = word
            guard owner != 0, owner != UInt32(bitPattern: pid) else { return nil }
        }

        var owner: UInt32 { word & 0x3fff_ffff }
    }

    /// How long to wait until all processes are stopped, in nanoseconds: others may become overdue meanwhile.
    private static let longestStop: Int = 5_000_000

    /// Stops processes that are not reaped meanwhile, together and for 5 ms at most, and reads the locks that they ask for.
    ///
    /// Two equal samples prove that the process never gets the lock, if it ran in between.
    static func take(of processes: [(pid: Int32, descriptor: Int32)]) -> [StopSample] {
        let showsOwnProcesses = ProcSample.showsOwnProcesses
        var samples = processes.map { process -> StopSample? in
            showsOwnProcesses && cforkpool_pidfd_send_signal(process.descriptor, SIGSTOP) == 0 ? nil : .otherwise
        }
        // All continue at the end: a stopped process leaves its processor to those that are still to stop.
        defer { for process in processes { _ = cforkpool_pidfd_send_signal(process.descriptor, SIGCONT) } }
        let end = monotonicNanoseconds() + longestStop
        while true {
            for (number, process) in processes.enumerated() where samples[number] == nil {
                samples[number] = examine(process.pid)
            }
            guard samples.contains(nil), monotonicNanoseconds() < end else { break }
            // The kernel announces a stop only to the parent of the process.
            _ = cforkpool_ppoll(nil, 0, 50_000)
        }
        return samples.map { $0 ?? .unseen }
    }

    /// Examines a process that SIGSTOP was sent to; nil while it still runs.
    private static func examine(_ pid: Int32) -> StopSample? {
        guard let folder = try? ProcFile.open("/proc/\(pid)", flags: O_DIRECTORY) else { return .otherwise }
        defer { close(folder) }
        guard let status = try? ProcSample.Status(ProcFile.read("status", below: folder)), !status.hasEnded
        else { return .otherwise }
        guard status.isStopped else { return nil }
        guard status.isAlone, let children = try? ProcFile.read("task/\(pid)/children", below: folder),
            children.isEmpty, let text = try? ProcFile.read("syscall", below: folder), let call = FutexCall(text),
            let word = try? word(at: call.word, below: folder), let spin = Spin(call: call, word: word, pid: pid)
        else { return .otherwise }
        return .spin(spin)
    }

    private static func word(at address: UInt64, below folder: Int32) throws(SystemError) -> UInt32 {
        let memory = try ProcFile.open("mem", below: folder)
        defer { close(memory) }
        var word: UInt32 = 0
        let length = try SystemError.check("pread") {
            let length = unsafe pread(memory, &word, MemoryLayout<UInt32>.size, off_t(truncatingIfNeeded: address))
            return length < 0 ? -errno : Int32(length)
        }
        // The word lies in one page, so the kernel reads all of it or nothing.
        return length == MemoryLayout<UInt32>.size ? word : 0
    }
}
