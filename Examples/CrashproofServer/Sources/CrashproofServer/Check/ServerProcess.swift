// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The group of the server that runs, for the handler of Ctrl-C and SIGTERM.
nonisolated(unsafe) private var runningGroup: pid_t = 0

/// A server that this program has started, in a process group of its own.
final class ServerProcess {
    let port: UInt16
    private let pid: pid_t
    /// A file without a name: the standard error of the server and of its workers.
    private let log: UnsafeMutablePointer<FILE>
    /// The standard output of the server and of its workers; it ends when the last of them ends.
    private let output: Int32
    private var isOver = false

    /// Why there is no server.
    struct NotStarted: Error { var reason: String }

    /// Starts this program as a server, on a free port.
    init() throws {
        var ends: [Int32] = [0, 0]
        guard let log = tmpfile(), pipe(&ends) == 0 else { throw NotStarted(reason: "no file for its log") }
        self.log = log
        output = ends[0]

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, fileno(log), 2)
        for end in ends + [fileno(log)] { posix_spawn_file_actions_addclose(&actions, end) }
        let command: [String] = ["CrashproofServer", "serve", "0"]
        var arguments = command.map { strdup($0) } + [nil]
        var child: pid_t = 0
        let refused = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, &arguments, environ)
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        for argument in arguments { free(argument) }
        close(ends[1])
        pid = child
        guard refused == 0 else { throw NotStarted(reason: String(cString: strerror(refused))) }
        runningGroup = child
        for stop in [SIGINT, SIGTERM] {
            signal(stop) { number in
                kill(-runningGroup, SIGKILL)
                _exit(128 + number)
            }
        }

        // "port 12345\n", once it accepts connections; the end of the file if it has ended.
        var line = [UInt8](repeating: 0, count: 32)
        let count = read(output, &line, line.count)
        let words = String(decoding: line[..<max(0, count)], as: UTF8.self).split(whereSeparator: \.isWhitespace)
        port = words.count == 2 ? UInt16(words[1]) ?? 0 : 0
        guard port != 0 else { throw NotStarted(reason: logged) }
    }

    deinit {
        if !isOver { kill(-pid, SIGKILL) }
        close(output)
        fclose(log)
    }

    /// What the server has logged, and what its workers have written to standard error.
    var logged: String {
        var state = stat()
        fstat(fileno(log), &state)
        var bytes = [UInt8](repeating: 0, count: Int(state.st_size))
        let count = pread(fileno(log), &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    /// Sends a signal to the server and its workers, as a terminal or a service manager does.
    func signalGroup(_ signal: Int32) { kill(-pid, signal) }

    /// Waits until neither the server nor a worker is left, and returns the server's wait status; nil after 30 seconds.
    func wait() -> Int32? {
        var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        var byte: UInt8 = 0
        guard poll(&descriptor, 1, 30_000) == 1, read(output, &byte, 1) == 0 else { return nil }
        isOver = true
        var status: Int32 = 0
        return waitpid(pid, &status, 0) == pid ? status : nil
    }

    /// Posts an expression and waits for the answer.
    func post(_ expression: String, to path: String = "/evaluate") throws -> Answer {
        try begin(expression, at: path).answer()
    }

    /// Posts an expression and does not wait.
    func begin(_ expression: String, at path: String = "/evaluate") throws -> Connection {
        try Connection(port: port, "POST \(path)", body: expression)
    }

    /// Asks the server for its state until that is as wanted; false if it is not within 20 seconds.
    func reaches(_ state: String) throws -> Bool {
        try comesTrue { try Connection(port: port, "GET /status").answer().body.contains(state) }
    }

    /// Whether the server comes to have at most so many descriptors open; false if it has not within 20 seconds.
    func fallsTo(descriptors count: Int) -> Bool {
        comesTrue { descriptors <= count }
    }

    /// How many descriptors the server has open: sockets, files, and those of its workers.
    var descriptors: Int {
        guard let folder = opendir("/proc/\(pid)/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count - 2
    }

    private func comesTrue(_ condition: () throws -> Bool) rethrows -> Bool {
        let deadline = time(nil) + 20
        while time(nil) < deadline {
            if try condition() { return true }
        }
        return false
    }
}
