// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A control group of its own with a memory limit, where the system lets this process make one.
struct MemoryGroup {
    private let path: String
    private let home: String

    /// Whether this process can make a group; mostly only root outside a container can.
    static var canBeMade: Bool {
        guard let group = MemoryGroup(limit: 64 << 20) else { return false }
        return group.remove()
    }

    /// Makes a group that limits its processes to `limit` bytes together.
    init?(limit: Int) {
        guard let text = Self.read("/proc/self/cgroup") else { return nil }
        let lines = text.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
        let limitFile: String
        if let line = lines.first(where: { $0.count == 3 && $0[1] == "memory" }) {
            home = "/sys/fs/cgroup/memory\(line[2])"
            limitFile = "memory.limit_in_bytes"
        } else if let line = lines.first(where: { $0.count == 3 && $0[1].isEmpty }) {
            home = "/sys/fs/cgroup\(line[2])"
            limitFile = "memory.max"
        } else {
            return nil
        }
        path = "\(home)/forkpool-\(getpid())"
        guard unsafe mkdir(path, 0o755) == 0 else { return nil }
        guard Self.write("\(limit)", to: "\(path)/\(limitFile)") else {
            _ = remove()
            return nil
        }
    }

    /// Moves this process into the group; its later children are in it too.
    func enter() -> Bool { Self.write("\(getpid())", to: "\(path)/cgroup.procs") }

    /// Moves this process back.
    func leave() -> Bool { Self.write("\(getpid())", to: "\(home)/cgroup.procs") }

    /// Removes the group as soon as it has no process any more; false if it still has one after some seconds.
    func remove() -> Bool {
        for _ in 0..<10_000 {
            if unsafe rmdir(path) == 0 { return true }
            guard errno == EBUSY else { return false }
            usleep(1000)
        }
        return false
    }

    private static func read(_ path: String) -> String? {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let length = unsafe Glibc.read(file, &bytes, bytes.count)
        return length < 0 ? nil : String(decoding: bytes[..<length], as: UTF8.self)
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return unsafe Glibc.write(file, text, text.utf8.count) == text.utf8.count
    }
}
