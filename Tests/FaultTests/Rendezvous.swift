// SPDX-License-Identifier: Apache-2.0
import CForkPool
import ForkPoolTestSupport
import Glibc

/// A folder with a pipe and a tally, which any worker, by fork or exec, finds by its path.
final class Rendezvous: @unchecked Sendable {
    let path: String
    /// Only workers hold the writing end.
    private let reading: Int32

    init() {
        path = Files.makeFolder()
        _ = unsafe mkfifo(Self.pipe(path), 0o600)
        reading = unsafe open(Self.pipe(path), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        precondition(reading >= 0, "no pipe: errno \(errno)")
    }

    deinit {
        close(reading)
        _ = unsafe unlink(Self.pipe(path))
        _ = unsafe unlink(Self.tally(path))
        _ = unsafe rmdir(path)
    }

    private static func pipe(_ path: String) -> String { path + "/pids" }
    private static func tally(_ path: String) -> String { path + "/tally" }
}

// MARK: - In a worker

extension Rendezvous {
    /// Sends this process's id, and keeps the pipe open for as long as the process lives.
    static func sendPid(at path: String) {
        PidPipe.send(getpid(), to: unsafe open(pipe(path), O_WRONLY | O_CLOEXEC))
    }

    /// Sends another process's id.
    static func say(_ pid: Int32, at path: String) {
        let writing = unsafe open(pipe(path), O_WRONLY | O_CLOEXEC)
        PidPipe.send(pid, to: writing)
        close(writing)
    }

    /// Adds one to the tally; returns what it is then, which no other arrival gets.
    @discardableResult
    static func arrive(at path: String) -> Int {
        let file = unsafe open(tally(path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(file) }
        _ = unsafe write(file, "x", 1)
        // The file's position is behind what was appended through this descriptor.
        return Int(lseek(file, 0, SEEK_CUR))
    }

    /// The tally.
    static func arrivals(at path: String) -> Int {
        var status = stat()
        return unsafe stat(tally(path), &status) == 0 ? Int(status.st_size) : 0
    }

    /// Waits until the tally is at least `count`.
    static func waitForArrivals(_ count: Int, at path: String) {
        while arrivals(at: path) < count { sched_yield() }
    }
}

// MARK: - In the parent

extension Rendezvous {
    /// Adds one to the tally.
    func arrive() { Self.arrive(at: path) }

    /// Lets every user arrive and send ids.
    func openToAll() {
        _ = unsafe chmod(path, 0o777)
        _ = unsafe chmod(Self.pipe(path), 0o666)
    }

    /// The tally.
    var arrivals: Int { Self.arrivals(at: path) }

    /// Waits for the next id.
    func receive() -> Int32 {
        var pid: Int32 = -1
        while unsafe read(reading, &pid, 4) != 4 { wait(forNanoseconds: 1_000_000) }
        return pid
    }

    /// Waits for some ids on a separate thread, so that no task's thread blocks.
    func receive(_ count: Int) async -> [Int32] {
        await withCheckedContinuation { continuation in
            Process.onThread { continuation.resume(returning: (0..<count).map { _ in self.receive() }) }
        }
    }

    /// Waits until every process that sent its id is gone; returns false if one still lives after some seconds.
    func everyWriterIsGone() -> Bool {
        for _ in 0..<10_000 {
            var byte: UInt8 = 0
            if unsafe read(reading, &byte, 1) == 0 { return true }
            usleep(1000)
        }
        return false
    }

    private func wait(forNanoseconds time: Int64) {
        var entry = cforkpool_poll(fd: reading, events: Int16(POLLIN), revents: 0)
        if unsafe cforkpool_ppoll(&entry, 1, time) == 1, entry.revents & Int16(POLLIN) == 0 { sched_yield() }
    }
}
