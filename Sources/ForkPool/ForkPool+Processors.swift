internal import CForkPool
internal import Glibc

extension ForkPool {
    /// The number of processors that this process may use, at least 1.
    ///
    /// It is the number that its affinity allows (`sched_getaffinity`), or fewer if its control group, or one above,
    /// has a quota: a container with a quota of 1.5 processors counts as 2.
    public static var availableProcessors: Int {
        let allowed = Int(max(cforkpool_sched_getaffinity_count(), 1))
        return min(allowed, CgroupQuota.processors() ?? allowed)
    }
}

/// The processor quota of the control group of this process.
enum CgroupQuota {
    /// Finds the smallest quota in this process's group and all groups above, in processors, rounded up.
    static func processors(root: String = "/sys/fs/cgroup", membership: String = "/proc/self/cgroup") -> Int? {
        let lines = (try? SmallFile.read(membership)) ?? ""
        var path = lines.split(separator: "\n").first { $0.hasPrefix("0::") }.map { $0.dropFirst(3) } ?? "/"
        var smallest: Int?
        while true {
            let folder = path == "/" ? root : root + path
            if let text = try? SmallFile.read(folder + "/cpu.max"), let quota = parse(text) {
                smallest = min(smallest ?? quota, quota)
            }
            guard let slash = path.lastIndex(of: "/"), path != "/" else { return smallest }
            path = slash == path.startIndex ? "/" : path[..<slash]
        }
    }

    /// Parses "QUOTA PERIOD" in microseconds; nil for "max", which is no quota.
    static func parse(_ text: String) -> Int? {
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), quota > 0, period > 0 else {
            return nil
        }
        return (quota - 1) / period + 1
    }
}

/// Reads small files, such as those of the kernel.
enum SmallFile {
    /// Reads the first 64 KiB of a file as text (`open`, `read`).
    static func read(_ path: String) throws(SystemError) -> String {
        let file = try SystemError.check("open") {
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            return descriptor < 0 ? -errno : descriptor
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let length = try SystemError.check("read") {
            let length = unsafe Glibc.read(file, &bytes, bytes.count)
            return length < 0 ? -errno : Int32(length)
        }
        return String(decoding: bytes[..<Int(length)], as: UTF8.self)
    }
}
