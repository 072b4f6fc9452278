// SPDX-License-Identifier: Apache-2.0
package import ForkPool

// What `forkpool doctor` shows of control groups besides the quota.

extension Cgroup {
    /// The smallest limit on memory of these groups, in bytes, or nil.
    package var memoryLimit: Int? {
        // Version 1 shows "no limit" as the largest number of whole pages.
        let none = Int.max - (64 << 10)
        let limits = files("memory.max") + files("memory.limit_in_bytes", of: "memory")
        return limits.compactMap { Self.number($0.text) }.filter { $0 < none }.min()
    }

    /// The memory in bytes that the processes of this process's group use, or nil.
    package var memoryUsage: Int? {
        (own("memory.current") ?? own("memory.usage_in_bytes", of: "memory")).flatMap(Self.number)
    }

    /// The percentage of the last 10 s in which a process of this process's group waited for a resource, or nil.
    package func pressure(_ resource: String) -> Double? {
        own("\(resource).pressure").flatMap(Self.pressure)
    }

    /// The same for the processes of the whole system.
    package static func systemPressure(_ resource: String) -> Double? {
        ProcFile.text("/proc/pressure/\(resource)").flatMap(pressure)
    }

    /// Reads "some avg10=PERCENTAGE …", the first line of a pressure file.
    static func pressure(_ text: String) -> Double? {
        let words = text.prefix { $0 != "\n" }.split(separator: " ")
        guard words.first == "some" else { return nil }
        return words.first { $0.hasPrefix("avg10=") }.flatMap { Double($0.dropFirst("avg10=".count)) }
    }
}
