// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// What a host, or somebody with its rights, does to its own process while it has pools.
@Suite struct HostActTests {
    @Test(
        "G16: a host that closes every descriptor while its pool is idle gets right results, timeouts and ends",
        arguments: Kind.allCases)
    func closedDescriptors(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in HostActScenes.closedDescriptors(kind) }
    }

    @Test(
        "G16: timeouts are right in workers whose clock is another one's, by a time namespace",
        .enabled(if: Credentials.canChange && Raw.hasTimeNamespaces, "it needs root and time namespaces"),
        arguments: Kind.allCases)
    func timeNamespace(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in HostActScenes.timeNamespace(kind) }
    }

    @Test(
        "G2: workers with another user outlive no parent whose group or guard is killed, or that becomes another program",
        .enabled(if: Credentials.canChange, "only root can change its user"), arguments: Kind.resident)
    func guardKilled(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Host.warmUp(kind)
            for kill in HostActScenes.Kill.allCases { HostActScenes.killParent(kind, kill) }
        }
    }

    @Test(
        "C6: where the address space is limited, a pool leaves room for its threads, whatever the limit",
        arguments: Kind.allCases)
    func roomForThreads(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in HostActScenes.roomForThreads(kind) }
    }
}

private enum HostActScenes {
    private static let options = ForkPool.Options(chunk: .fixed(1), timeout: .seconds(1))

    static func closedDescriptors(_ kind: Kind) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        let path = meeting.path
        // With some workers the numbers of their descriptors come again in any order.
        let workers = [2, 5, 5]
        Host.run(workers.map { "\(kind), \($0) workers" }) { number, complaints in
            closeDescriptors(kind, workers[number], path, &complaints)
        }
    }

    private static func closeDescriptors(_ kind: Kind, _ workers: Int, _ path: String, _ complaints: inout Complaints) {
        let before = Self.descriptors
        complaints.use(kind, workers: workers, options: options) { pool, complaints in
            complaints.expectRight(pool)
            // A host that closes them while another thread of its own opens some has no certain outcome.
            Looking.untilIdle()
            // What the host had before is the test's. Without its memory no program becomes a worker.
            for descriptor in Self.descriptors.subtracting(before)
            where !Files.target(of: descriptor).hasPrefix("/memfd:") {
                close(descriptor)
            }
            complaints.expectRight(pool)
            let results = pool.mapResults([.sleep(at: path), .give(5)])
            complaints.expect(results, [.failure(.timedOut), .value(5)], "a timeout")
            let crashes = pool.mapResults([.raise(SIGSEGV), .give(6)])
            complaints.expect(crashes, [.failure(.crashed), .value(6)], "a crash")
            complaints.expectRight(pool)
        }
    }

    private static var descriptors: Set<Int32> { Set((3..<1024).filter { fcntl($0, F_GETFD) >= 0 }) }

    static func timeNamespace(_ kind: Kind) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        let path = meeting.path
        let offsets = [-60, 3600]
        Host.run(offsets.map { "\(kind), \($0) seconds" }) { number, complaints in
            complaints.expect(Raw.shiftTime(by: offsets[number]), "the clock is the same: errno \(errno)")
            complaints.use(kind, options: options) { pool, complaints in
                for _ in 0..<3 { complaints.expectRight(pool) }
                let results = pool.mapResults([.sleep(at: path), .give(5), .nap(300)])
                complaints.expect(results, [.failure(.timedOut), .value(5), .value(-1)], "times")
            }
        }
    }

    enum Kill: CaseIterable {
        case group, guardBefore
        /// None: the parent becomes another program.
        case exec
        /// The guard and a worker at once.
        case guardAndWorker
    }

    static func killParent(_ kind: Kind, _ way: Kill) {
        let meeting = Rendezvous()
        meeting.openToAll()
        let path = meeting.path
        let parent = Host.start {
            setpgid(0, 0)
            let pool = try? Changing(credentials: .groupAndUser).start(kind, options: .init(chunk: .fixed(1)))
            // Each worker does one of two deeds.
            let meet = Deed.meet(at: path, 2, then: .give(1))
            _ = pool?.mapResults([meet, meet])
            if way == .guardBefore || way == .guardAndWorker {
                // It gets its name when it runs.
                let first = Self.waitForGuard(otherThan: 0)
                let worker = way == .guardAndWorker ? Int32(pool?.mapResults([.pid])[0].value ?? -1) : nil
                kill(first, SIGKILL)
                if let worker, worker > 0 { kill(worker, SIGKILL) }
                _ = Self.waitForGuard(otherThan: first)
            }
            let last = Deed.say(at: path, then: .give(1))
            _ = pool?.mapResults([last])
            if way == .exec { unsafe Self.becomeSleep() }
            withExtendedLifetime(pool) { if opaque(true) { Process.sleepForEver() } }
        }
        let worker = meeting.receive()
        let processes = way == .exec ? [worker] : ProcessStatus.below(parent).map(\.pid)
        if way != .exec { kill(way == .group ? -parent : parent, SIGKILL) }
        let left = ProcessStatus.waitForEnd(of: processes)
        if way == .exec { kill(parent, SIGKILL) }
        #expect(Process.wait(for: parent) == SIGKILL)
        #expect(left == [], "\(kind), \(way): these live on: \(left)")
        Host.endOrphans()
    }

    @unsafe private static func becomeSleep() {
        let arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("sleep"), strdup("1000"), nil]
        unsafe execv("/bin/sleep", arguments)
    }

    private static func waitForGuard(otherThan other: Int32) -> Int32 {
        while true {
            if let pid = ProcessStatus.guards(of: getpid()).first(where: { $0 != other }) { return pid }
            usleep(1000)
        }
    }

    static func roomForThreads(_ kind: Kind) {
        Host.warmUp(kind)
        // What is free is more than one power of two, and less than the next.
        for free in [300, 400, 520, 700, 1000, 1500] {
            Host.run("\(kind), \(free) MiB") { complaints in
                Limit.set(.addressSpace, to: Files.addressSpace + free << 20)
                complaints.use(kind) { pool, complaints in complaints.expectRight(pool) }
            }
        }
    }
}

extension Raw {
    private static let clockOffsets = "/proc/self/timens_offsets"

    static var hasTimeNamespaces: Bool { unsafe access(clockOffsets, F_OK) == 0 }

    /// Has what this process starts live in a time namespace, where the clock is so many seconds ahead; returns false if the
    /// system refuses.
    static func shiftTime(by seconds: Int) -> Bool {
        guard unshare(.time) else { return false }
        let file = unsafe open(clockOffsets, O_WRONLY | O_CLOEXEC)
        let text = Array("monotonic \(seconds) 0\n".utf8)
        let length = unsafe write(file, text, text.count)
        close(file)
        return length == text.count
    }
}
