internal import Glibc

// Every failure is made here, so that each kind reads alike wherever it comes from.

extension ForkPool.Failure {
    /// Makes the failure of an item from what its worker reported.
    init(_ report: Report, _ item: Int) {
        switch report.kind {
        case .thrown:
            self.init(.thrown, index: item, "threw \(report.text)")
            thrown = Thrown(description: report.text, payload: report.payload)
        case .notEncodable:
            self.init(.notEncodable, index: item, "has a result that cannot be encoded: \(report.text)")
        case .noRoom:
            self.init(
                .noMemory, index: item,
                "has a result that does not fit into what is left of its worker's memory; use more workers or return less"
            )
        }
        pid = report.pid
        bodyRan = .yes
    }

    /// Makes the failure of an item, or of a map, from what the supervisor saw.
    ///
    /// - Parameters:
    ///   - cause: What was seen.
    ///   - item: The item's index; nil for the map as a whole.
    init(_ cause: MapMachine.Cause, _ item: Int?) {
        switch cause {
        case .ended(let ending, let pid, let crash):
            self.init(ending, crash, index: item, worker: "its worker (pid \(pid))")
            self.pid = pid
            bodyRan = .yes
        case .refused(let error):
            self.init(refused: error, index: item)
        case .cancelled:
            self.init(.cancelled, index: item, item == nil ? "the map was cancelled" : "was cancelled")
        case .unreachable(let ending, let crash):
            self.init(ending, crash, index: item, worker: "every worker before it was reached")
            bodyRan = .no
        }
    }

    private init(_ ending: Ending, _ crash: CrashText?, index: Int?, worker: String) {
        switch ending {
        case .exit(let status):
            self.init(
                .exited, index: index,
                "ended \(worker) by exit(\(status)); return from the body or throw instead")
            exitStatus = status
        case .signal(let number) where crash != nil || Self.isCrash(number):
            self.init(.crashed, index: index, "crashed \(worker): \(Self.describe(number, crash))")
            signal = number
        case .signal(let number):
            let name = SystemError.name(ofSignal: number)
            let hint =
                number == SIGKILL
                ? "; if nobody sent it, the system ran out of memory: use fewer workers or less memory" : ""
            self.init(.killed, index: index, "was ended when \(name) killed \(worker)\(hint)")
            signal = number
        case .unknown:
            self.init(
                .lost, index: index,
                "was ended with \(worker); its status is lost, since this process ignores SIGCHLD or reaps every child")
        }
    }

    /// Makes the failure of a map for which the system refused something.
    init(refused error: SystemError, index: Int?) {
        let isMemory = error.call == "mmap"
        let advice =
            switch (isMemory, error.code) {
            case (true, _): "raise the limit on address space (ulimit -v) or use fewer workers"
            case (_, EMFILE), (_, ENFILE): "raise the limit on open files (ulimit -n) or use fewer workers"
            case (_, EAGAIN): "raise the limit on processes (ulimit -u, pids.max) or use fewer workers"
            default: "use fewer workers or less memory"
            }
        self.init(
            isMemory ? .noMemory : .forkRefused, index: index,
            "\(index == nil ? "the map" : "") could not be run: the system refused \(error.call): \(error.reason); \(advice)"
                .trimmed)
        errno = error.code
        bodyRan = .no
    }

    /// Makes the failure of a map that must not fork beside other threads.
    static func threaded(_ threads: Int32) -> Self {
        var failure = Self(
            .threadsRefused, index: nil,
            "the map was refused: this process has \(threads) threads and Options.refusesThreads is set; map before they start"
        )
        failure.bodyRan = .no
        return failure
    }

    /// Makes the failure of an item whose shared memory is damaged.
    static func corrupted(_ item: Int, _ what: String) -> Self {
        Self(.corrupted, index: item, "has no result: \(what); a body wrote where it must not")
    }

    /// Makes the failure of an item whose worker had no room left to say why.
    static func reportMissing(_ item: Int) -> Self {
        Self(.noMemory, index: item, "failed, and its worker had no memory left to say why; use more workers")
    }

    /// Makes the failure of an item whose result does not decode.
    static func notDecodable(_ item: Int, _ error: any Error) -> Self {
        var failure = Self(.notDecodable, index: item, "has a result that cannot be decoded: \(error)")
        failure.bodyRan = .yes
        return failure
    }
}

// MARK: - Signals

extension ForkPool.Failure {
    /// Whether a signal is one that a process brings upon itself.
    private static func isCrash(_ signal: Int32) -> Bool {
        [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS].contains(signal)
    }

    /// What a crash was: the signal, and the runtime's message or what the signal means.
    private static func describe(_ signal: Int32, _ crash: CrashText?) -> String {
        let name = SystemError.name(ofSignal: signal)
        if let message = crash?.message, !message.isEmpty { return "\(name), \(sentence(message))" }
        let address = crash.map { "0x" + String($0.address, radix: 16) } ?? "an unknown address"
        return switch signal {
        case SIGILL, SIGTRAP:
            "\(name), a trap of Swift: a failed precondition, an index out of range, an overflow or a nil unwrapped "
                + "(a release build has no message)"
        case SIGSEGV where crash?.isStackOverflow == true: "\(name), stack overflow: the recursion is too deep"
        case SIGSEGV: "\(name), a bad memory access at \(address)"
        case SIGBUS: "\(name), a bad memory access at \(address), or no memory left for a mapped page"
        case SIGFPE: "\(name), an arithmetic error such as a division by zero"
        case SIGABRT: "\(name), abort() was called"
        case SIGSYS: "\(name), a system call that is not allowed"
        default: name
        }
    }

    /// Turns the runtime's "path/File.swift:12: Fatal error: text" into "Fatal error: text at File.swift:12".
    static func sentence(_ message: String) -> String {
        let line = message.trimmed
        guard let mark = line.range(of: ": Fatal error"), !line[..<mark].contains("\n") else { return line }
        let file = line[..<mark].split(separator: "/").last.map(String.init) ?? ""
        let text = line[line.index(mark, offsetBy: 2)...]
        return file.isEmpty ? String(text) : "\(text) at \(file)"
    }
}

extension String {
    /// Without spaces and line ends at either end.
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }

    /// Where a text begins in this one.
    fileprivate func range(of text: String) -> Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }
}
