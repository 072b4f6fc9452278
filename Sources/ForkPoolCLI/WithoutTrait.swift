// SPDX-License-Identifier: Apache-2.0
#if !Command
import Glibc

/// Stands for the command where the trait `Command` is off: says how to build it.
@main
enum WithoutTrait {
    /// What `forkpool` says then.
    static let message =
        "forkpool: this build is without the command; scripts/release or swift build --traits Command builds it"

    static func main() {
        let line = Array("\(message)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
        // EX_UNAVAILABLE of sysexits.h.
        exit(69)
    }
}
#endif
