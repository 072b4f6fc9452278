// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Prints a line when a signal ends the command, then lets the signal take its default action, so that a shell sees it.
///
/// The workers end with the command.
enum Interruption {
    /// Installs handlers for SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGABRT, except for ignored signals (`sigaction`).
    ///
    /// SIGQUIT and SIGABRT have a handler already where the Swift runtime prints backtraces.
    static func install() {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT] where !isIgnored(number) {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { Interruption.end(by: $0) }
            // Handle it once: a second signal ends the process at once.
            action.sa_flags = Int32(bitPattern: SA_RESETHAND)
            unsafe sigaction(number, &action, nil)
        }
    }

    /// Whether this process ignores a signal.
    static func isIgnored(_ number: Int32) -> Bool {
        var present = sigaction()
        guard unsafe sigaction(number, nil, &present) == 0 else { return true }
        return unsafe unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Prevents that SIGQUIT leaves a core dump; makes only system calls.
    static func preventCoreDump() {
        var limit = rlimit()
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }

    /// Runs in a signal handler, so it makes only system calls.
    ///
    /// Workers do not have this handler.
    private static func end(by number: Int32) {
        CurrentProcessGroup.end()
        // Erase the status line.
        if isatty(STDERR_FILENO) == 1 { write("\r\u{1B}[K") }
        switch number {
        case SIGINT: write("forkpool: interrupted by SIGINT; nothing is left running\n")
        case SIGTERM: write("forkpool: interrupted by SIGTERM; nothing is left running\n")
        case SIGQUIT: write("forkpool: interrupted by SIGQUIT; nothing is left running\n")
        case SIGABRT: write("forkpool: interrupted by SIGABRT; nothing is left running\n")
        default: write("forkpool: interrupted by SIGHUP; nothing is left running\n")
        }
        preventCoreDump()
        raise(number)
    }

    private static func write(_ text: StaticString) {
        _ = unsafe Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }
}
#endif
