// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// A pipe for what a command writes while it is measured.
final class OutputPipe {
    private let pipe: CapturePipe
    private let most: Int
    private var read: [UInt8] = []

    /// Makes a pipe (`pipe`).
    ///
    /// - Parameter most: How many bytes are kept of what is read, the last ones.
    /// - Throws: What the system refused.
    init(keeping most: Int) throws(SystemError) {
        pipe = try CapturePipe()
        self.most = most
    }

    /// What was read, as far as it is kept.
    var bytes: [UInt8] { read.suffix(most) }

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
            if most > 0 { read += more }
            if read.count / 2 > most { read.removeFirst(read.count - most) }
        }
    }

    /// Reads what is there, and forgets all that was read.
    func clear() {
        drain()
        read.removeAll(keepingCapacity: true)
    }
}
#endif
