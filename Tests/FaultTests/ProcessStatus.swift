// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// What /proc says of a process.
struct ProcessStatus {
    let pid: Int32
    let parent: Int32
    let name: String
    /// R, S, T for stopped, Z for a zombie, and others.
    let state: Character

    init?(of pid: Int32) {
        let lines = Files.lines("/proc/\(pid)/status")
        func field(_ name: String) -> Substring? {
            lines.first { $0.hasPrefix(name + ":\t") }?.dropFirst(name.utf8.count + 2)
        }
        guard let name = field("Name"), let state = field("State")?.first,
            let parent = field("PPid").flatMap({ Int32($0) })
        else { return nil }
        self.pid = pid
        self.parent = parent
        self.name = String(name)
        self.state = state
    }

    /// Whether the process runs, sleeps or is stopped; a zombie does not live.
    static func isAlive(_ pid: Int32) -> Bool {
        guard let status = ProcessStatus(of: pid) else { return false }
        return status.state != "Z" && status.state != "X"
    }

    /// Waits until none of some processes lives; returns those that still do after some seconds.
    static func waitForEnd(of pids: [Int32]) -> [Int32] {
        for _ in 0..<10_000 {
            if !pids.contains(where: isAlive) { return [] }
            usleep(1000)
        }
        return pids.filter(isAlive)
    }

    /// Waits until a process is in a state; returns false if it is not within some seconds.
    static func wait(for state: Character, of pid: Int32) -> Bool {
        for _ in 0..<10_000 {
            if ProcessStatus(of: pid)?.state == state { return true }
            usleep(1000)
        }
        return false
    }

    /// The living children of a process.
    static func children(of pid: Int32) -> [ProcessStatus] {
        let tasks = "/proc/\(pid)/task"
        let lists = Files.names(in: tasks).map { Files.bytes("\(tasks)/\($0)/children") }
        var pids = lists.flatMap { String(decoding: $0, as: UTF8.self).split(separator: " ").compactMap { Int32($0) } }
        // Not every kernel keeps these lists.
        if unsafe access(tasks + "/\(pid)/children", F_OK) != 0 {
            pids = Files.names(in: "/proc").compactMap { Int32($0) }
        }
        return pids.compactMap(ProcessStatus.init(of:)).filter { $0.parent == pid && $0.state != "Z" }
    }

    /// The living children of a process, and theirs.
    static func below(_ pid: Int32) -> [ProcessStatus] {
        children(of: pid).flatMap { [$0] + below($0.pid) }
    }

    /// The living guards of a process's pools.
    static func guards(of pid: Int32) -> [Int32] {
        children(of: pid).filter { $0.name == "forkpool guard" }.map(\.pid)
    }

    /// The template of the pools of this process, if there is one.
    static var template: Int32? { children(of: getpid()).first { $0.name == "forkpool" }?.pid }

    /// The processes of this process's only pool that are or will be workers: the template's children, or its own.
    static var workers: [Int32] { children(of: template ?? getpid()).map(\.pid) }
}
