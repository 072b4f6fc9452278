/// Proves of a worker that it waits for ever, since nobody is left who could wake it, or that it asks for ever for a lock
/// whose owner is not there.
///
/// README.md beside this file says why the proof holds, what it cannot see, and what was measured.
enum DeadlockProof {
    /// Whether two looks at a process that was not reaped, one after the other, prove that it never goes on by itself.
    ///
    /// Any time may pass between the two, and none need pass.
    ///
    /// - Parameters:
    ///   - first: The first look.
    ///   - second: A look that began when the first had ended.
    /// - Returns: Whether it is proven; false proves nothing.
    static func proves(_ first: ProcSample, _ second: ProcSample) -> Bool {
        // No switch from the beginning to the end, and off the processor at both calls: it did not run between them. In
        // between the first look's end saw it alone, and the second's beginning saw it asleep, by then unwoken.
        first.futex == second.futex && first.isHelpless && second.isHelpless
            && first.before.switches == second.after.switches
    }
}

extension DeadlockProof {
    /// What `/proc/PID/status` says of a process.
    struct Status: Equatable {
        /// Whether it sleeps (S): neither stopped, nor traced, nor waiting for a disk, nor woken already.
        let isAsleep: Bool
        /// Whether it runs, or would if there were a processor for it (R).
        let isRunning: Bool
        /// Whether a signal stopped it (T), no tracer.
        let isStopped: Bool
        /// Whether it is a zombie, or not even that any more (Z, X).
        let hasEnded: Bool
        let threads: UInt64
        /// The process that traces it, or 0.
        let tracer: UInt64
        /// The signals for which it has a handler, and those that it blocks; signal n is bit n - 1.
        let caught: UInt64
        let blocked: UInt64
        /// How often its first thread was switched away from, and how often of those it gave the processor up by itself.
        let switches: UInt64
        let pauses: UInt64

        /// Reads the text, or gives nil where something is missing.
        init?(_ text: ArraySlice<UInt8>) {
            guard let state = ProcText.value(of: "State", in: text)?.first,
                let threads = ProcText.number("Threads", in: text),
                let tracer = ProcText.number("TracerPid", in: text),
                let caught = ProcText.number("SigCgt", in: text, radix: 16),
                let blocked = ProcText.number("SigBlk", in: text, radix: 16),
                let voluntary = ProcText.number("voluntary_ctxt_switches", in: text),
                let others = ProcText.number("nonvoluntary_ctxt_switches", in: text)
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
        /// ILL, TRAP, ABRT, BUS, FPE, SEGV and SYS are for crashes; 32 and 33 are glibc's, which heeds them only when a
        /// thread of the same process sent them.
        private static let harmless: UInt64 = [4, 5, 6, 7, 8, 11, 31, 32, 33].reduce(0) { $0 | 1 << ($1 - 1) }

        /// Whether it has nobody beside it, and no signal would have it run code of its own.
        var isAlone: Bool { threads == 1 && tracer == 0 && caught & ~blocked & ~Self.harmless == 0 }

        /// Whether it sleeps and is alone.
        var isHelpless: Bool { isAsleep && isAlone }
    }

    /// What a process did so far.
    struct Work: Equatable {
        /// How long it ran in its own code, and in the kernel, in ticks.
        let user: UInt64
        let system: UInt64
        var time: UInt64 { user &+ system }
        /// How often it came to a page that was not there.
        let faults: UInt64
        /// The bytes that it read and wrote, and the calls that did so; nil where the kernel does not count them.
        let traffic: [UInt64]?

        /// Reads the texts of `stat` and `io`: the name, in parentheses, may have any character in it.
        init?(_ text: ArraySlice<UInt8>, traffic: ArraySlice<UInt8>?) {
            guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = text[end...].dropFirst(2).split(separator: UInt8(ascii: " "), maxSplits: 13)
            guard fields.count > 13 else { return nil }
            let numbers = [7, 9, 11, 12].compactMap { ProcText.number(fields[$0], radix: 10) }
            guard numbers.count == 4 else { return nil }
            faults = numbers[0] &+ numbers[1]
            user = numbers[2]
            system = numbers[3]
            let counts = ["rchar", "wchar", "syscr", "syscw"].compactMap { name in
                traffic.flatMap { ProcText.number(name, in: $0) }
            }
            self.traffic = counts.count == 4 ? counts : nil
        }
    }
}

/// A private futex call without a timeout, as `/proc/PID/syscall` tells it: "202 0x55b65d4b62c0 0x80 0x2 0x0 …" says the call,
/// the word, the operation, a value, and the timeout; at the end stand the stack pointer and the place in the program.
struct FutexCall: Equatable {
    let word: UInt64
    /// What it does, without flags.
    let command: UInt32
    let stack: UInt64
    let place: UInt64

    /// Reads the text; nil for every other call.
    ///
    /// - Parameters:
    ///   - text: What the kernel says.
    ///   - number: The number of the system call on the machine.
    init?(_ text: ArraySlice<UInt8>, number: UInt64 = ProcSample.futexCall) {
        let parts = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard parts.count == 9, ProcText.number(parts[0], radix: 10) == number,
            let word = ProcText.hexadecimal(parts[1]), let operation = ProcText.hexadecimal(parts[2]),
            ProcText.hexadecimal(parts[4]) == 0,
            let stack = ProcText.hexadecimal(parts[7]), let place = ProcText.hexadecimal(parts[8])
        else { return nil }
        // An operation has 32 bits. Without FUTEX_PRIVATE_FLAG other processes can wake it; which clock would be read
        // if there were a timeout does not matter.
        let (privateFlag, clockFlag) = (UInt32(128), UInt32(256))
        let bits = UInt32(truncatingIfNeeded: operation)
        guard bits & privateFlag != 0 else { return nil }
        command = bits & ~(privateFlag | clockFlag)
        self.word = word
        self.stack = stack
        self.place = place
    }
}

/// What is seen of a process by reading, in this order: its status, its call, where that sleeps, its children, what
/// it did so far, and its status again.
struct ProcSample: Equatable {
    let before: DeadlockProof.Status
    /// The word that it waits for, if it waits in a futex call that nothing ends but a wake in the same memory.
    let futex: UInt64?
    /// Whether it sleeps in the futex call's own wait, and not where a freezer, a filter of system calls or a page
    /// that somebody else must supply holds it up on the way.
    let isInWait: Bool
    /// Whether it has a child, which could share its memory.
    let hasChildren: Bool
    /// What it did so far.
    let work: DeadlockProof.Work
    let after: DeadlockProof.Status

    /// The number of the system call `futex` on this machine.
    #if arch(x86_64)
    static let futexCall: UInt64 = 202
    #elseif arch(arm64)
    static let futexCall: UInt64 = 98
    #endif

    /// Reads the texts of `status`, `syscall`, `wchan`, `task/PID/children`, `stat`, `io`, and of `status` once more.
    ///
    /// - Returns: Nil where a text is not what the kernel writes.
    init?(
        before: ArraySlice<UInt8>, call: ArraySlice<UInt8>, place: ArraySlice<UInt8>, children: ArraySlice<UInt8>,
        work: ArraySlice<UInt8>, traffic: ArraySlice<UInt8>?, after: ArraySlice<UInt8>,
        futexCall: UInt64 = ProcSample.futexCall
    ) {
        guard let before = DeadlockProof.Status(before), let work = DeadlockProof.Work(work, traffic: traffic),
            let after = DeadlockProof.Status(after)
        else { return nil }
        self.before = before
        self.work = work
        self.after = after
        futex = Self.word(in: call, futexCall: futexCall)
        isInWait = ProcText.contains("futex", in: place)
        hasChildren = !children.isEmpty
    }

    /// Whether it waits and all that was seen at once leaves nobody who could wake it.
    var isHelpless: Bool {
        futex != nil && isInWait && before.isHelpless && after.isHelpless && !hasChildren
    }

    /// The address of a private wait without an end.
    private static func word(in text: ArraySlice<UInt8>, futexCall: UInt64) -> UInt64? {
        guard let call = FutexCall(text, number: futexCall) else { return nil }
        // FUTEX_WAIT and FUTEX_WAIT_BITSET are plain waits.
        return call.command == 0 || call.command == 9 ? call.word : nil
    }
}
