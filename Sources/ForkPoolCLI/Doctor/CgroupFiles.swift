#if Command
/// The limits of the control groups of this process, in versions 1 and 2.
enum CgroupFiles {
    /// A processor quota, and the file that sets it.
    struct Quota: Equatable {
        let processors: Double
        let file: String
    }

    /// Finds the smallest processor quota in this process's group and all groups above it.
    static func quota(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Quota? {
        let groups = self.groups(membership)
        let unified = files(groups[""], root, "cpu.max").compactMap { file, text -> Quota? in
            let words = text.split(separator: " ")
            guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]) else { return nil }
            return Quota(processors: quota / period, file: file)
        }
        let old = files(groups["cpu"], root + "/cpu", "cpu.cfs_quota_us").compactMap { file, text -> Quota? in
            let folder = file.dropLast("cpu.cfs_quota_us".count)
            // -1 means no quota.
            guard let quota = Double(text), quota > 0,
                let period = TextFile.line(folder + "cpu.cfs_period_us").flatMap({ Double($0) })
            else { return nil }
            return Quota(processors: quota / period, file: file)
        }
        return (unified + old).min { $0.processors < $1.processors }
    }

    /// Finds the smallest memory limit in the same groups, in bytes.
    static func memoryLimit(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Double? {
        let groups = self.groups(membership)
        return
            (files(groups[""], root, "memory.max") + files(groups["memory"], root + "/memory", "memory.limit_in_bytes"))
            .compactMap { Double($0.text) }.min()
    }

    /// Reads the path of the group for each controller; version 2 has one group, with an empty controller name.
    private static func groups(_ membership: String) -> [Substring: Substring] {
        var groups: [Substring: Substring] = [:]
        for line in (TextFile.text(membership) ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                groups[controller] = fields[2]
            }
        }
        return groups
    }

    /// Reads the first line of a file in the folder of a group and in all folders above it.
    private static func files(_ group: Substring?, _ root: String, _ name: String) -> [(file: String, text: String)] {
        guard var group else { return [] }
        var found: [(file: String, text: String)] = []
        while true {
            let file = "\(root)\(group == "/" ? "" : group)/\(name)"
            if let text = TextFile.line(file) { found.append((file, text)) }
            guard group != "/", let slash = group.lastIndex(of: "/") else { return found }
            group = slash == group.startIndex ? "/" : group[..<slash]
        }
    }
}
#endif
