import Glibc

/// The three descriptors that everybody has, and some do not.
enum StandardStreams {
    /// Gives those that are closed to nobody else: using one fails as if it were closed still.
    static func occupy() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}

/// Results, and nothing else.
enum StandardOutput {
    /// Writes text at once, without a buffer that a forked worker could inherit (`write`).
    ///
    /// Ends the process when the text cannot be written: quietly when the reader has closed the pipe.
    static func write(_ text: String) {
        let code = writeAll(text, to: STDOUT_FILENO)
        guard code != 0 else { return }
        // By default SIGPIPE has ended the process already; who started it may have ignored the signal.
        if code == EPIPE { exit(Exit.closedPipe) }
        StandardError.complain("cannot write to standard output: \(systemMessage(code))")
        exit(Exit.output)
    }
}

/// Everything that is not a result.
enum StandardError {
    /// Writes one line that says what is wrong.
    static func complain(_ sentence: String) {
        _ = writeAll("forkpool: \(printable(sentence))\n", to: STDERR_FILENO)
    }

    /// Writes text as it is.
    static func write(_ text: String) {
        _ = writeAll(text, to: STDERR_FILENO)
    }
}

/// Says in words what an errno means (`strerror`).
func systemMessage(_ code: Int32) -> String {
    unsafe String(cString: strerror(code))
}

/// Spells control characters out, so that a file's name cannot steer the terminal.
func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
    return text.unicodeScalars.map { scalar in
        guard scalar.properties.generalCategory == .control else { return String(scalar) }
        return "\\u{\(String(scalar.value, radix: 16))}"
    }.joined()
}

/// Writes all of a text, and returns 0 or the errno that stopped it.
func writeAll(_ text: String, to descriptor: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
        var done = 0
        while done < bytes.count {
            let rest = unsafe UnsafeBufferPointer(rebasing: bytes[done...])
            let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
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
}
