// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc

/// The resources of a process that a map must not leave behind.
struct Census: Equatable, CustomStringConvertible {
    /// The open descriptors, and what each leads to.
    var descriptors: [Int32: String]
    /// Whether the process has a child, a zombie included.
    var hasChildren: Bool
    /// The number of shared mappings without a named file.
    var sharedMappings: Int

    /// Whether a descriptor is one that Dispatch opens and closes by itself.
    private static func isDispatch(_ target: String) -> Bool {
        target.isEmpty || target.hasPrefix("/proc/")
            || ["anon_inode:[eventfd]", "anon_inode:[eventpoll]", "anon_inode:[timerfd]"].contains(target)
    }

    /// Counts the resources of this moment; reaps no child.
    static func now() -> Census {
        var info = unsafe siginfo_t()
        let children = unsafe waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT)
        return Census(
            descriptors: Dictionary(
                uniqueKeysWithValues: (0..<1024).filter { fcntl($0, F_GETFD) >= 0 }.map { ($0, Files.target(of: $0)) }
                    .filter { !isDispatch($0.1) }),
            hasChildren: children == 0,
            sharedMappings: Files.lines("/proc/self/maps").count {
                $0.contains("/dev/zero") || $0.contains("/memfd:")
            })
    }

    /// Counts again until all is as before, for some seconds at most: a thread that is no longer needed releases its
    /// resources when it next runs.
    static func now(expecting before: Census, looks: Int = 5000) -> Census {
        for _ in 0..<looks {
            if Census.now() == before { return before }
            usleep(1000)
        }
        return Census.now()
    }

    var description: String {
        let descriptors = descriptors.sorted { $0.key < $1.key }.map { "\($0) \($1)" }
        return "descriptors \(descriptors), \(hasChildren ? "children" : "no child"), \(sharedMappings) shared mappings"
    }
}

// Memory, threads and counters of this process.
extension Files {
    /// The available memory in bytes.
    static var availableMemory: Int {
        let line = lines("/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
        let words = line?.split(separator: " ") ?? []
        return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
    }

    /// The addresses of the mappings without a named file that this process shares and can write to.
    static var sharedMappings: [Range<Int>] {
        lines("/proc/self/maps").compactMap { line in
            let words = line.split(separator: " ")
            guard words[1].hasPrefix("rw-s"), line.contains("/dev/zero") || line.contains("/memfd:") else { return nil }
            let ends = words[0].split(separator: "-").compactMap { Int($0, radix: 16) }
            return ends[0]..<ends[1]
        }
    }

    /// How many threads this process has.
    static var threads: Int {
        let line = lines("/proc/self/status").first { $0.hasPrefix("Threads:") }
        return line.flatMap { Int($0.split(separator: "\t")[1]) } ?? 0
    }

    /// How many event counters this process has open.
    static var eventCounters: Int {
        (0..<1024).count { target(of: $0) == "anon_inode:[eventfd]" }
    }

    /// The size of this process's address space in bytes.
    static var addressSpace: Int { memory(0) }

    /// The resident memory of this process in bytes.
    static var residentMemory: Int { memory(1) }

    private static func memory(_ field: Int) -> Int {
        let pages = text("/proc/self/statm").split(separator: " ")[field]
        return (Int(pages) ?? 0) * 4096
    }
}
