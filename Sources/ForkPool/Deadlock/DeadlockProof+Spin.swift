internal import CForkPool
internal import Glibc

extension DeadlockProof {
    /// The refused call that a process repeats for ever: it asks for a lock (FUTEX_LOCK_PI) whose owner is a thread of the
    /// process that it was forked from.
    ///
    /// `swift_once` waits so for whoever initialises; see README.md beside this file.
    struct Spin: Equatable {
        let call: FutexCall
        /// What the lock's word holds.
        let word: UInt32

        /// Makes it of the call and the word of a process that is stopped.
        ///
        /// - Returns: Nil unless it asks for a lock that a thread has which is not in it.
        init?(call: FutexCall?, word: UInt32, pid: Int32) {
            let (lockPI, lockPI2) = (UInt32(6), UInt32(13))
            guard let call, call.command == lockPI || call.command == lockPI2 else { return nil }
            self.call = call
            self.word = word
            guard owner != 0, owner != UInt32(bitPattern: pid) else { return nil }
        }

        /// The thread that has the lock.
        var owner: UInt32 { word & 0x3fff_ffff }
    }

    /// How long processes are waited for that were to stop, in nanoseconds: others may become overdue meanwhile.
    private static let longestStop: Int = 5_000_000

    /// Whether a process did nothing between two looks but run, in the kernel for the most part: it never gave its processor
    /// up, came to a page that was not there, read or wrote, and it is alone.
    ///
    /// So looks who repeats a call that is refused. This proves nothing, and spares healthy processes from being stopped.
    static func suspectsSpin(_ first: ProcSample, _ second: ProcSample) -> Bool {
        guard first.isBusyAlone, second.isBusyAlone, first.before.pauses == second.after.pauses,
            first.work.faults == second.work.faults, let traffic = first.work.traffic, traffic == second.work.traffic
        else { return false }
        let user = second.work.user &- first.work.user
        let system = second.work.system &- first.work.system
        return system > 0 && system >= user
    }

    /// Stops processes for a moment, together, and looks at the locks that they ask for.
    ///
    /// Whoever finds the same a second time, when the process has run in between, has proven that it never gets further.
    ///
    /// - Parameter processes: Processes that this one may trace and that nobody reaps meanwhile, and their descriptors.
    /// - Returns: What was found of each, within 5 ms.
    static func glimpses(of processes: [(pid: Int32, descriptor: Int32)]) -> [StopSample] {
        var found = processes.map { process -> StopSample? in
            showsOwnProcesses && cforkpool_pidfd_send_signal(process.descriptor, SIGSTOP) == 0 ? nil : .otherwise
        }
        // All of them, at the end: who is stopped leaves its processor to those that are still to stop.
        defer { for process in processes { _ = cforkpool_pidfd_send_signal(process.descriptor, SIGCONT) } }
        let end = monotonicNanoseconds() + longestStop
        while true {
            for (number, process) in processes.enumerated() where found[number] == nil {
                found[number] = glimpse(of: process.pid)
            }
            guard found.contains(nil), monotonicNanoseconds() < end else { break }
            // There is no event for the stop of a process that is not one's own child.
            _ = cforkpool_ppoll(nil, 0, 50_000)
        }
        return found.map { $0 ?? .unseen }
    }

    /// Looks at a process that was sent a stop, and a process descriptor proved to be the one that is meant; nil if it still
    /// runs.
    private static func glimpse(of pid: Int32) -> StopSample? {
        guard let folder = try? open("/proc/\(pid)", below: AT_FDCWD, O_DIRECTORY) else { return .otherwise }
        defer { close(folder) }
        guard let status = try? Status(read("status", below: folder)), !status.hasEnded else { return .otherwise }
        guard status.isStopped else { return nil }
        guard status.isAlone, let children = try? read("task/\(pid)/children", below: folder), children.isEmpty,
            let text = try? read("syscall", below: folder), let call = FutexCall(text),
            let word = try? word(at: call.word, below: folder), let spin = Spin(call: call, word: word, pid: pid)
        else { return .otherwise }
        return .spin(spin)
    }

    private static func word(at address: UInt64, below folder: Int32) throws(SystemError) -> UInt32 {
        let memory = try open("mem", below: folder)
        defer { close(memory) }
        var word: UInt32 = 0
        let length = try SystemError.check("pread") {
            let length = unsafe pread(memory, &word, MemoryLayout<UInt32>.size, off_t(truncatingIfNeeded: address))
            return length < 0 ? -errno : Int32(length)
        }
        // A word lies in one page: it is read whole, or not at all.
        return length == MemoryLayout<UInt32>.size ? word : 0
    }
}

extension ProcSample {
    /// Whether it runs, and has nobody beside it who could change what it waits for.
    var isBusyAlone: Bool {
        before.isRunning && after.isRunning && before.isAlone && after.isAlone && !hasChildren
    }
}

/// What was found when a process was to be stopped.
enum StopSample: Equatable {
    case spin(DeadlockProof.Spin)
    /// It does anything else, or has ended, or may not be looked at.
    case otherwise
    /// It did not stop in time: it had no processor.
    case unseen
}
