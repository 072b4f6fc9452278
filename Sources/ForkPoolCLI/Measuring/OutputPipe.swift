// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// A pipe for what a command writes, which this process reads meanwhile.
final class OutputPipe {
    private let reading: Int32
    private var writing: Int32
    private let keeps: Bool
    private var isOpen = true
    /// What was read, if it is kept.
    private(set) var bytes: [UInt8] = []

    /// Makes a pipe (`pipe`).
    ///
    /// - Parameter keeps: Whether what is read is kept; if not, it is discarded.
    /// - Throws: What the system refused.
    init(keeps: Bool) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
        (reading, writing) = (ends[0], ends[1])
        // No other thread starts a program meanwhile.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.keeps = keeps
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    deinit {
        closeWriting()
        close(reading)
    }

    /// The end for the command.
    var target: Int32 { writing }

    /// Closes this process's copy of the writing end, once the command has its own.
    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    /// The descriptor to wait for; -1, which `poll` ignores, when the other end is closed.
    var descriptor: Int32 { isOpen ? reading : -1 }

    /// Reads what is there.
    func drain() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while isOpen {
            let count = unsafe read(reading, &buffer, buffer.count)
            if count > 0 {
                if keeps { bytes += buffer[..<count] }
            } else if count == 0 {
                isOpen = false
            } else if errno != EINTR {
                return
            }
        }
    }
}
#endif
