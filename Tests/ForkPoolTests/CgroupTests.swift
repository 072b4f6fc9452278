// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import ForkPool
@testable import ForkPoolLaunch

@Suite("Control groups")
struct CgroupTests {
    @Test(
        "round a quota up to whole processors",
        arguments: [
            ("150000 100000\n", 2), ("100000 100000", 1), ("100001 100000\n", 2), ("1000 100000", 1),
            ("800000 100000", 8), ("50000 25000", 2), ("9223372036854775807 1", 9_223_372_036_854_775_807),
            ("9223372036854775807 100000", 92_233_720_368_548),
        ])
    func quota(text: String, processors: Int) {
        #expect(Cgroup.quota(text)?.wholeProcessors == processors)
    }

    @Test(
        "have no quota if the text is not one",
        arguments: [
            "max 100000\n", "max", "", "\n", "100000", "100000 100000 1", "-1 100000", "0 100000", "100000 0",
            "100000 -5", "1e5 100000", "a b", "9223372036854775808 100000",
        ])
    func noQuota(text: String) {
        #expect(Cgroup.quota(text) == nil)
    }

    @Test("have the smallest quota from the group to the root, in version 2")
    func nested() throws {
        let tree = try Tree("0::/a/b/c\n")
        try tree.write("max 100000\n", to: "a/b/c/cpu.max")
        #expect(tree.cgroup.cpuQuota == nil)
        try tree.write("350000 100000\n", to: "a/b/cpu.max")
        #expect(tree.processors == 4)
        try tree.write("700000 100000\n", to: "a/cpu.max")
        #expect(tree.processors == 4)
        try tree.write("150000 100000\n", to: "cpu.max")
        #expect(tree.processors == 2)
        #expect(tree.cgroup.cpuQuota?.processors == 1.5)
        #expect(tree.cgroup.cpuQuota?.file == tree.root + "/cpu.max")
        try tree.write("90000 100000\n", to: "a/b/c/cpu.max")
        #expect(tree.processors == 1)
        // Groups beside and below do not count.
        try tree.writeMembership("0::/a\n")
        #expect(tree.processors == 2)
    }

    @Test("have the smallest quota from the group to the root, in version 1")
    func nestedOld() throws {
        let tree = try Tree("12:cpu,cpuacct:/a/b\n3:memory:/a\n")
        try tree.write("-1\n", to: "cpu/a/b/cpu.cfs_quota_us")
        try tree.write("100000\n", to: "cpu/a/b/cpu.cfs_period_us")
        #expect(tree.cgroup.cpuQuota == nil)
        try tree.write("250000\n", to: "cpu/a/cpu.cfs_quota_us")
        // The period is missing.
        #expect(tree.cgroup.cpuQuota == nil)
        try tree.write("100000\n", to: "cpu/a/cpu.cfs_period_us")
        #expect(tree.processors == 3)
        try tree.write("50000\n", to: "cpu/cpu.cfs_quota_us")
        try tree.write("100000\n", to: "cpu/cpu.cfs_period_us")
        #expect(tree.processors == 1)
        #expect(tree.cgroup.cpuQuota?.processors == 0.5)
        #expect(tree.cgroup.cpuQuota?.file == tree.root + "/cpu/cpu.cfs_quota_us")
    }

    @Test("have the root's quota if the group is the root, or unknown, or not visible here")
    func root() throws {
        let tree = try Tree("")
        try tree.write("250000 100000\n", to: "cpu.max")
        for membership in ["0::/\n", "garbage\n", "0::/gone/away\n", ""] {
            try tree.writeMembership(membership)
            #expect(tree.processors == 3)
        }
        let old = try Tree("4:cpu:/docker/4711\n")
        try old.write("150000\n", to: "cpu/cpu.cfs_quota_us")
        try old.write("100000\n", to: "cpu/cpu.cfs_period_us")
        #expect(old.processors == 2)
    }

    @Test("have the smaller quota of both versions if the system has both")
    func hybrid() throws {
        let tree = try Tree("12:cpu,cpuacct:/v1\n1:name=systemd:/v1\n0::/v2\n")
        // A group of version 1 does not count for version 2.
        try tree.write("100000 100000\n", to: "v1/cpu.max")
        try tree.write("600000 100000\n", to: "v2/cpu.max")
        #expect(tree.processors == 6)
        try tree.write("400000\n", to: "cpu/v1/cpu.cfs_quota_us")
        try tree.write("100000\n", to: "cpu/v1/cpu.cfs_period_us")
        #expect(tree.processors == 4)
    }

    @Test("have the smallest memory limit from the group to the root, and the group's own usage")
    func memory() throws {
        let tree = try Tree("0::/a/b\n")
        try tree.write("max\n", to: "a/b/memory.max")
        try tree.write("4096\n", to: "a/memory.current")
        #expect(tree.cgroup.memoryLimit == nil && tree.cgroup.memoryUsage == nil)
        try tree.write("2000000\n", to: "a/memory.max")
        try tree.write("1000000\n", to: "a/b/memory.current")
        #expect(tree.cgroup.memoryLimit == 2_000_000 && tree.cgroup.memoryUsage == 1_000_000)
        let old = try Tree("3:memory:/m\n0::/\n")
        try old.write("9223372036854771712\n", to: "memory/m/memory.limit_in_bytes")
        #expect(old.cgroup.memoryLimit == nil)
        try old.write("3000000\n", to: "memory/memory.limit_in_bytes")
        try old.write("77\n", to: "memory/m/memory.usage_in_bytes")
        #expect(old.cgroup.memoryLimit == 3_000_000 && old.cgroup.memoryUsage == 77)
    }

    @Test("count the OOM kills of this process's own group, in both versions")
    func kills() throws {
        let tree = try Tree("0::/a\n")
        try tree.write("oom_kill 9\n", to: "memory.events")
        #expect(tree.cgroup.outOfMemoryKills == nil)
        try tree.write("low 1\nhigh 0\nmax 5\noom 4\noom_kill 3\noom_group_kill 2\n", to: "a/memory.events")
        #expect(tree.cgroup.outOfMemoryKills == 3)
        let old = try Tree("0::/\n7:net_cls,memory:/m\n")
        try old.write("oom_kill_disable 0\nunder_oom 0\noom_kill 8\n", to: "memory/m/memory.oom_control")
        #expect(old.cgroup.outOfMemoryKills == 8)
        try old.write("oom_kill_disable 0\nunder_oom 0\n", to: "memory/m/memory.oom_control")
        #expect(old.cgroup.outOfMemoryKills == nil)
    }

    @Test("tell how long processes waited")
    func pressure() throws {
        let tree = try Tree("0::/a\n")
        let text = "some avg10=12.50 avg60=3.00 avg300=0.10 total=4711\nfull avg10=7.00 avg60=0.00 total=1\n"
        try tree.write(text, to: "a/io.pressure")
        #expect(tree.cgroup.pressure("io") == 12.5)
        #expect(tree.cgroup.pressure("cpu") == nil)
        #expect(Cgroup.pressure("full avg10=7.00\n") == nil && Cgroup.pressure("") == nil)
    }

    @Test("limit nothing if no file can be read")
    func unreadable() throws {
        let tree = try Tree("0::/a\n3:memory,cpu:/m\n")
        // A folder opens, and the system refuses to read it.
        for name in ["a/cpu.max", "a/memory.max", "a/memory.events", "cpu/m/cpu.cfs_quota_us"] {
            try FileManager.default.createDirectory(atPath: "\(tree.root)/\(name)", withIntermediateDirectories: true)
        }
        for cgroup in [tree.cgroup, Cgroup(root: tree.root, membership: tree.root + "/none"), Cgroup(root: "/none")] {
            #expect(cgroup.cpuQuota == nil && cgroup.memoryLimit == nil && cgroup.memoryUsage == nil)
            #expect(cgroup.outOfMemoryKills == nil && cgroup.pressure("cpu") == nil)
        }
    }
}

/// A tree of groups as the kernel shows it, in a scratch folder.
private final class Tree {
    private let folder: URL

    init(_ membership: String) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try writeMembership(membership)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    var root: String { folder.path + "/root" }
    var cgroup: Cgroup { Cgroup(root: root, membership: folder.path + "/membership") }
    var processors: Int? { cgroup.cpuQuota?.wholeProcessors }

    func writeMembership(_ text: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent("membership"))
    }

    func write(_ text: String, to name: String) throws {
        let file = URL(fileURLWithPath: "\(root)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
}
