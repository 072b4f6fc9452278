// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

enum ExitStatus: Equatable {
    case exit(Int32)
    case signal(Int32)
    /// The status is lost: the host ignores SIGCHLD, or reaps children that it did not start.
    case unknown

    /// What a process noted when it ended itself; unknown if it noted nothing, or what it cannot have noted.
    init(toldBy record: cforkpool_crash) {
        self =
            switch record.signal {
            case let signal where ProcessExit.crashSignals.contains(signal): .signal(signal)
            case ~255 ... ~0: .exit(~record.signal)
            default: .unknown
            }
    }
}

/// How a worker's process ended, and why as far as that is known.
struct ProcessExit: Equatable {
    /// Why the pool, or the kernel by the pool's limits, ended the process.
    enum Cause: Equatable {
        /// It worked on an item for longer than the timeout, in nanoseconds.
        case timeout(Int)
        /// It was on an item when the time of its caller was over, in nanoseconds.
        case deadline(Int)
        /// It waited for a wake that nothing could send any more.
        case deadlock
        /// It asked for more memory than its limit, in bytes.
        case memoryLimit(Int)
        /// It used more processor time than its limit, in nanoseconds.
        case cpuTimeLimit(Int)
    }

    var pid: Int32
    var status: ExitStatus
    var crash: CrashReport?
    /// The processor time that it used, in nanoseconds; 0 if unknown.
    var cpuTime = 0
    var cause: Cause?
    /// Whether the kernel's OOM killer ended the process.
    var ranOutOfMemory = false
    /// Whether it was a fork, which has none of its parent's other threads.
    var isFork = false
    /// Whether its job awaited something that other threads were to deliver.
    var awaits = false
    /// Whether it had not begun to be a worker: it ran neither `setUp` nor an item.
    var isBeforeWork = false
    /// Whether it was about to make its state.
    var wasMakingState = false
    /// Whether it noted how it ended.
    var isNoted = false

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

    /// Whether it ended by one of the crash signals.
    var isCrash: Bool {
        if case .signal(let number) = status { Self.crashSignals.contains(number) } else { false }
    }

    /// Whether the pool may have ended it, by SIGKILL.
    var mayBeByPool: Bool {
        switch status {
        case .exit: false
        case .signal(let number): number == SIGKILL
        case .unknown: true
        }
    }

    /// The exit status of a process that was started as a worker and could not become one.
    static let noWorker: Int32 = 121

    /// The exit status of a program that the dynamic loader cannot load.
    static let notLoaded: Int32 = 127

    /// Why a program that was started as a worker never became one.
    enum FailedStart {
        /// The dynamic loader ended it.
        case notLoaded
        /// It refused, and said why on standard error.
        case refused
    }

    var failedStart: FailedStart? {
        guard isBeforeWork, !isFork, !isNoted, case .exit(let status) = self.status else { return nil }
        return switch status {
        case Self.notLoaded: .notLoaded
        case Self.noWorker: .refused
        default: nil
        }
    }

    /// Whether the worker ended itself.
    var isOwnDoing: Bool {
        switch status {
        case .exit(let status): status != Self.noWorker
        case .signal: crash != nil && !wasSent || cause != nil
        case .unknown: false
        }
    }

    /// Whether another process sent the signal that ended it.
    var wasSent: Bool { crash?.sender.map { $0 != pid } ?? false }

    /// The signals that a process causes by its own fault.
    static let crashSignals: [Int32] = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS]

    /// Finds out why the process ended, from its crash record and its limits in bytes and nanoseconds.
    mutating func explain(
        by record: cforkpool_crash, memoryLimit: Int?, cpuTimeLimit: Int?, isKilled: Bool = false
    ) {
        awaits = record.awaits == 1
        isNoted = record.signal != 0
        if status == .unknown { status = ExitStatus(toldBy: record) }
        guard case .signal(let signal) = status else { return }
        crash = CrashReport(record, of: signal)
        if let memoryLimit, crash?.ranOutOfMemory(limit: memoryLimit) == true { cause = .memoryLimit(memoryLimit) }
        guard signal == SIGKILL else { return }
        // The kernel's own count runs ahead: it kills a little before the limit.
        if let cpuTimeLimit, cpuTime >= cpuTimeLimit / 20 * 19 { cause = .cpuTimeLimit(cpuTimeLimit) }
        if cause == nil, !isKilled { ranOutOfMemory = OutOfMemory.hasKilled() }
    }
}

/// The record of a crash handler, copied out of shared memory.
struct CrashReport: Equatable {
    var signal: Int32
    var address: UInt64
    var isStackOverflow: Bool
    /// The message that the Swift runtime printed, or empty.
    var message: String
    /// The private memory in bytes that was left below the limit; `UInt64.max` without a limit.
    var memoryLeft = UInt64.max
    /// The process that sent the signal, or -1 if it is unknown; nil if the kernel did, for what the worker's code did.
    var sender: Int32?

    /// Whether the worker crashed because its memory limit, in bytes, was reached.
    ///
    /// The Swift runtime says so in its message; other code mostly writes through a null pointer with little memory left.
    func ranOutOfMemory(limit: Int) -> Bool {
        ProcFile.contains("failed to allocate", in: Array(message.utf8)[...]) || memoryLeft < limit / 8
    }
}

extension CrashReport {
    /// Copies a crash record; nil unless it is of the signal that ended the worker.
    init?(_ record: cforkpool_crash, of signal: Int32) {
        guard record.signal == signal else { return nil }
        self.signal = signal
        address = record.address
        isStackOverflow = record.stack_overflow == 1
        let length = min(Int(record.length), Int(CFORKPOOL_CRASH_TEXT))
        message = unsafe withUnsafeBytes(of: record.text) { unsafe String(decoding: $0[..<length], as: UTF8.self) }
        memoryLeft = record.memory_left
        sender = record.sender == 0 ? nil : record.sender
    }
}
