internal import CForkPool
internal import Glibc

/// How a process ended.
enum ExitStatus: Equatable {
    case exit(Int32)
    case signal(Int32)
    /// The status is lost: the host ignores SIGCHLD, or reaps children that are not its own.
    case unknown
}

/// How a worker's process ended, and what is known of why.
struct ProcessExit: Equatable {
    /// Why the pool ended the process, or the kernel did for the pool.
    enum Cause: Equatable {
        /// It was on an item for longer than the timeout, in nanoseconds.
        case timeout(Int)
        /// It waited for a wake that nothing was left to send.
        case deadlock
        /// It asked for more memory than its limit, in bytes.
        case memoryLimit(Int)
        /// It used more processor time than its limit, in nanoseconds.
        case cpuTimeLimit(Int)
    }

    var pid: Int32
    var status: ExitStatus
    var crash: CrashReport?
    /// The processor time that it used, in nanoseconds; 0 where that is not known.
    var cpuTime = 0
    var cause: Cause?
    /// Whether the system's OOM killer ended a process since the pool looked before.
    var ranOutOfMemory = false

    init(pid: Int32, _ status: ExitStatus, crash: CrashReport? = nil, cpuTime: Int = 0) {
        self.pid = pid
        self.status = status
        self.crash = crash
        self.cpuTime = cpuTime
    }

    init(pid: Int32, _ ending: cforkpool_ending) {
        self.init(
            pid: pid, ending.signal != 0 ? .signal(ending.signal) : .exit(ending.status),
            cpuTime: Int(ending.user_time + ending.system_time))
    }

    /// Whether it ended by a signal that a process brings upon itself.
    var isCrash: Bool {
        if case .signal(let number) = status { Self.crashSignals.contains(number) } else { false }
    }

    /// Whether the pool may have ended it, by SIGKILL, and not the worker itself.
    var mayBeByPool: Bool {
        switch status {
        case .exit: false
        case .signal(let number): number == SIGKILL
        case .unknown: true
        }
    }

    /// The status of a process that was started as a worker and could not become one.
    static let noWorker: Int32 = 121

    /// Whether the worker ended itself.
    var isOwnDoing: Bool {
        switch status {
        case .exit(let status): status != Self.noWorker
        case .signal: crash != nil || cause != nil
        case .unknown: false
        }
    }

    /// The signals that a process brings upon itself.
    static let crashSignals: [Int32] = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS]
}

extension ProcessExit {
    /// Finds out why the process ended, from what its crash handler wrote and from the limits that it had.
    ///
    /// - Parameters:
    ///   - record: What the crash handler wrote.
    ///   - memoryLimit: The private memory that it could get, in bytes.
    ///   - cpuTimeLimit: The processor time that it could use, in nanoseconds.
    mutating func explain(by record: cforkpool_crash, memoryLimit: Int?, cpuTimeLimit: Int?) {
        guard case .signal(let signal) = status else { return }
        crash = CrashReport(record, of: signal)
        if let memoryLimit, crash?.ranOutOfMemory(limit: memoryLimit) == true { cause = .memoryLimit(memoryLimit) }
        guard signal == SIGKILL else { return }
        // The kernel kills somewhat early by its own count.
        if let cpuTimeLimit, cpuTime >= cpuTimeLimit / 20 * 19 { cause = .cpuTimeLimit(cpuTimeLimit) }
        if cause == nil { ranOutOfMemory = OutOfMemory.hasKilled() }
    }
}

/// What a crash handler wrote, copied out of shared memory.
struct CrashReport: Equatable {
    var signal: Int32
    var address: UInt64
    var isStackOverflow: Bool
    /// The runtime's message as the runtime printed it; empty if there was none.
    var message: String
    /// The private memory that the worker could still get, in bytes; `UInt64.max` where it is not limited.
    var memoryLeft = UInt64.max

    /// Whether the worker crashed for want of memory, where it may have `limit` bytes more than at first.
    ///
    /// The Swift runtime says so; other code mostly writes through a null pointer when it has used up nearly all.
    func ranOutOfMemory(limit: Int) -> Bool {
        message.contains("failed to allocate") || memoryLeft < limit / 8
    }
}

extension CrashReport {
    /// Copies a crash record, if it is of the signal that ended the worker.
    init?(_ record: cforkpool_crash, of signal: Int32) {
        guard record.signal == signal else { return nil }
        self.signal = signal
        address = record.address
        isStackOverflow = record.stack_overflow == 1
        let length = min(Int(record.length), Int(CFORKPOOL_CRASH_TEXT))
        message = unsafe withUnsafeBytes(of: record.text) { unsafe String(decoding: $0[..<length], as: UTF8.self) }
        memoryLeft = record.memory_left
    }
}
