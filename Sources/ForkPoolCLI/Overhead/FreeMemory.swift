// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import ForkPoolLaunch
import Glibc

/// The memory that this process and its workers may still use.
struct FreeMemory {
    /// The bytes that are free on the machine and within the limits of this process's control groups; nil if unknown.
    let bytes: Int?

    /// Reads what the system says now.
    init() {
        let machine = ProcFile.text("/proc/meminfo").flatMap { Self.number("MemAvailable:", in: $0) }.map { $0 * 1024 }
        let group = Cgroup()
        let left = group.memoryLimit.flatMap { limit in
            group.memoryUsage.map { max(0, limit - $0 + Self.reclaimable(group)) }
        }
        bytes = [machine, left].compactMap { $0 }.min()
    }

    /// The bytes that the machine has, or that this process's control groups allow if that is less.
    static var total: Int {
        min(Cgroup().memoryLimit ?? .max, sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Makes one with a known number of bytes.
    init(bytes: Int?) {
        self.bytes = bytes
    }

    /// The bytes of files that a group used and that the system drops when memory is short.
    private static func reclaimable(_ group: Cgroup) -> Int {
        let counts = group.own("memory.stat") ?? group.own("memory.stat", of: "memory") ?? ""
        return number("total_inactive_file", in: counts) ?? number("inactive_file", in: counts) ?? 0
    }

    private static func number(_ name: String, in text: String) -> Int? {
        let words = text.split(separator: "\n").lazy.map { $0.split(separator: " ") }
        return words.first { $0.count > 1 && $0[0] == name }.flatMap { Int($0[1]) }
    }

    /// Returns the reason why a row is left out; nil if there is room for it, or nothing is known.
    ///
    /// An eighth of the free memory is left to others.
    func refusal(of row: Row) -> String? {
        guard let needs = row.needs, let bytes, needs > bytes / 8 * 7 else { return nil }
        return "it needs \(Self.text(needs)) of memory, and \(Self.text(bytes)) are free"
    }

    private static func text(_ bytes: Int) -> String { Scale.bytes(Double(bytes)).text(Double(bytes)) }
}
#endif
