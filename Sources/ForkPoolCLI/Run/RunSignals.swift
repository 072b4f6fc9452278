// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc
import Synchronization

/// The signals that a run handles: handlers set flags, which the loop of the runner checks.
enum RunSignals {
    private static let ending = Atomic<Int32>(0)
    private static let stopping = Atomic<Bool>(false)
    private static let count = Atomic<Int>(0)
    nonisolated(unsafe) private static var wakePipe: Int32 = -1
    private static let longestTick = 100_000_000
    nonisolated(unsafe) private static var tick = 0

    /// The signals that end the run: all whose default action would, except those by which this process itself crashes.
    ///
    /// The outputs of its jobs must not be lost, whatever ends the run. After the handler `abort` ends the process.
    private static var endingSignals: [Int32] {
        [
            SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT,
            SIGXCPU,
        ]
    }

    /// Installs the handlers: for signals that end the run unless they are ignored, Ctrl-Z, a closed pipe, and a timer.
    ///
    /// The timer interrupts a waiting system call ten times a second.
    ///
    /// - Returns: A descriptor that becomes readable when a signal arrives.
    static func listen() -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return -1 }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        unsafe wakePipe = ends[1]
        // Swift makes a static on first use, and a handler must not be the first to use it.
        _ = (ending.load(ordering: .relaxed), stopping.load(ordering: .relaxed), count.load(ordering: .relaxed))
        ReaderPatience.restart()
        for number in endingSignals where !Interruption.isIgnored(number) { handle(number) }
        if !Interruption.isIgnored(SIGTSTP) { handle(SIGTSTP) }
        for number in [SIGPIPE, SIGALRM] { handle(number) }
        // A file beyond the limit (ulimit -f) is an error of its write.
        if !Interruption.isIgnored(SIGXFSZ) { handle(SIGXFSZ) }
        setTick(nanoseconds: longestTick)
        return ends[0]
    }

    /// Changes how often the timer interrupts waiting system calls; ten times a second at least.
    static func setTick(nanoseconds: Int) {
        let nanoseconds = min(nanoseconds, longestTick)
        guard unsafe nanoseconds != tick else { return }
        unsafe tick = nanoseconds
        var timer = itimerval()
        timer.it_interval.tv_usec = nanoseconds / 1000
        timer.it_value = timer.it_interval
        unsafe setitimer(0, &timer, nil)
    }

    /// The signal that ends the run; nil if there was none.
    static var endingSignal: Int32? {
        let number = ending.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// How many signals to end the run arrived; the second one kills jobs at once.
    static var endings: Int { count.load(ordering: .acquiring) }

    /// Returns whether Ctrl-Z was pressed since the last call.
    static func takeStop() -> Bool { stopping.exchange(false, ordering: .acquiringAndReleasing) }

    /// Empties the descriptor that `listen` returned.
    static func drain(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(descriptor, &bytes, bytes.count) > 0 {}
    }

    /// Ends this process by a signal, as the default action does.
    static func die(by number: Int32) -> Never {
        signal(number, SIG_DFL)
        Interruption.preventCoreDump()
        raise(number)
        exit(128 + number)
    }

    /// Stops this process by SIGTSTP, as the default action does; returns after SIGCONT.
    static func stop() {
        signal(SIGTSTP, SIG_DFL)
        raise(SIGTSTP)
        handle(SIGTSTP)
    }

    private static func handle(_ number: Int32) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { RunSignals.note($0) }
        // Without SA_RESTART, so that the signal interrupts a write that waits for its reader.
        action.sa_flags = 0
        unsafe sigaction(number, &action, nil)
    }

    /// Runs in a signal handler: only atomics and system calls.
    private static func note(_ number: Int32) {
        switch number {
        case SIGPIPE, SIGALRM, SIGXFSZ: return
        case SIGTSTP: stopping.store(true, ordering: .releasing)
        default:
            count.add(1, ordering: .acquiringAndReleasing)
            if ending.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing).exchanged {
                ReaderPatience.restart()
            }
        }
        let saved = errno
        _ = unsafe write(wakePipe, "!", 1)
        errno = saved
    }
}

/// A signal ended the run.
struct Interrupted: Error {
    let number: Int32
    /// How many jobs ran at that time.
    let running: Int
    /// How many jobs had their output printed.
    let printed: Int
    /// The numbers of the jobs whose outputs may not be printed, or not whole.
    var unprinted: [Int] = []

    /// Says what was not printed.
    var loss: String {
        guard !unprinted.isEmpty else { return "" }
        let shown = unprinted.prefix(5).map(String.init).joined(separator: ", ")
        let more = unprinted.count > 5 ? " and \(unprinted.count - 5) more" : ""
        let jobs = unprinted.count == 1 ? "output of job" : "outputs of jobs"
        return "; the \(jobs) \(shown)\(more) may be missing or cut, because the reader did not take them in time"
    }
}
#endif
