/// What the control groups of this process limit, in both versions of their files.
enum CgroupFiles {
    /// A quota on processors, and where it stands.
    struct Quota: Equatable {
        let processors: Double
        let file: String
    }

    /// The smallest quota on the way from this process's group to the root.
    static func quota(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Quota? {
        let groups = self.groups(membership)
        let unified = files(groups[""], root, "cpu.max").compactMap { file, text -> Quota? in
            let words = text.split(separator: " ")
            guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]) else { return nil }
            return Quota(processors: quota / period, file: file)
        }
        let old = files(groups["cpu"], root + "/cpu", "cpu.cfs_quota_us").compactMap { file, text -> Quota? in
            let folder = file.dropLast("cpu.cfs_quota_us".count)
            // -1 is no quota.
            guard let quota = Double(text), quota > 0,
                let period = TextFile.line(folder + "cpu.cfs_period_us").flatMap({ Double($0) })
            else { return nil }
            return Quota(processors: quota / period, file: file)
        }
        return (unified + old).min { $0.processors < $1.processors }
    }

    /// The smallest limit on memory on that way, in bytes.
    static func memoryLimit(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Double? {
        let groups = self.groups(membership)
        return
            (files(groups[""], root, "memory.max") + files(groups["memory"], root + "/memory", "memory.limit_in_bytes"))
            .compactMap { Double($0.text) }.min()
    }

    /// The group's path by controller; that of the second version has none.
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

    /// The first line of a file in a group's folder and in all above.
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
