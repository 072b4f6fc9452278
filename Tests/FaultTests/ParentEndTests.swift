// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct ParentEndTests {
    @Test(
        "E1: no worker outlives a parent that is killed amid an item or while all are idle, or that exits",
        arguments: Kind.allCases)
    func killed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ParentEndScenes.end(kind, by: SIGKILL)
            // Between two maps a one-shot pool has no worker.
            guard kind != .oneShot else { return }
            ParentEndScenes.end(kind, by: SIGKILL, idle: true)
            ParentEndScenes.exits(kind)
        }
    }

    @Test("E1: no worker of a map inside a worker outlives the outermost parent", arguments: Kind.allCases)
    func killedAboveNestedMap(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ParentEndScenes.endNested(kind) }
    }

    @Test(
        "E2: SIGINT to the group, and SIGTERM and SIGINT to the parent alone, end parent and workers",
        arguments: Kind.allCases)
    func interrupted(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ParentEndScenes.end(kind, by: SIGINT, group: true)
            ParentEndScenes.end(kind, by: SIGTERM)
            ParentEndScenes.end(kind, by: SIGINT, idle: kind != .oneShot)
        }
    }

    @Test("E2: a worker ends by SIGTERM where the host catches it for itself", arguments: Kind.allCases)
    func hostCatchesSignal(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            signal(SIGTERM) { _ in }
            kind.survive([.raise(SIGTERM), .give(1)], options: .init(chunk: .fixed(1))) { results in
                #expect(results[0].failure?.signal == SIGTERM)
                #expect(results[1].value == 1)
            }
        }
    }

    // A one-shot pool may be used in a fork of its process: its workers do so (F8).
    @Test("D1: a fork of the parent cannot use the pool, and does it no harm", arguments: Kind.resident)
    func forkOfParent(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ParentEndScenes.forkOfParent(kind) }
    }
}

private enum ParentEndScenes {
    /// Starts a process in a group of its own that does `work`, with default dispositions.
    private static func startParent(_ work: () -> Void) -> Int32 {
        let parent = Process.fork()
        guard parent == 0 else { return parent }
        setpgid(0, 0)
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        // A test's thread blocks signals, and its child inherits the mask.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        Scene.setDeadline()
        work()
        _exit(0)
    }

    /// Has three workers send their ids and then sleep or become idle; then ends by `end`.
    private static func usePool(_ kind: Kind, _ meeting: Rendezvous, idle: Bool, _ end: () -> Void) {
        let pool = try? kind.start(Performer(), workers: 3, options: .init(chunk: .fixed(1)))
        let path = meeting.path
        let deed = idle ? Deed.meet(at: path, 3, then: .say(at: path, then: .give(1))) : .sleep(at: path)
        try? pool?.forEach([deed, deed, deed])
        // The optimizer would release the pool before a call that never returns.
        withExtendedLifetime(pool) { end() }
    }

    static func end(_ kind: Kind, by signal: Int32, idle: Bool = false, group: Bool = false) {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = startParent {
            usePool(kind, meeting, idle: idle) {
                meeting.arrive()
                if opaque(true) { Process.sleepForEver() }
            }
        }
        let workers = (0..<3).map { _ in meeting.receive() }
        #expect(Set(workers).count == 3)
        if idle { Rendezvous.waitForArrivals(4, at: meeting.path) }
        #expect(workers.allSatisfy { kill($0, 0) == 0 })
        kill(group ? -parent : parent, signal)
        #expect(Process.wait(for: parent) & 0x7f == signal)
        #expect(meeting.everyWriterIsGone())
    }

    static func exits(_ kind: Kind) {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = startParent { usePool(kind, meeting, idle: true) { _exit(7) } }
        #expect(Process.wait(for: parent) == 7 << 8)
        _ = (0..<3).map { _ in meeting.receive() }
        #expect(meeting.everyWriterIsGone())
    }

    static func endNested(_ kind: Kind) {
        Scene.setDeadline()
        let meeting = Rendezvous()
        let parent = startParent {
            let job = Nesting(inner: kind, meeting: meeting.path)
            _ = try? kind.start(job, options: .init(chunk: .fixed(1))).map([1, 2])
        }
        let workers = (0..<4).map { _ in meeting.receive() }
        #expect(Set(workers).count == 4)
        kill(parent, SIGKILL)
        #expect(Process.wait(for: parent) == SIGKILL)
        #expect(meeting.everyWriterIsGone())
    }

    static func forkOfParent(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
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
