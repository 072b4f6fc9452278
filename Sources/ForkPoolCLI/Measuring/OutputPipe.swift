// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// A pipe for what a command writes while it is measured.
final class OutputPipe {
    private let pipe: CapturePipe
    private let keeps: Bool
    /// What was read, if it is kept.
    private(set) var bytes: [UInt8] = []

    /// Makes a pipe (`pipe`).
    ///
    /// - Parameter keeps: Whether what is read is kept; if not, it is discarded.
    /// - Throws: What the system refused.
    init(keeps: Bool) throws(SystemError) {
        pipe = try CapturePipe()
        self.keeps = keeps
    }

    /// The end for the command.
    var target: Int32 { pipe.target }

    /// Closes this process's copy of the writing end, once the command has its own.
    func closeWriting() { pipe.closeWriting() }

    /// The descriptor to wait for; -1, which `poll` ignores, when the other end is closed.
    var descriptor: Int32 { pipe.descriptor ?? -1 }

    /// Reads what is there.
    func drain() {
        while true {
            let more = pipe.take()
            guard !more.isEmpty else { return }
            if keeps { bytes += more }
        }
    }
}
#endif
