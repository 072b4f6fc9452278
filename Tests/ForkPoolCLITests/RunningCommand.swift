// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolTestSupport
import Foundation
import Glibc
import Testing

/// A running `forkpool` in its own process group, with everything that it starts.
final class RunningCommand {
    private let child: Spawned
    private let output: Int32
    private let errors: Int32

    /// Starts `forkpool` with arguments.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - program: A program to start instead, which gets the path of `forkpool` after the first two arguments.
    ///   - onTerminal: Whether its outputs are a terminal; if not, they are pipes.
    ///   - columns: The width of the terminal.
    ///   - ignored: A signal that it begins with ignored.
    /// - Throws: An error if the system refuses the process or the terminal, or if the command is not built.
    init(
        _ arguments: [String], through program: String? = nil, onTerminal: Bool = false, columns: Int = 80,
        ignoring ignored: Int32? = nil
    ) throws {
        let writing: Int32
        let errorsWriting: Int32
        if onTerminal {
            var (master, slave): (Int32, Int32) = (-1, -1)
            var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
            try #require(unsafe openpty(&master, &slave, nil, nil, &size) == 0)
            (output, writing) = (master, slave)
            (errors, errorsWriting) = (-1, slave)
        } else {
            var ends: [Int32] = [-1, -1]
            try #require(unsafe pipe(&ends) == 0)
            (output, writing) = (ends[0], ends[1])
            try #require(unsafe pipe(&ends) == 0)
            (errors, errorsWriting) = (ends[0], ends[1])
        }
        for end in [output, writing, errors, errorsWriting] where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer {
            close(writing)
            if errorsWriting != writing { close(errorsWriting) }
        }
        let binary = try CommandRun.binary()
        child = try Spawned(
            program.map { [$0] + arguments.prefix(2) + [binary] + arguments.dropFirst(2) } ?? [binary] + arguments,
            environment: ["PATH=/usr/bin:/bin", "TERM=xterm"], output: writing,
            errors: errorsWriting, ignoring: ignored)
    }

    deinit {
        close(output)
        if errors >= 0 { close(errors) }
    }

    var pid: pid_t { child.pid }

    /// Waits until there is output to read.
    func waitForOutput() {
        var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&entry, 1, 60_000) == 1, "it wrote nothing for a minute")
    }

    /// Reads at least `count` bytes, or up to the end.
    func read(atLeast count: Int) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < count {
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 60_000) == 1 else {
                Issue.record("it wrote only \(bytes.count) bytes in a minute")
                break
            }
            let more = unsafe Glibc.read(output, &buffer, buffer.count)
            guard more > 0 else { break }
            bytes += buffer[..<more]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads until the text meets a condition.
    func read(until isWhole: (String) -> Bool) throws -> String {
        var text = ""
        while !isWhole(text) {
            let more = read(atLeast: 1)
            try #require(!more.isEmpty && text.utf8.count < 100_000, "it wrote \(text)")
            text += more
        }
        return text
    }

    /// Returns the settings of the terminal.
    func terminalState() -> [UInt32] {
        var state = termios()
        unsafe tcgetattr(output, &state)
        return [state.c_iflag, state.c_oflag, state.c_cflag, state.c_lflag]
    }

    /// Waits until it has ended, and reads nothing meanwhile; returns what `waitpid` gives, or nil if it had to be killed.
    func endUnread() throws -> Int32? { try child.end(within: 60) }

    /// Reads what it wrote to standard error.
    func readErrors() -> String { read(errors) }

    /// Waits until it has ended, and all processes that have its outputs open.
    func end() throws -> (output: String, errors: String, status: Int32) {
        let texts = (read(output), errors >= 0 ? read(errors) : "")
        let status = try child.end(within: 60)
        return (texts.0, texts.1, try #require(status, "it still ran a minute after its outputs were closed"))
    }

    private func read(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 60_000) == 1 else {
                Issue.record("a process still has its output open after a minute")
                kill(-pid, SIGKILL)
                break
            }
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            // A terminal that no process has open gives an error.
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
#endif
