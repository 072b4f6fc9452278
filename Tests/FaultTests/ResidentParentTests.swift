import ForkPool
import Glibc
import Synchronization
import Testing

@Suite struct ResidentParentTests {
    @Test("E1: no resident worker outlives a parent that is killed in the middle of an item", arguments: Way.allCases)
    func killed(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.end(way, by: SIGKILL) }
    }

    @Test("E1: no resident worker outlives a parent that is killed while all are idle", arguments: Way.allCases)
    func killedIdle(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.end(way, by: SIGKILL, idle: true) }
    }

    @Test("E2: SIGINT to the group ends parent and resident workers", arguments: Way.allCases)
    func interruptedGroup(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.end(way, by: SIGINT, group: true) }
    }

    @Test("E2: SIGTERM and SIGINT to the parent alone end parent and resident workers", arguments: Way.allCases)
    func terminatedParent(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.end(way, by: SIGTERM) }
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.end(way, by: SIGINT, idle: true) }
    }

    @Test("E1: a parent that exits without ending its pool leaves no resident worker", arguments: Way.allCases)
    func exits(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.exits(way) }
    }

    @Test("E11: resident workers outlive the thread that started them", arguments: Way.allCases)
    func threadEnds(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.threadEnds(way) }
    }

    @Test("D1: a fork of the parent cannot use the pool, and does it no harm", arguments: Way.allCases)
    func forkOfParent(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentParentScenes.forkOfParent(way) }
    }
}

private enum ResidentParentScenes {
    /// Starts a process in a group of its own that has a pool of three workers, of which each says its id.
    private static func startParent(
        _ way: Way, _ meeting: Rendezvous, idle: Bool, _ after: (() -> Void)? = nil
    ) -> Int32 {
        let parent = Process.fork()
        guard parent == 0 else { return parent }
        setpgid(0, 0)
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        // The thread of a test blocks signals, and its child inherits that.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        Scene.setDeadline()
        let pool = try? way.start(Performer(), workers: 3, options: .init(chunk: .fixed(1)))
        let deed =
            idle
            ? Deed.meet(at: meeting.path, 3, then: .say(at: meeting.path, then: .give(1))) : .sleep(at: meeting.path)
        try? pool?.forEach([deed, deed, deed])
        after?()
        // Idle, until the parent is ended; before a call that never returns an optimizer would let go of the pool.
        meeting.arrive()
        withExtendedLifetime(pool) { if opaque(true) { Process.sleepForEver() } }
        _exit(0)
    }

    static func end(_ way: Way, by signal: Int32, idle: Bool = false, group: Bool = false) {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = startParent(way, meeting, idle: idle)
        let workers = (0..<3).map { _ in meeting.receive() }
        #expect(Set(workers).count == 3)
        if idle { Rendezvous.waitForArrivals(4, at: meeting.path) }
        #expect(workers.allSatisfy { kill($0, 0) == 0 })
        kill(group ? -parent : parent, signal)
        #expect(Process.wait(for: parent) & 0x7f == signal)
        #expect(meeting.everyWriterIsGone())
    }

    static func exits(_ way: Way) {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = startParent(way, meeting, idle: true) { _exit(7) }
        #expect(Process.wait(for: parent) == 7 << 8)
        _ = (0..<3).map { _ in meeting.receive() }
        #expect(meeting.everyWriterIsGone())
    }

    static func threadEnds(_ way: Way) {
        Scene.setDeadline()
        let pristine = Census.now()
        do {
            let made = Mutex<ResidentScene.Pool?>(nil)
            Process.onThreads(1) { _ in
                let pool = try? way.start(Performer(), workers: 2)
                made.withLock { $0 = pool }
            }
            let pool = made.withLock { pool in
                defer { pool = nil }
                return pool
            }!
            try ResidentScene.answersRight(pool)
            let before = try pool.map((0..<20).map { _ in .pid })
            // One whose replacement is started on behalf of nobody's thread.
            #expect(failure { () throws(ForkPool.Failure) in try pool(.exit(1)) }?.exitStatus == 1)
            try ResidentScene.answersRight(pool)
            #expect(!before.isEmpty)
            pool.close()
        } catch {
            Issue.record(error)
        }
        ResidentScene.expectNothingLeft(since: pristine)
    }

    static func forkOfParent(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let child = Process.fork()
            if child == 0 {
                alarm(20)
                var codes: [ForkPool.Failure.Code?] = []
                codes.append(failure { () throws(ForkPool.Failure) in try pool(.give(1)) }?.code)
                codes.append(pool.mapResults([.give(1)])[0].failure?.code)
                pool.close()
                pool.cancel()
                _exit(codes == [.closed, .closed] ? 0 : 1)
            }
            #expect(Process.wait(for: child) == 0)
        }
    }
}
