import Glibc
import Synchronization

/// The signals that a run listens to, as flags that it looks at between two waits.
enum RunSignals {
    private static let ending = Atomic<Int32>(0)
    private static let stopping = Atomic<Bool>(false)
    private static let count = Atomic<Int>(0)
    nonisolated(unsafe) private static var bell: Int32 = -1

    /// Begins to listen: to what ends a program unless it is ignored, to Ctrl-Z, to a closed pipe, and ten times a second to
    /// the clock, which interrupts whatever waits.
    ///
    /// - Returns: A descriptor that becomes readable at a signal.
    static func listen() -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return -1 }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        unsafe bell = ends[1]
        // Made before a handler could be the first to look.
        _ = (ending.load(ordering: .relaxed), stopping.load(ordering: .relaxed), count.load(ordering: .relaxed))
        for number in [SIGINT, SIGTERM, SIGHUP, SIGTSTP] where !isIgnored(number) { handle(number) }
        for number in [SIGPIPE, SIGALRM] { handle(number) }
        var tick = itimerval()
        tick.it_interval.tv_usec = 100_000
        tick.it_value.tv_usec = 100_000
        unsafe setitimer(0, &tick, nil)
        return ends[0]
    }

    /// The signal that is to end the run, if there was one.
    static var endingSignal: Int32? {
        let number = ending.load(ordering: .acquiring)
        return number == 0 ? nil : number
    }

    /// How often the run was asked to end: who asks twice is in a hurry.
    static var endings: Int { count.load(ordering: .acquiring) }

    /// Whether Ctrl-Z was pressed since this was asked last.
    static func takeStop() -> Bool { stopping.exchange(false, ordering: .acquiringAndReleasing) }

    /// Takes what a signal wrote to the descriptor that `listen` gave.
    static func drain(_ bell: Int32) {
        var rung = [UInt8](repeating: 0, count: 64)
        while unsafe read(bell, &rung, rung.count) > 0 {}
    }

    /// Ends this process by a signal, as it would have been without a listener.
    static func die(by number: Int32) -> Never {
        signal(number, SIG_DFL)
        raise(number)
        exit(128 + number)
    }

    /// Does what Ctrl-Z does without a listener; returns when the process goes on.
    static func stop() {
        signal(SIGTSTP, SIG_DFL)
        raise(SIGTSTP)
        handle(SIGTSTP)
    }

    private static func isIgnored(_ number: Int32) -> Bool {
        var present = sigaction()
        guard unsafe sigaction(number, nil, &present) == 0 else { return true }
        return unsafe unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    private static func handle(_ number: Int32) {
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { RunSignals.note($0) }
        // No restart: a write that waits for its reader is to be interrupted.
        action.sa_flags = 0
        unsafe sigaction(number, &action, nil)
    }

    /// Runs in a handler.
    private static func note(_ number: Int32) {
        switch number {
        case SIGPIPE, SIGALRM: return
        case SIGTSTP: stopping.store(true, ordering: .releasing)
        default:
            _ = ending.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing)
            count.add(1, ordering: .acquiringAndReleasing)
        }
        let saved = errno
        _ = unsafe write(bell, "!", 1)
        errno = saved
    }
}
