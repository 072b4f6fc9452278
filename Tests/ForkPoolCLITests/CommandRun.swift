// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolTestSupport
import Foundation
import Glibc
import Testing

/// One run of the built `forkpool` as a process, with a deadline.
struct CommandRun {
    /// The target of standard output.
    enum Output {
        /// A file, as with a redirection.
        case file
        /// A pseudo terminal.
        case terminal
        /// A pipe whose reading end is closed.
        case closedPipe
    }

    private(set) var output = ""
    private(set) var errors = ""
    /// The exit code, if it exited.
    private(set) var code: Int32?
    /// The signal that ended it, if one did.
    private(set) var signal: Int32?

    /// Runs `forkpool` with arguments, and waits for its end.
    ///
    /// - Parameters:
    ///   - arguments: The arguments.
    ///   - through: A command in front of it, such as `["/bin/sh", "-c", …]`.
    ///   - isWholeCommand: Whether that command names `forkpool` itself, such as a copy of it.
    ///   - to: The target of standard output.
    ///   - environment: All of the environment.
    ///   - deadline: The seconds after which it is killed, which fails the test.
    /// - Throws: An error if the system refuses the process, or if the command is not built.
    init(
        _ arguments: [String],
        through: [String] = [],
        isWholeCommand: Bool = false,
        to: Output = .file,
        environment: [String] = ["TERM=xterm", "PATH=/usr/bin:/bin"],
        deadline: Double = 120
    ) throws {
        let outputs = try Streams(to)
        let errors = try Streams(.file)
        let words = through + (isWholeCommand ? [] : [try Self.binary()]) + arguments
        let child = try Spawned(words, environment: environment, output: outputs.writing, errors: errors.writing)
        outputs.closeWriting()
        let status = try child.end(within: deadline, reading: outputs.terminal) { outputs.drain() }
        #expect(status != nil, "forkpool \(arguments) was still running after \(deadline) s")
        if let status {
            if status & 0x7F == 0 { code = status >> 8 & 0xFF } else { signal = status & 0x7F }
        }
        output = outputs.text()
        self.errors = errors.text()
    }

    /// The path of the command: `FORKPOOL_COMMAND`, or else beside the test bundle.
    static func binary() throws -> String {
        if let path = ProcessInfo.processInfo.environment["FORKPOOL_COMMAND"] { return path }
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = bundle.deletingLastPathComponent().appendingPathComponent("forkpool").path
        try #require(FileManager.default.isExecutableFile(atPath: beside), "no \(beside): run swift build")
        return beside
    }
}

/// The two ends of the output of a command.
private final class Streams {
    private(set) var writing: Int32
    private var reading: Int32
    private let isTerminal: Bool
    private var bytes: [UInt8] = []

    init(_ kind: CommandRun.Output) throws {
        isTerminal = kind == .terminal
        switch kind {
        case .file:
            var name = Array("/tmp/forkpool-test-XXXXXX".utf8CString)
            writing = unsafe mkstemp(&name)
            unsafe unlink(name)
            reading = writing
        case .terminal:
            reading = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
            var number: Int32 = 0
            // TIOCSPTLCK and TIOCGPTN, which Swift cannot import: unlock the other end, and get its number.
            _ = unsafe ioctl(reading, 0x4004_5431, &number)
            _ = unsafe ioctl(reading, 0x8004_5430, &number)
            writing = unsafe open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        case .closedPipe:
            var ends: [Int32] = [-1, -1]
            unsafe pipe(&ends)
            close(ends[0])
            (reading, writing) = (-1, ends[1])
        }
        try #require(writing >= 0)
        for end in [reading, writing] where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    func closeWriting() {
        guard writing != reading else { return }
        close(writing)
        writing = -1
    }

    /// The reading end of a terminal, or -1.
    var terminal: Int32 { isTerminal ? reading : -1 }

    /// Reads from a terminal, whose buffer is small, so that the command does not wait.
    func drain() {
        if isTerminal { readAll() }
    }

    func text() -> String {
        if writing == reading { lseek(reading, 0, SEEK_SET) }
        readAll()
        return String(decoding: bytes, as: UTF8.self)
    }

    private func readAll() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while reading >= 0 {
            let count = unsafe read(reading, &buffer, buffer.count)
            guard count > 0 else { return }
            bytes += buffer[..<count]
        }
    }

    deinit {
        closeWriting()
        if reading >= 0 { close(reading) }
    }
}
#endif
