// SPDX-License-Identifier: Apache-2.0
/// The control groups that this process is in, and what they limit.
///
/// Reads both versions of the kernel's interface. Version 1 has a tree of groups for each controller, and a process is in
/// one group of each; version 2 has one tree for all. A hybrid system has both.
package struct Cgroup: Sendable {
    /// A limit on processor time.
    package struct Quota: Equatable, Sendable {
        /// The microseconds of processor time that the group may use in each period, and the period's length.
        let time: Int
        let period: Int
        package let file: String

        /// The quota as a number of processors: 1.5 for 150 ms in each 100 ms.
        package var processors: Double { Double(time) / Double(period) }

        /// The same, rounded up.
        var wholeProcessors: Int { (time - 1) / period + 1 }

        init?(time: Int?, period: Int?, file: String) {
            guard let time, let period, time > 0, period > 0 else { return nil }
            (self.time, self.period, self.file) = (time, period, file)
        }
    }

    private let root: String
    /// The path of the group by controller; the key of version 2 is empty.
    private let paths: [Substring: Substring]

    /// Reads which groups this process is in.
    ///
    /// A controller that `membership` does not name counts as one whose group is the root.
    ///
    /// - Parameters:
    ///   - root: Where the groups are mounted.
    ///   - membership: A file with lines of the form "number:controllers:path".
    package init(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") {
        self.root = root
        var paths: [Substring: Substring] = [:]
        for line in (ProcFile.text(membership) ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[controller] = fields[2]
            }
        }
        self.paths = paths
    }

    /// The smallest quota of this process's groups and of the groups above them, or nil.
    package var cpuQuota: Quota? {
        let unified = files("cpu.max").compactMap { Self.quota($0.text, file: $0.path) }
        let old = files("cpu.cfs_quota_us", of: "cpu").compactMap { file in
            // The quota is -1 where there is none.
            let period = ProcFile.text(file.path.dropLast("quota_us".count) + "period_us")
            return Quota(time: Self.number(file.text), period: period.flatMap(Self.number), file: file.path)
        }
        return (unified + old).min { $0.processors < $1.processors }
    }

    /// The files that may say how many processes of this process's group the kernel's OOM killer ended.
    var outOfMemoryFiles: [String] {
        [path(of: "memory.events"), path(of: "memory.oom_control", of: "memory")].compactMap { $0 }
    }

    /// How many processes of this process's group the kernel's OOM killer ended, or nil.
    var outOfMemoryKills: Int? {
        outOfMemoryFiles.lazy.compactMap { ProcFile.text($0).flatMap(Self.kills) }.first
    }

    /// Reads "QUOTA PERIOD" in microseconds; "max" is no quota.
    static func quota(_ text: String, file: String = "") -> Quota? {
        let words = text.split { $0 == " " || $0 == "\n" }
        return words.count == 2 ? Quota(time: Int(words[0]), period: Int(words[1]), file: file) : nil
    }

    static func kills(_ text: String) -> Int? {
        var text = text
        return text.withUTF8 { unsafe kills(UnsafeRawBufferPointer($0)) }
    }

    /// Finds the number in the line "oom_kill NUMBER".
    static func kills(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var rest = unsafe bytes[...]
        while unsafe !rest.isEmpty {
            let line = unsafe rest.prefix { $0 != UInt8(ascii: "\n") }
            if unsafe line.starts(with: "oom_kill ".utf8) {
                return unsafe Int(String(decoding: line.dropFirst("oom_kill ".utf8.count), as: UTF8.self))
            }
            unsafe rest = rest.dropFirst(line.count + 1)
        }
        return nil
    }

    /// Reads one number; "max" is none.
    package static func number(_ text: String) -> Int? {
        Int(text.prefix { $0 != "\n" })
    }

    /// Reads a file of this process's group; version 2 has no controller.
    package func own(_ name: String, of controller: Substring = "") -> String? {
        path(of: name, of: controller).flatMap { ProcFile.text($0) }
    }

    private func path(of name: String, of controller: Substring = "") -> String? {
        paths[controller].map { "\(folder(of: controller))\($0 == "/" ? "" : $0)/\(name)" }
    }

    /// Reads the file of this name in the group's folder and in each folder above, up to the root.
    package func files(_ name: String, of controller: Substring = "") -> [(path: String, text: String)] {
        var found: [(path: String, text: String)] = []
        var path = paths[controller] ?? "/"
        while true {
            let file = "\(folder(of: controller))\(path == "/" ? "" : path)/\(name)"
            if let text = ProcFile.text(file) { found.append((file, text)) }
            guard path != "/", let slash = path.lastIndex(of: "/") else { return found }
            path = slash == path.startIndex ? "/" : path[..<slash]
        }
    }

    private func folder(of controller: Substring) -> String {
        controller.isEmpty ? root : "\(root)/\(controller)"
    }
}
