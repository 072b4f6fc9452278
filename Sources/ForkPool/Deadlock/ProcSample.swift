// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What /proc shows of a process, read in this order: status, system call, wait channel, children, work, and status again.
struct ProcSample: Equatable {
    let before: Status
    /// The word that the process waits for, if only a wake by a process with the same memory can end its futex call.
    let futex: UInt64?
    /// Whether it sleeps in the futex wait itself, and not in a freezer, a filter of system calls or a page that another
    /// process must supply.
    let isInWait: Bool
    /// Whether it has a child, which might share its memory.
    let hasChildren: Bool
    let work: Work
    let after: Status

    /// Parses the texts of `status`, `syscall`, `wchan`, `task/PID/children`, `stat`, `io`, and of the second `status`.
    init?(
        before: ArraySlice<UInt8>, call: ArraySlice<UInt8>, waitChannel: ArraySlice<UInt8>,
        children: ArraySlice<UInt8>, work: ArraySlice<UInt8>, traffic: ArraySlice<UInt8>?, after: ArraySlice<UInt8>,
        futexCall: UInt64 = FutexCall.number
    ) {
        guard let before = Status(before), let work = Work(work, traffic: traffic), let after = Status(after)
        else { return nil }
        self.before = before
        self.work = work
        self.after = after
        futex = FutexCall(call, number: futexCall).flatMap { $0.isWait ? $0.word : nil }
        isInWait = ProcFile.contains("futex", in: waitChannel)
        hasChildren = !children.isEmpty
    }

    /// Whether the process waits, and this sample shows nothing that could wake it.
    var isHelpless: Bool {
        futex != nil && isInWait && before.isHelpless && after.isHelpless && !hasChildren
    }

    /// Whether the process runs, and nothing is beside it that could change what it waits for.
    var isBusyAlone: Bool {
        before.isRunning && after.isRunning && before.isAlone && after.isAlone && !hasChildren
    }

    /// Takes a sample of a process that is not reaped meanwhile; nil, which proves nothing, if a file cannot be read.
    static func take(of pid: Int32) -> ProcSample? {
        guard showsOwnProcesses else { return nil }
        // All files below this folder are of the same process, even if its id is given to another one.
        guard let folder = try? ProcFile.open("/proc/\(pid)", flags: O_DIRECTORY) else { return nil }
        defer { close(folder) }
        // DeadlockProof.proves relies on this order.
        guard let before = try? ProcFile.read("status", below: folder),
            let call = try? ProcFile.read("syscall", below: folder),
            let waitChannel = try? ProcFile.read("wchan", below: folder),
            let children = try? ProcFile.read("task/\(pid)/children", below: folder),
            let work = try? ProcFile.read("stat", below: folder)
        else { return nil }
        let traffic = try? ProcFile.read("io", below: folder)
        guard let after = try? ProcFile.read("status", below: folder) else { return nil }
        return ProcSample(
            before: before, call: call, waitChannel: waitChannel, children: children, work: work, traffic: traffic,
            after: after)
    }

    /// Whether a signal has stopped a process that is not reaped; false where /proc does not tell.
    static func isStopped(_ pid: Int32) -> Bool {
        guard showsOwnProcesses, let text = try? ProcFile.read("/proc/\(pid)/status") else { return false }
        return Status(text)?.isStopped == true
    }

    /// Whether /proc shows this process's own namespace; one mounted for another namespace shows strangers under the same
    /// ids.
    static var showsOwnProcesses: Bool { ProcFile.link("/proc/self") == "\(getpid())" }

    struct Status: Equatable {
        /// Whether it sleeps (S): not stopped, traced, waiting for a disk, or woken already.
        let isAsleep: Bool
        /// Whether it runs or is ready to run (R).
        let isRunning: Bool
        /// Whether a signal, and not a tracer, stopped it (T).
        let isStopped: Bool
        let hasEnded: Bool
        let threads: UInt64
        /// The process that traces it, or 0.
        let tracer: UInt64
        /// The signals for which it has a handler, and those that it blocks; signal n is bit n - 1.
        let caught: UInt64
        let blocked: UInt64
        /// The context switches of its first thread, and how many of them were voluntary.
        let switches: UInt64
        let pauses: UInt64

        init?(_ text: ArraySlice<UInt8>) {
            guard let state = ProcFile.value(of: "State", in: text)?.first,
                let threads = ProcFile.number("Threads", in: text),
                let tracer = ProcFile.number("TracerPid", in: text),
                let caught = ProcFile.number("SigCgt", in: text, radix: 16),
                let blocked = ProcFile.number("SigBlk", in: text, radix: 16),
                let voluntary = ProcFile.number("voluntary_ctxt_switches", in: text),
                let others = ProcFile.number("nonvoluntary_ctxt_switches", in: text)
            else { return nil }
            isAsleep = state == UInt8(ascii: "S")
            isRunning = state == UInt8(ascii: "R")
            isStopped = state == UInt8(ascii: "T")
            hasEnded = state == UInt8(ascii: "Z") || state == UInt8(ascii: "X")
            self.threads = threads
            self.tracer = tracer
            self.caught = caught
            self.blocked = blocked
            switches = voluntary &+ others
            pauses = voluntary
        }

        /// Signals whose handlers do not count.
        ///
        /// ILL, TRAP, ABRT, BUS, FPE, SEGV and SYS are for crashes; 32 and 33 are glibc's own, which it ignores unless a
        /// thread of the same process sent them.
        private static let harmless: UInt64 = [4, 5, 6, 7, 8, 11, 31, 32, 33].reduce(0) { $0 | 1 << ($1 - 1) }

        /// Whether it has one thread and no tracer, and no signal would make it run code of its own.
        var isAlone: Bool { threads == 1 && tracer == 0 && caught & ~blocked & ~Self.harmless == 0 }

        var isHelpless: Bool { isAsleep && isAlone }
    }

    struct Work: Equatable {
        /// The ticks that it ran in its own code, and in the kernel.
        let user: UInt64
        let system: UInt64
        var time: UInt64 { user &+ system }
        let faults: UInt64
        /// The bytes that it read and wrote, and the calls for it; nil if the kernel does not count them.
        let traffic: [UInt64]?

        init?(_ text: ArraySlice<UInt8>, traffic: ArraySlice<UInt8>?) {
            // The name is in parentheses and may contain any character.
            guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = text[end...].dropFirst(2).split(separator: UInt8(ascii: " "), maxSplits: 13)
            guard fields.count > 13 else { return nil }
            let numbers = [7, 9, 11, 12].compactMap { ProcFile.number(fields[$0], radix: 10) }
            guard numbers.count == 4 else { return nil }
            faults = numbers[0] &+ numbers[1]
            user = numbers[2]
            system = numbers[3]
            let counts = ["rchar", "wchar", "syscr", "syscw"].compactMap { name in
                traffic.flatMap { ProcFile.number(name, in: $0) }
            }
            self.traffic = counts.count == 4 ? counts : nil
        }
    }
}
