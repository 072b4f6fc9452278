internal import Glibc

/// How a worker's process ended, and what is known of why.
struct Death: Equatable {
    /// Why the pool ended it, or the kernel did for the pool.
    enum Blame: Equatable {
        /// It was on an item for longer than the timeout, in nanoseconds.
        case timeout(Int)
        /// It waited for what nobody is left to give it.
        case deadlock
        /// It asked for more memory than it may have, in bytes.
        case memoryLimit(Int)
        /// It used more processor time than it may, in nanoseconds.
        case cpuTimeLimit(Int)
    }

    var pid: Int32
    var ending: Ending
    var crash: CrashText?
    /// The processor time that it used, in nanoseconds; 0 where that is not known.
    var cpuTime = 0
    var blame: Blame?
    /// Whether the system's OOM killer ended a process since the pool looked before.
    var ranOutOfMemory = false

    init(pid: Int32, _ ending: Ending, crash: CrashText? = nil, cpuTime: Int = 0) {
        self.pid = pid
        self.ending = ending
        self.crash = crash
        self.cpuTime = cpuTime
    }

    /// Whether it ended by a signal that a process brings upon itself.
    var isCrash: Bool {
        if case .signal(let number) = ending { Self.crashSignals.contains(number) } else { false }
    }

    /// Whether it may have been the pool that ended it, by SIGKILL, and not the worker itself.
    var mayBeByPool: Bool {
        switch ending {
        case .exit: false
        case .signal(let number): number == SIGKILL
        case .unknown: true
        }
    }

    /// What a process exits with that was to be a worker and could not be one.
    static let noWorker: Int32 = 121

    /// Whether the worker, and nobody else, ended it.
    var isOwnDoing: Bool {
        switch ending {
        case .exit(let status): status != Self.noWorker
        case .signal: crash != nil || blame != nil
        case .unknown: false
        }
    }

    /// The signals that a process brings upon itself.
    static let crashSignals: [Int32] = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS]
}

/// What a crash handler left behind, copied out of shared memory.
struct CrashText: Equatable {
    var signal: Int32
    var address: UInt64
    var isStackOverflow: Bool
    /// The runtime's message as the runtime printed it; empty if there was none.
    var message: String
    /// The private memory that the worker could still have got, in bytes; the most there is where it is not limited.
    var memoryLeft = UInt64.max

    /// Whether it crashed for want of memory, where it may have `limit` bytes more than at first.
    ///
    /// The Swift runtime says so; other code mostly writes through a null pointer when it has used up nearly all.
    func ranOutOfMemory(limit: Int) -> Bool {
        message.contains("failed to allocate") || memoryLeft < limit / 8
    }
}
