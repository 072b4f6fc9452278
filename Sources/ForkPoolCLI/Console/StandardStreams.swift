// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The three standard descriptors.
enum StandardStreams {
    /// Opens /dev/null in place of closed ones, so that no other file gets their numbers.
    ///
    /// Reading from or writing to them fails, as if they were still closed.
    static func reserve() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}

/// Standard output, for results only.
enum StandardOutput {
    /// Writes text without a buffer, which a forked worker would inherit (`write`).
    ///
    /// Ends the process if the text cannot be written; without a message if the reader closed the pipe.
    static func write(_ text: String) {
        let code = writeAll(text, to: STDOUT_FILENO)
        guard code != 0 else { return }
        // Only reached if SIGPIPE is ignored; its default action ends the process.
        if code == EPIPE { exit(Exit.closedPipe) }
        StandardError.report("cannot write to standard output: \(systemMessage(code))")
        exit(Exit.output)
    }
}

/// Standard error, for everything but results.
enum StandardError {
    /// Writes a message in a line, after the name of the command.
    static func report(_ sentence: String) {
        _ = writeAll("forkpool: \(printable(sentence))\n", to: STDERR_FILENO)
    }

    /// Writes text without changes.
    static func write(_ text: String) {
        _ = writeAll(text, to: STDERR_FILENO)
    }
}

/// Describes an errno (`strerror`).
func systemMessage(_ code: Int32) -> String {
    unsafe String(cString: strerror(code))
}

/// Escapes control characters, so that the name of a file cannot control the terminal.
func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
    return text.unicodeScalars.map { scalar in
        guard scalar.properties.generalCategory == .control else { return String(scalar) }
        return "\\u{\(String(scalar.value, radix: 16))}"
    }.joined()
}

/// Writes a text completely; returns 0 or an errno, also if a run that a signal ends waited long enough for the reader.
func writeAll(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in unsafe writeAll(UnsafeRawBufferPointer(bytes), to: descriptor) }
}

/// Writes bytes completely; returns 0 or an errno.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    unsafe bytes.withUnsafeBytes { unsafe writeAll($0, to: descriptor) }
}

private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var done = 0
    while done < bytes.count {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
        let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
        if written < 0, ReaderPatience.isOver { return errno }
        if written >= 0 {
            done += written
        } else if errno == EAGAIN {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&entry, 1, -1)
        } else if errno != EINTR {
            return errno
        }
    }
    return 0
}
#endif
