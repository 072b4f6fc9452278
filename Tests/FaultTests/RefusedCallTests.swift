// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct RefusedCallTests {
    @Test(
        "G11: a sandbox that refuses a call costs nothing, or a failure that names the call: no zombie, no false reason",
        arguments: Kind.allCases)
    func each(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in RefusedCallScenes.each(kind) }
    }

    @Test(
        "G11: no worker outlives a killed parent where prctl, which sets the death signal, is refused",
        arguments: Kind.allCases)
    func parentKilled(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            RefusedCallScenes.parentKilled(kind, EPERM)
            RefusedCallScenes.parentKilled(kind, ENOSYS)
        }
    }

    @Test(
        "G11: no descriptor of the host is in an exec worker where close_range is refused, also above 1023",
        .disabled(if: RefusedCallScenes.mostDescriptors < 2000, "the limit on open files is too low"))
    func descriptors() async {
        await #expect(processExitsWith: .success) { RefusedCallScenes.descriptors() }
    }

    @Test(
        "G11: pools work where /proc is not there", .enabled(if: Credentials.canChange, "only root can unmount it"),
        arguments: Kind.allCases)
    func noProc(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in RefusedCallScenes.noProc(kind) }
    }
}

private enum RefusedCallScenes {
    private static let options = ForkPool.Options(chunk: .fixed(1), timeout: .seconds(1))

    /// Uses a pool with a timeout and a crash.
    private static func live(_ pool: Scene.Pool, _ path: String, _ complaints: inout Complaints) {
        complaints.expectRight(pool)
        let results = pool.mapResults([.sleep(at: path), .give(5), .raise(SIGSEGV), .exit(3)])
        complaints.expect(
            results, [.failure(.timedOut), .value(5), .failure(.crashed), .failure(.exited)], "failures")
        complaints.expect(results[2].failure?.signal == SIGSEGV, "the crash: \(results[2])")
        complaints.expect(results[3].failure?.exitStatus == 3, "the exit: \(results[3])")
        complaints.expectRight(pool)
    }

    static func each(_ kind: Kind) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        let path = meeting.path
        let calls: [Refusal.Call] = [.waitid, .wait4, .prctl, .ppoll, .closeRange, .pidfdOpen, .memfdCreate]
        for error in [EPERM, ENOSYS] {
            Host.run(calls.map { "\(kind), \($0.rawValue), errno \(error)" }) { number, complaints in
                let call = calls[number]
                Refusal(calls: [call], error: error).begin(inEveryThread: true)
                do throws(ForkPool.Failure) {
                    let pool = try kind.start(Performer(), options: options)
                    // A refusal at the start of a one-shot pool is one of its map.
                    if let refusal = pool.mapResults([.give(1)])[0].failure { throw refusal }
                    live(pool, path, &complaints)
                    pool.close()
                } catch {
                    let text = "the system refused \(call.rawValue)"
                    complaints.expect(error.message.contains(text), "\(error)")
                    complaints.expect(!error.message.contains("less memory"), "useless advice: \(error)")
                    complaints.expect(error.errno != nil, "no errno: \(error)")
                }
            }
        }
    }

    static func parentKilled(_ kind: Kind, _ error: Int32) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        let path = meeting.path
        let parent = Host.start {
            Refusal(calls: [.prctl], error: error).begin(inEveryThread: true)
            let pool = try? kind.start(Performer(), options: .init(chunk: .fixed(1)))
            _ = pool?.mapResults([.sleep(at: path), .sleep(at: path)])
            // Without a pool there is no worker either.
            if opaque(true) { Process.sleepForEver() }
        }
        _ = (0..<2).map { _ in meeting.receive() }
        let processes = ProcessStatus.below(parent).map(\.pid)
        kill(parent, SIGKILL)
        #expect(Process.wait(for: parent) == SIGKILL)
        let left = ProcessStatus.waitForEnd(of: processes)
        #expect(left == [], "\(kind), errno \(error): these live on: \(left)")
        Host.endOrphans()
    }

    static var mostDescriptors: UInt {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt(limit.rlim_max)
    }

    static func descriptors() {
        Host.warmUp(.exec)
        for error in [EPERM, ENOSYS] {
            Host.run("errno \(error)") { complaints in
                var limit = rlimit(rlim_cur: 2000, rlim_max: rlim_t(mostDescriptors))
                unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                let open = [1023, 1024, 1500, 1999].map { fcntl(0, F_DUPFD, $0 as Int32) }
                complaints.expect(open == [1023, 1024, 1500, 1999], "open: \(open)")
                Refusal(calls: [.closeRange], error: error).begin(inEveryThread: true)
                complaints.use(.exec) { pool, complaints in
                    complaints.expect(pool.mapResults([.descriptors(from: 1000)]), [.value(0)], "in a worker")
                }
                for descriptor in open { close(descriptor) }
            }
        }
    }

    static func noProc(_ kind: Kind) {
        Host.warmUp(kind)
        let meeting = Rendezvous()
        let path = meeting.path
        // Not within `Host.run`, which looks into /proc at the end.
        let host = Host.start {
            Raw.hideProc()
            var complaints = Complaints()
            complaints.use(kind, options: options) { pool, complaints in live(pool, path, &complaints) }
            // Where a pool says that it needs /proc, that is right too.
            let refused = complaints.list.contains { $0.hasPrefix("no pool: ") && $0.contains("/proc") }
            if !complaints.list.isEmpty, !refused { print("\(kind) without /proc: \(complaints.list)") }
            fflush(nil)
            _exit(complaints.list.isEmpty || refused ? 0 : 1)
        }
        #expect(Process.wait(for: host) == 0)
    }
}

extension Raw {
    /// Hides /proc from this process, by an empty file system over it.
    static func hideProc() {
        let isHidden = unsafe takeMounts() && mount("none", "/proc", "tmpfs", 0, nil) == 0
        precondition(isHidden, "not hidden: errno \(errno)")
    }
}
