/// Proves of a worker that it waits for ever: nobody is left who could wake it.
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
    static func proves(_ first: Look, _ second: Look) -> Bool {
        // No switch from the beginning to the end, and off the processor at both calls: it did not run between them. In
        // between the first look's end saw it alone, and the second's beginning saw it asleep, by then unwoken.
        first.futex != nil && first.futex == second.futex && first.isHelpless && second.isHelpless
            && first.before.switches == second.after.switches
    }
}

extension DeadlockProof {
    /// What `/proc/PID/status` says of a process.
    struct Status: Equatable {
        /// Whether it sleeps (S): neither stopped, nor traced, nor waiting for a disk, nor woken already.
        let isAsleep: Bool
        let threads: UInt64
        /// The process that traces it, or 0.
        let tracer: UInt64
        /// The signals for which it has a handler, and those that it blocks; signal n is bit n - 1.
        let caught: UInt64
        let blocked: UInt64
        /// How often its first thread was switched away from.
        let switches: UInt64

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
            self.threads = threads
            self.tracer = tracer
            self.caught = caught
            self.blocked = blocked
            switches = voluntary &+ others
        }

        /// Signals whose handlers do not count.
        ///
        /// ILL, TRAP, ABRT, BUS, FPE, SEGV and SYS are for crashes; 32 and 33 are glibc's, which heeds them only when a
        /// thread of the same process sent them.
        private static let harmless: UInt64 = [4, 5, 6, 7, 8, 11, 31, 32, 33].reduce(0) { $0 | 1 << ($1 - 1) }

        /// Whether it sleeps, has nobody beside it, and no signal would have it run code of its own.
        var isHelpless: Bool {
            isAsleep && threads == 1 && tracer == 0 && caught & ~blocked & ~Self.harmless == 0
        }
    }

    /// What is seen of a process by reading, in this order: its status, its call, where that sleeps, its children, and
    /// its status again.
    struct Look: Equatable {
        let before: Status
        /// The word that it waits for, if it waits in a futex call that nothing ends but a wake in the same memory.
        let futex: UInt64?
        /// Whether it sleeps in the futex call's own wait, and not where a freezer, a filter of system calls or a page
        /// that somebody else must supply holds it up on the way.
        let isInWait: Bool
        /// Whether it has a child, which could share its memory.
        let hasChildren: Bool
        let after: Status

        /// The number of the system call `futex` on this machine.
        #if arch(x86_64)
            static let futexCall: UInt64 = 202
        #elseif arch(arm64)
            static let futexCall: UInt64 = 98
        #endif

        /// Reads the texts of `status`, `syscall`, `wchan`, `task/PID/children`, and of `status` once more.
        ///
        /// - Returns: Nil where a text is not what the kernel writes.
        init?(
            before: ArraySlice<UInt8>, call: ArraySlice<UInt8>, place: ArraySlice<UInt8>, children: ArraySlice<UInt8>,
            after: ArraySlice<UInt8>, futexCall: UInt64 = Look.futexCall
        ) {
            guard let before = Status(before), let after = Status(after) else { return nil }
            self.before = before
            self.after = after
            futex = Self.word(in: call, futexCall: futexCall)
            isInWait = ProcText.contains("futex", in: place)
            hasChildren = !children.isEmpty
        }

        /// Whether all that was seen at once leaves nobody who could wake it.
        var isHelpless: Bool { before.isHelpless && after.isHelpless && isInWait && !hasChildren }

        /// The address of a private wait without an end: "202 0x55b65d4b62c0 0x80 0x2 0x0 …" says the call, the word, the
        /// operation, what the word was, and the timeout.
        private static func word(in text: ArraySlice<UInt8>, futexCall: UInt64) -> UInt64? {
            let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 5)
            guard parts.count == 6, ProcText.number(parts[0], radix: 10) == futexCall,
                let word = ProcText.hexadecimal(parts[1]), let operation = ProcText.hexadecimal(parts[2]),
                ProcText.hexadecimal(parts[4]) == 0
            else { return nil }
            // An operation has 32 bits. Without FUTEX_PRIVATE_FLAG other processes can wake it; which clock would be read
            // if there were a timeout does not matter; FUTEX_WAIT and FUTEX_WAIT_BITSET are plain waits.
            let (privateFlag, clockFlag) = (UInt32(128), UInt32(256))
            let bits = UInt32(truncatingIfNeeded: operation)
            let command = bits & ~(privateFlag | clockFlag)
            return bits & privateFlag != 0 && (command == 0 || command == 9) ? word : nil
        }
    }
}

/// Finds its way in the texts of /proc.
private enum ProcText {
    /// What stands behind a name, a colon and a tab, up to the end of that line, which must be there.
    static func value(of name: String, in text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = text
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = rest[..<end]
            if line.starts(with: name.utf8) {
                let behind = line.dropFirst(name.utf8.count)
                if behind.first == UInt8(ascii: ":") { return behind.dropFirst(2) }
            }
            rest = rest[end...].dropFirst()
        }
        return nil
    }

    /// The number behind a name.
    static func number(_ name: String, in text: ArraySlice<UInt8>, radix: UInt64 = 10) -> UInt64? {
        value(of: name, in: text).flatMap { number($0, radix: radix) }
    }

    /// A number without a sign that is all of the text.
    static func number(_ text: ArraySlice<UInt8>, radix: UInt64) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var sum: UInt64 = 0
        for byte in text {
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f") where radix == 16: digit = UInt64(byte - UInt8(ascii: "a")) + 10
            default: return nil
            }
            let (product, overflow) = sum.multipliedReportingOverflow(by: radix)
            let (next, carry) = product.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            sum = next
        }
        return sum
    }

    /// A number after "0x".
    static func hexadecimal(_ text: ArraySlice<UInt8>) -> UInt64? {
        text.starts(with: "0x".utf8) ? number(text.dropFirst(2), radix: 16) : nil
    }

    /// Whether a word is somewhere in the text.
    static func contains(_ word: String, in text: ArraySlice<UInt8>) -> Bool {
        text.indices.contains { text[$0...].starts(with: word.utf8) }
    }
}
