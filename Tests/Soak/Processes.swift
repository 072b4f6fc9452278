// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// Reads processes from /proc.
enum Processes {
    /// The variables that mark the processes of a soak, and those of one trial, by their values.
    static let soakVariable = "FORKPOOL_SOAK"
    static let trialVariable = "FORKPOOL_SOAK_TRIAL"

    /// Whether a process lives and was started with that variable; pids are used again, and a dead one has none.
    static func has(_ pid: Int32, _ variable: String, _ value: String) -> Bool {
        let expected = Array("\(variable)=\(value)".utf8)
        return Files.bytes("/proc/\(pid)/environ").split(separator: 0).contains { $0.elementsEqual(expected) }
    }

    /// Every living process that was started with that variable, but for this one.
    static func all(with variable: String, _ value: String) -> [Int32] {
        Files.names(in: "/proc").compactMap { Int32($0) }.filter { $0 != getpid() && has($0, variable, value) }
    }

    /// The children of this process.
    static var children: [Int32] { children(of: getpid()) }

    /// The children of a process, of whichever thread.
    static func children(of pid: Int32) -> [Int32] {
        Files.names(in: "/proc/\(pid)/task").flatMap { thread in
            Files.text("/proc/\(pid)/task/\(thread)/children").split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// Kills every process with that variable, and the processes that these start meanwhile.
    static func killAll(with variable: String, _ value: String) {
        while true {
            let found = all(with: variable, value)
            if found.isEmpty { return }
            for pid in found { kill(pid, SIGKILL) }
        }
    }

    /// What each thread of a process waits for.
    static func describe(_ pid: Int32) -> String {
        func line(_ file: String) -> String {
            Files.lines(file).first.map(String.init) ?? "?"
        }
        let threads = Files.names(in: "/proc/\(pid)/task").compactMap { Int32($0) }.sorted()
        let states = threads.map { thread in
            let folder = "/proc/\(pid)/task/\(thread)"
            let (name, channel, call) = (line("\(folder)/comm"), line("\(folder)/wchan"), line("\(folder)/syscall"))
            return "  \(thread) \(name): \(channel), system call \(call)"
        }
        let status = Files.lines("/proc/\(pid)/status").filter {
            $0.hasPrefix("PPid:") || $0.hasPrefix("State:")
        }
        return "process \(pid) \(status.joined(separator: " "))\n" + states.joined(separator: "\n")
    }
}

/// The resources of a process that a pool must not leave behind.
struct Census: Equatable, CustomStringConvertible {
    var descriptors: [String]
    var children: Int
    var mappings: Int
    var threads: Int
    var names: [String]

    static var now: Census {
        let maps = Files.lines("/proc/self/maps")
        return Census(
            descriptors: (Int32(0)..<256).filter { fcntl($0, F_GETFD) >= 0 }.map { "\($0) \(Files.target(of: $0))" },
            children: Processes.children.count,
            mappings: maps.count { $0.contains("/dev/zero") || $0.contains("/memfd:") || $0.contains("/dev/shm") },
            threads: Files.names(in: "/proc/self/task").count { Int32($0) != nil },
            names: Files.names(in: "/dev/shm").filter { $0.contains("forkpool") })
    }

    /// Counts again until everything is as before, for some seconds at most: a thread that is no longer needed ends
    /// when it next runs.
    static func expectNothingLeft(since before: inout Census, _ what: @autoclosure () -> String) {
        let end = monotonic() + 10_000_000_000
        while true {
            let census = Census.now
            // The first count may have seen a thread that was about to end.
            before.threads = min(before.threads, census.threads)
            if census == before { return }
            guard monotonic() < end else { violation("\(what()) left something: \(before) became \(census)") }
            sched_yield()
        }
    }

    var description: String {
        "descriptors \(descriptors), \(children) children, \(mappings) shared mappings, \(threads) threads, \(names)"
    }
}
