import Foundation
import Glibc
import Testing

@testable import ForkPool

@Suite("The processors of this process")
struct ProcessorsTests {
    @Test(
        "are rounded up from a quota and its period",
        arguments: [
            ("150000 100000\n", 2), ("100000 100000", 1), ("100001 100000\n", 2), ("1000 100000", 1),
            ("800000 100000", 8),
            ("50000 25000", 2), ("9223372036854775807 1", 9_223_372_036_854_775_807),
            ("9223372036854775807 100000", 92_233_720_368_548),
        ])
    func quota(text: String, processors: Int) {
        #expect(CgroupQuota.parse(text) == processors)
    }

    @Test(
        "have no quota in words that are none",
        arguments: [
            "max 100000\n", "max", "", "\n", "100000", "100000 100000 1", "-1 100000", "0 100000", "100000 0",
            "100000 -5", "1e5 100000", "a b", "9223372036854775808 100000",
        ])
    func noQuota(text: String) {
        #expect(CgroupQuota.parse(text) == nil)
    }

    @Test("are those of the smallest quota from the group to the root")
    func nested() throws {
        let folder = try Folder()
        try folder.write("0::/a/b/c\n", to: "membership")
        try folder.write("max 100000\n", to: "root/a/b/c/cpu.max")
        #expect(folder.processors == nil)
        try folder.write("350000 100000\n", to: "root/a/b/cpu.max")
        #expect(folder.processors == 4)
        try folder.write("700000 100000\n", to: "root/a/cpu.max")
        #expect(folder.processors == 4)
        try folder.write("150000 100000\n", to: "root/cpu.max")
        #expect(folder.processors == 2)
        try folder.write("90000 100000\n", to: "root/a/b/c/cpu.max")
        #expect(folder.processors == 1)
        // A group beside the way does not count, nor one below.
        try folder.write("0::/a\n", to: "membership")
        #expect(folder.processors == 2)
    }

    @Test("have the root's quota where the group is the root or not known")
    func root() throws {
        let folder = try Folder()
        try folder.write("250000 100000\n", to: "root/cpu.max")
        #expect(folder.processors == 3)
        try folder.write("0::/\n", to: "membership")
        #expect(folder.processors == 3)
        try folder.write("garbage\n", to: "membership")
        #expect(folder.processors == 3)
        try folder.write("0::/gone/away\n", to: "membership")
        #expect(folder.processors == 3)
    }

    @Test("have the quota of the unified hierarchy where there are others beside it")
    func hybrid() throws {
        let folder = try Folder()
        try folder.write("12:cpu,cpuacct:/v1\n1:name=systemd:/v1\n0::/v2\n", to: "membership")
        try folder.write("100000 100000\n", to: "root/v1/cpu.max")
        try folder.write("600000 100000\n", to: "root/v2/cpu.max")
        #expect(folder.processors == 6)
        #expect(CgroupQuota.processors(root: folder.path + "/nothing", membership: folder.path + "/nothing") == nil)
    }

    @Test("are at least one, and no more than it may run on")
    func available() {
        let allowed = Affinity.processors.count
        #expect(ForkPool.availableProcessors >= 1)
        #expect(ForkPool.availableProcessors <= allowed)
        #expect(ForkPool().workers == ForkPool.availableProcessors)
    }

    @Test("are one where it may run on one alone")
    func pinned() async {
        await #expect(processExitsWith: .success) {
            alarm(30)
            Affinity.pin(to: Affinity.processors[0])
            #expect(Affinity.processors.count == 1)
            #expect(ForkPool.availableProcessors == 1)
            #expect(ForkPool().workers == 1)
        }
    }
}

/// What Swift hides of the scheduler.
enum Affinity {
    private typealias Call = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32

    private static func call(_ name: String, _ mask: inout [UInt8]) -> Int32 {
        let call = unsafe unsafeBitCast(dlsym(nil, name)!, to: Call.self)
        return unsafe mask.withUnsafeMutableBytes { unsafe call(0, $0.count, $0.baseAddress!) }
    }

    /// The numbers of the processors that this thread may run on.
    static var processors: [Int] {
        var mask = [UInt8](repeating: 0, count: 1024)
        guard call("sched_getaffinity", &mask) == 0 else { return [] }
        return (0..<8192).filter { mask[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
    }

    /// Keeps this thread, and those that it starts, on one processor.
    static func pin(to processor: Int) {
        var mask = [UInt8](repeating: 0, count: 1024)
        mask[processor / 8] = 1 << UInt8(processor % 8)
        #expect(call("sched_setaffinity", &mask) == 0)
    }
}

/// A tree of groups as the kernel shows it, in a scratch folder.
private final class Folder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("forkpool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ text: String, to name: String) throws {
        let file = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    var processors: Int? {
        CgroupQuota.processors(root: path + "/root", membership: path + "/membership")
    }
}
