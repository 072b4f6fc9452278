// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The memory of a process and all its descendants, in KiB, as the kernel counts it at one moment.
///
/// Not counted is what the kernel has for each process besides: a stack of 16 KiB and some 10 KiB of records.
struct TreeMemory {
    /// Pages that one process alone has.
    private(set) var own = 0
    /// Pages that several processes have, each counted once.
    private(set) var shared = 0
    private(set) var pageTables = 0

    /// Reads the memory of a process and of what it started.
    init(of root: Int32) {
        for process in Self.tree(of: root) {
            let pages = Self.numbers("/proc/\(process)/smaps_rollup")
            let own = pages["Private_Clean", default: 0] + pages["Private_Dirty", default: 0]
            self.own += own
            // The kernel divides each shared page among its processes, so that the sum counts it once.
            shared += pages["Pss", default: own] - own
            pageTables += Self.numbers("/proc/\(process)/status")["VmPTE", default: 0]
        }
    }

    /// The ids of a process and of all its descendants.
    private static func tree(of root: Int32) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        guard let folder = unsafe opendir("/proc") else { return [root] }
        defer { unsafe closedir(folder) }
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            guard let process = Int32(name), let text = ProcFile.text("/proc/\(name)/stat") else { continue }
            // The name of the program, in parentheses, may contain anything.
            let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
            if fields.count > 2, let parent = Int32(fields[2]) { children[parent, default: []].append(process) }
        }
        var found = [root]
        var next = 0
        while next < found.count {
            found += children[found[next], default: []]
            next += 1
        }
        return found
    }

    /// Reads the numbers of lines such as "Pss:  12 kB", by their names.
    private static func numbers(_ path: String) -> [Substring: Int] {
        var numbers: [Substring: Int] = [:]
        for line in (ProcFile.text(path) ?? "").split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count > 1, let name = words.first, name.hasSuffix(":"), let number = Int(words[1]) else {
                continue
            }
            numbers[name.dropLast()] = number
        }
        return numbers
    }
}
#endif
