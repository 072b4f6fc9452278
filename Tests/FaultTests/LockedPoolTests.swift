// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// A host that locks all memory which it maps from now on: mlockall(MCL_FUTURE).
@Suite struct LockedPoolTests {
    @Test("G13: a pool of a host that locks its memory takes no page that it does not use", arguments: Kind.allCases)
    func unpopulated(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LockedPoolScenes.unpopulated(kind) }
    }

    @Test("G13: a limit on locked memory leaves a smaller pool, or a failure that names it", arguments: Kind.allCases)
    func limited(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LockedPoolScenes.limited(kind) }
    }

    @Test(
        "G13: in a small control group the reservation ends no process", arguments: Kind.allCases)
    func inGroup(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in LockedPoolScenes.inGroup(kind) }
    }

    @Test("G13: shared values of a host that locks its memory take no page that is not used")
    func sharedArray() async {
        await #expect(processExitsWith: .success) { LockedPoolScenes.sharedArray() }
    }

    @Test("G13: a limit on the size of files leaves a smaller pool by exec, or a failure that names it")
    func fileSize() async {
        await #expect(processExitsWith: .success) { LockedPoolScenes.fileSize() }
    }
}

private enum LockedPoolScenes {
    /// Locks what this process maps from now on; returns false where the system does not let it.
    private static func lock() -> Bool { mlockall(Int32(MCL_FUTURE)) == 0 }

    /// The resident memory of this process in bytes.
    private static var resident: Int {
        let pages = Files.text("/proc/self/statm").split(separator: " ")
        return pages.count > 1 ? (Int(pages[1]) ?? 0) * 4096 : 0
    }

    static func unpopulated(_ kind: Kind) {
        // Only where the limit on locked memory does not bind.
        guard geteuid() == 0, lock() else { return }
        let before = resident
        Scene.survive(kind) { pool throws in
            #expect(try pool.map((0..<100).map { .give($0) }) == Array(0..<100))
            #expect(resident - before < 128 << 20, "\(resident - before) bytes more")
        }
    }

    static func limited(_ kind: Kind) {
        Scene.setDeadline()
        // The stacks of threads count, too. Only root may raise the limit.
        var limits = rlimit(rlim_cur: 128 << 20, rlim_max: 128 << 20)
        guard unsafe setrlimit(Limit.lockedMemory.rawValue, &limits) == 0 else { return }
        Limit.becomeOrdinary()
        guard lock() else {
            Issue.record("not locked: errno \(errno)")
            return
        }
        Scene.survive(kind) { pool throws in
            #expect(try pool.map((0..<100).map { .give($0) }) == Array(0..<100))
        }
        Limit.set(.lockedMemory, to: 1 << 10)
        let refused = failure { () throws(ForkPool.Failure) in
            try ForkPool(workers: 2).resident { (item: Int) in item }
        }
        #expect(refused?.code == .noMemory && refused?.errno == EAGAIN, "\(String(describing: refused))")
        #expect(refused?.message.contains("ulimit -l") == true, "\(String(describing: refused))")
    }

    static func inGroup(_ kind: Kind) {
        guard geteuid() == 0, MemoryGroup.canBeMade, let group = MemoryGroup(limit: 256 << 20) else { return }
        let child = Process.fork()
        if child == 0 {
            guard group.enter(), lock() else { _exit(3) }
            do throws(ForkPool.Failure) {
                let pool = try kind.start(Performer(), workers: 2)
                let results = try pool.map((0..<100).map { .give($0) })
                pool.close()
                _exit(results == Array(0..<100) ? 0 : 1)
            } catch {
                _exit(2)
            }
        }
        #expect(Process.wait(for: child) == 0)
        #expect(group.remove())
    }

    static func sharedArray() {
        guard geteuid() == 0, lock() else { return }
        let before = resident
        let array = SharedArray<UInt8>(count: 1 << 30)
        array[1 << 29] = 7
        #expect(array[1 << 29] == 7)
        #expect(resident - before < 16 << 20, "\(resident - before) bytes more")
    }

    static func fileSize() {
        Limit.set(.fileSize, to: 64 << 20)
        Scene.survive(.exec) { pool throws in
            #expect(try pool.map((0..<100).map { .give($0) }) == Array(0..<100))
        }
        Limit.set(.fileSize, to: 4096)
        let refused = failure { () throws(ForkPool.Failure) in try Kind.exec.start(Performer()) }
        #expect(refused?.code == .noMemory && refused?.errno == EFBIG, "\(String(describing: refused))")
        #expect(refused?.message.contains("ulimit -f") == true, "\(String(describing: refused))")
    }
}
