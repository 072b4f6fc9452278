internal import Synchronization

/// Tells a worker that the system's OOM killer ended from one that somebody killed, where the kernel counts such kills for the
/// control group that this process and its workers are in.
enum OutOfMemory {
    /// The kills that are explained: by a worker, or because they were before the first pool.
    private static let explained = Atomic(kills() ?? 0)

    /// Begins to count, once.
    static func beginCounting() {
        _ = explained.load(ordering: .relaxed)
    }

    /// Whether there was a kill that no worker was taken for; one that ended by SIGKILL now is.
    static func hasKilled() -> Bool {
        guard let kills = kills() else { return false }
        var seen = explained.load(ordering: .relaxed)
        while seen < kills {
            let (isStored, original) = explained.compareExchange(
                expected: seen, desired: seen + 1, ordering: .relaxed)
            if isStored { return true }
            seen = original
        }
        return false
    }

    /// The kernel's count, or nil where it has none that can be read: `memory.events` of the second version of control groups,
    /// or `memory.oom_control` of the first.
    static func kills(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Int? {
        guard let lines = try? SmallFile.read(membership) else { return nil }
        for line in lines.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let path = fields[2] == "/" ? "" : String(fields[2])
            let file: String
            if fields[1].isEmpty {
                file = root + path + "/memory.events"
            } else if fields[1].split(separator: ",").contains("memory") {
                file = root + "/memory" + path + "/memory.oom_control"
            } else {
                continue
            }
            if let text = try? SmallFile.read(file), let kills = parse(text) { return kills }
        }
        return nil
    }

    /// Reads the line "oom_kill N".
    static func parse(_ text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return Int(words[1]) }
        }
        return nil
    }
}
