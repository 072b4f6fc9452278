// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// A pipe from a program, which waits until this process has taken its bytes.
final class CapturePipe {
    /// How many bytes are taken at once.
    private static let piece = 1 << 16
    private let reading: Int32
    private var writing: Int32
    /// Whether no process has the other end any more, and everything was taken.
    private(set) var isAtEnd = false

    /// Makes a pipe (`pipe`).
    ///
    /// - Throws: What the system refused.
    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError(call: "pipe", code: errno) }
        (reading, writing) = (ends[0], ends[1])
        // No other thread starts a program meanwhile.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    deinit {
        closeWriting()
        close(reading)
    }

    /// The end for the program.
    var target: Int32 { writing }

    /// Closes this process's copy of the writing end, once the program has its own.
    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    /// The descriptor to wait for; nil at the end.
    var descriptor: Int32? { isAtEnd ? nil : reading }

    /// How many bytes can be taken now (`FIONREAD`).
    var length: Int {
        var count: Int32 = 0
        return unsafe ioctl(reading, 0x541B, &count) == 0 ? Int(count) : 0
    }

    /// Takes bytes that are there; none if there are none now, or if this is the end.
    func take() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { bytes, count in
            while !isAtEnd {
                let result = unsafe read(reading, bytes.baseAddress, bytes.count)
                if result < 0, errno == EINTR { continue }
                if result == 0 { isAtEnd = true }
                count = max(0, result)
                return
            }
        }
    }
}
#endif
