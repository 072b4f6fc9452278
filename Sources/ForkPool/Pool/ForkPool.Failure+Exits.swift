// SPDX-License-Identifier: Apache-2.0
internal import Glibc

extension ForkPool.Failure {
    /// Makes the failure of the item that a worker ran when it ended, or of all items that no worker reached.
    ///
    /// Its message goes on after the item's name, or, without `worker`, after the worker's own.
    init(_ exit: ProcessExit, index: Int?, worker: String?) {
        let place = worker.map { " in \($0)" } ?? ""
        let which = worker.map { "ended \($0), which " } ?? ""
        switch exit.cause {
        case .timeout(let limit):
            self.init(
                .timedOut, index: index,
                "took longer than its timeout of \(Duration.nanoseconds(limit)), and \(worker ?? "it") was killed for that; "
                    + "raise Options.timeout or have it run again (Options.retries)"
                    + Self.hint(at: exit, limit))
        case .deadline(let limit):
            self.init(
                .timedOut, index: index,
                "was not done within its deadline of \(Duration.nanoseconds(limit)), and \(worker ?? "it") was killed for that; "
                    + "raise CallOptions.deadline or use more workers")
        case .deadlock where exit.awaits:
            self.init(
                .deadlocked, index: index,
                "awaited\(place) \(Self.undelivered); start its pool with start: .exec")
        case .deadlock:
            self.init(
                .deadlocked, index: index,
                "waited\(place) for a lock that no thread is left to release; if another thread of this process held it "
                    + "at the fork, or was to signal it (Dispatch, a run loop, Foundation's Process), use a job with "
                    + "start: .exec or map before other threads start; else the body waits for itself")
        case .memoryLimit(let limit):
            self.init(
                .memoryLimitExceeded, index: index,
                "\(which)asked for more memory than its limit of \(limit) bytes; raise "
                    + "Options.memoryLimit or let the body use less")
        case .cpuTimeLimit(let limit):
            self.init(
                .cpuTimeLimitExceeded, index: index,
                "\(which)used more processor time than its limit of \(Duration.nanoseconds(limit)); raise "
                    + "Options.cpuTimeLimit")
        case nil:
            self.init(withoutCause: exit, index: index, worker: worker)
        }
        switch exit.status {
        case .exit(let status): exitStatus = status
        case .signal(let number): signal = number
        case .unknown: break
        }
    }

    private init(withoutCause exit: ProcessExit, index: Int?, worker: String?) {
        switch exit.status {
        case .exit(let status):
            self.init(.exited, index: index, Self.describe(exit: status, exit, worker))
        case .signal(let number) where exit.crash != nil || exit.isCrash:
            // If a refused request for memory was not noticed, there is no hint.
            let hint = exit.crash?.memoryLeft ?? .max == .max ? "" : "; its memory is limited by Options.memoryLimit"
            let object = worker.map { " \($0)" } ?? ""
            self.init(.crashed, index: index, "crashed\(object): \(Self.describe(number, exit))\(hint)")
        case .signal(let number):
            let name = SystemError.name(ofSignal: number)
            let hint =
                switch (number, exit.ranOutOfMemory) {
                case (SIGKILL, true):
                    ": the system ran out of memory, and its OOM killer ended a process; use fewer workers or less memory"
                case (SIGKILL, false):
                    "; if nobody sent it, the system ran out of memory: use fewer workers or less memory"
                default: ""
                }
            let text = worker.map { "was ended when \(name) killed \($0)" } ?? "was killed by \(name)"
            self.init(.killed, index: index, text + hint)
        case .unknown:
            let text = worker.map { "was ended with \($0)" } ?? "ended"
            self.init(
                .lost, index: index,
                text + "; its status is lost, since this process ignores SIGCHLD or reaps every child")
        }
    }

    private static func describe(exit status: Int32, _ exit: ProcessExit, _ worker: String?) -> String {
        switch (exit.failedStart, worker) {
        case (.notLoaded, nil):
            "ended with status \(status) before main, as the dynamic loader ends what it cannot load; standard error has its "
                + "message: check the program's libraries and LD_LIBRARY_PATH"
        case (.refused, nil): "refused with status \(status) to be a worker; its reason is on standard error"
        case (_, let worker?): "ended \(worker) by exit(\(status)); return from the body or throw instead"
        case (nil, nil): "ended by exit(\(status))"
        }
    }

    /// What a forked job may await in vain.
    private static let undelivered =
        "what no thread of a fork delivers, such as the main actor, Task.sleep, a timer or a Dispatch queue"

    /// Says, of a forked worker that did nothing within its timeout in nanoseconds, what it may have waited for.
    private static func hint(at exit: ProcessExit, _ limit: Int) -> String {
        guard exit.isFork else { return "" }
        if exit.awaits { return "; its job awaited \(undelivered): start its pool with start: .exec" }
        guard exit.cpuTime < limit / 10 else { return "" }
        return
            "; it mostly waited: if that was for Dispatch, a run loop, Foundation's Process or another thread, which a fork "
            + "does not have, use a job with start: .exec"
    }

    // MARK: - Signals

    /// Describes a crash: the signal, and the message of the runtime or the meaning of the signal.
    private static func describe(_ signal: Int32, _ exit: ProcessExit) -> String {
        let name = SystemError.name(ofSignal: signal)
        let crash = exit.crash
        if exit.wasSent, let sender = crash?.sender {
            return sender > 0 ? "\(name), sent by process \(sender)" : "\(name), sent by another process"
        }
        if let message = crash?.message, !message.isEmpty { return "\(name), \(sentence(message))" }
        let address = crash.map { "0x" + String($0.address, radix: 16) } ?? "an unknown address"
        return switch signal {
        case SIGABRT: "\(name), abort() was called"
        case SIGSEGV where crash?.sender != nil, SIGBUS where crash?.sender != nil: "\(name), which it sent to itself"
        case SIGILL, SIGTRAP:
            "\(name), a trap of Swift: a failed precondition, an index out of range, an overflow or a nil unwrapped "
                + "(a release build has no message)"
        case SIGSEGV where crash?.isStackOverflow == true: "\(name), stack overflow: the recursion is too deep"
        case SIGSEGV: "\(name), a bad memory access at \(address)"
        case SIGBUS: "\(name), a bad memory access at \(address), or no memory left for a mapped page"
        case SIGFPE: "\(name), an arithmetic error such as a division by zero"
        case SIGSYS: "\(name), a system call that is not allowed"
        default: name
        }
    }

    /// Turns "path/File.swift:12: Fatal error: text" of the runtime into "Fatal error: text at File.swift:12".
    static func sentence(_ message: String) -> String {
        let line = message.trimmed
        guard let mark = line.range(of: ": Fatal error"), !line[..<mark].contains("\n") else { return line }
        let file = line[..<mark].split(separator: "/").last.map(String.init) ?? ""
        let text = line[line.index(mark, offsetBy: 2)...]
        return file.isEmpty ? String(text) : "\(text) at \(file)"
    }
}

extension String {
    var trimmed: String {
        guard let last = lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(self[...last].drop { $0.isWhitespace })
    }

    fileprivate func range(of text: String) -> Index? {
        indices.first { self[$0...].hasPrefix(text) }
    }
}
