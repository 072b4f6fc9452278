import Glibc

/// Says in one line that a signal ended the command, and lets the signal do what it does to any program.
///
/// So a shell sees it. The workers end with the command.
enum Interruption {
    /// Begins to listen to the signals that nobody asked this process to ignore (`sigaction`).
    static func listen() {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            var present = sigaction()
            guard unsafe sigaction(number, nil, &present) == 0,
                unsafe present.__sigaction_handler.sa_handler == nil
            else { continue }
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { Interruption.end(by: $0) }
            // Once: the second signal of a person in a hurry is not held up.
            action.sa_flags = Int32(bitPattern: SA_RESETHAND)
            unsafe sigaction(number, &action, nil)
        }
    }

    /// Runs in a handler, so it makes nothing but system calls.
    ///
    /// A worker has no such handler.
    private static func end(by number: Int32) {
        RunningGroup.end()
        // A count that stands there is wiped off.
        if isatty(STDERR_FILENO) == 1 { say("\r\u{1B}[K") }
        switch number {
        case SIGINT: say("forkpool: interrupted by SIGINT; nothing is left running\n")
        case SIGTERM: say("forkpool: interrupted by SIGTERM; nothing is left running\n")
        default: say("forkpool: interrupted by SIGHUP; nothing is left running\n")
        }
        raise(number)
    }

    private static func say(_ text: StaticString) {
        _ = unsafe write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }
}
