internal import CForkPool
internal import Glibc

extension DeadlockProof {
    /// The refused call that a process repeats for ever: a lock that hands its owner's priority on (FUTEX_LOCK_PI), and whose
    /// owner is a thread of the process that it was forked from.
    ///
    /// `swift_once` waits so for whoever initialises; see README.md beside this file.
    struct Spin: Equatable {
        let call: FutexCall
        /// What the lock's word holds.
        let word: UInt32

        /// Reads the call and the word of a process that is stopped.
        ///
        /// - Returns: Nil unless it asks for a lock that a thread has which is not in it.
        init?(call: FutexCall?, word: UInt32, pid: Int32) {
            let (lockPI, lockPI2, threadMask) = (UInt32(6), UInt32(13), UInt32(0x3fff_ffff))
            guard let call, call.command == lockPI || call.command == lockPI2 else { return nil }
            let owner = word & threadMask
            guard owner != 0, owner != UInt32(bitPattern: pid) else { return nil }
            self.call = call
            self.word = word
        }
    }

    /// Whether a process ran all the time from one look to a later one, for the most part in the kernel, and is alone: it may
    /// repeat a call that is refused.
    ///
    /// This proves nothing, and spares nearly every healthy process from being stopped by `spin(of:named:)`.
    static func suspectsSpin(_ first: Look, _ second: Look) -> Bool {
        guard first.isBusyAlone, second.isBusyAlone, first.before.pauses == second.after.pauses else { return false }
        let user = second.time.user &- first.time.user
        let system = second.time.system &- first.time.system
        return system > 0 && system >= user
    }

    /// Stops a process for a moment, and looks at the lock that it asks for.
    ///
    /// Whoever finds the same a second time, when the process has run on, has proven that it never gets further.
    ///
    /// - Parameters:
    ///   - pid: A process that this one may trace and that nobody reaps meanwhile.
    ///   - descriptor: Its process descriptor.
    /// - Returns: Nil if it does anything else, or nothing can be seen.
    static func spin(of pid: Int32, named descriptor: Int32) -> Spin? {
        guard showsOwnProcesses, let folder = try? open("/proc/\(pid)", below: AT_FDCWD, O_DIRECTORY)
        else { return nil }
        defer { close(folder) }
        // A stop may find it on its way from one call to the next.
        for _ in 0..<4 {
            if let spin = glimpse(of: pid, named: descriptor, below: folder) { return spin }
        }
        return nil
    }

    private static func glimpse(of pid: Int32, named descriptor: Int32, below folder: Int32) -> Spin? {
        guard cforkpool_pidfd_send_signal(descriptor, SIGSTOP) == 0 else { return nil }
        defer { _ = cforkpool_pidfd_send_signal(descriptor, SIGCONT) }
        guard waitForStop(below: folder),
            let status = try? Status(read("status", below: folder)), status.isStopped, status.isAlone,
            let text = try? read("syscall", below: folder), let call = FutexCall(text),
            let word = try? word(at: call.word, below: folder)
        else { return nil }
        return Spin(call: call, word: word, pid: pid)
    }

    /// Waits until a process that was sent a stop has stopped, for 20 ms at most: who runs is stopped at once, but on
    /// a busy machine has to have its turn first.
    private static func waitForStop(below folder: Int32) -> Bool {
        let end = monotonicNanoseconds() + 20_000_000
        repeat {
            guard let status = try? Status(read("status", below: folder)) else { return false }
            if status.isStopped { return true }
            // There is no event for the stop of a process that is not one's own child.
            sched_yield()
        } while monotonicNanoseconds() < end
        return false
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

extension DeadlockProof.Look {
    /// Whether it runs, and has nobody beside it who could change what it waits for.
    var isBusyAlone: Bool {
        before.isRunning && after.isRunning && before.isAlone && after.isAlone && !hasChildren
    }
}
