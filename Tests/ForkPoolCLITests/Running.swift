import Foundation
import Glibc
import Testing

/// A `forkpool` that runs, in a process group of its own, and whatever it starts.
final class Running {
    let pid: pid_t
    private let output: Int32
    private let errors: Int32

    init(_ arguments: [String], onTerminal: Bool = false, ignoring ignored: Int32? = nil) throws {
        let writing: Int32
        let errorsWriting: Int32
        if onTerminal {
            var (master, slave): (Int32, Int32) = (-1, -1)
            try #require(unsafe openpty(&master, &slave, nil, nil, nil) == 0)
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
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, writing, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errorsWriting, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&signals, number) }
        if let ignored {
            unsafe sigdelset(&signals, ignored)
            signal(ignored, SIG_IGN)
        }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let environment = ["PATH=/usr/bin:/bin", "TERM=xterm"]
        let command = [try CommandRun.binary()] + arguments
        let words = unsafe command.map { unsafe strdup($0) } + [nil]
        let variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var child: pid_t = 0
        let error = unsafe posix_spawn(&child, words[0]!, &actions, &attributes, words, variables)
        if let ignored { signal(ignored, SIG_DFL) }
        try #require(error == 0)
        pid = child
    }

    deinit {
        close(output)
        if errors >= 0 { close(errors) }
    }

    /// Waits until there is something to read.
    func waitForOutput() {
        var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&entry, 1, 60_000) == 1, "it wrote nothing for a minute")
    }

    /// Reads so many bytes, or all there are if there are fewer.
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

    /// What the terminal is set to.
    func terminalState() -> [UInt32] {
        var state = termios()
        unsafe tcgetattr(output, &state)
        return [state.c_iflag, state.c_oflag, state.c_cflag, state.c_lflag]
    }

    /// Waits for its end and that of everybody who has its outputs.
    func end() -> (output: String, errors: String, status: Int32) {
        let texts = (read(output), errors >= 0 ? read(errors) : "")
        var status: Int32 = 0
        _ = unsafe waitpid(pid, &status, 0)
        return (texts.0, texts.1, status)
    }

    private func read(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 60_000) == 1 else {
                Issue.record("somebody still has its output after a minute")
                kill(-pid, SIGKILL)
                break
            }
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            // A terminal that nobody has any more says so by an error.
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
