import ForkPool
import Glibc
import Testing

@Suite struct ParentEndTests {
    @Test("E1: no worker outlives a parent that is killed in the middle of an item")
    func killed() async {
        await #expect(processExitsWith: .success) { ParentEndScenes.end(by: SIGKILL) }
    }

    @Test("E1: no worker of a map inside a worker outlives the outermost parent")
    func killedAboveNestedMap() async {
        await #expect(processExitsWith: .success) { ParentEndScenes.endNested() }
    }

    @Test("E2: SIGINT to the group ends parent and workers")
    func interruptedGroup() async {
        await #expect(processExitsWith: .success) { ParentEndScenes.end(by: SIGINT, group: true) }
    }

    @Test("E2: SIGTERM and SIGINT to the parent alone end parent and workers")
    func terminatedParent() async {
        await #expect(processExitsWith: .success) { ParentEndScenes.end(by: SIGTERM) }
        await #expect(processExitsWith: .success) { ParentEndScenes.end(by: SIGINT) }
    }

    @Test("E2: a worker ends by SIGTERM where the host catches it for itself")
    func hostCatchesSignal() async {
        await #expect(processExitsWith: .success) { ParentEndScenes.hostCatchesSignal() }
    }
}

private enum ParentEndScenes {
    /// Starts a process in a group of its own that runs `work`, with default dispositions.
    private static func startParent(_ work: () -> Void) -> Int32 {
        let parent = Process.fork()
        guard parent == 0 else { return parent }
        setpgid(0, 0)
        for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
        // The thread of a test blocks signals, and its child inherits that.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        Scene.setDeadline()
        work()
        _exit(0)
    }

    static func end(by signal: Int32, group: Bool = false) {
        Scene.setDeadline()
        let pids = PidPipe()
        let parent = startParent {
            try? ForkPool(workers: 3, options: .init(chunk: .fixed(1))).forEach(0..<3) { _ in
                pids.send()
                Process.sleepForEver()
            }
        }
        pids.closeWriting()
        let workers = (0..<3).map { _ in pids.receive() }
        #expect(Set(workers).count == 3)
        #expect(workers.allSatisfy { kill($0, 0) == 0 })
        kill(group ? -parent : parent, signal)
        #expect(Process.wait(for: parent) & 0x7f == signal)
        #expect(pids.everyWriterIsGone())
    }

    static func endNested() {
        Scene.setDeadline()
        let pids = PidPipe()
        let parent = startParent {
            let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
            try? pool.forEach(0..<2) { _ in
                try pool.forEach(0..<2) { _ in
                    pids.send()
                    Process.sleepForEver()
                }
            }
        }
        pids.closeWriting()
        let workers = (0..<4).map { _ in pids.receive() }
        #expect(Set(workers).count == 4)
        kill(parent, SIGKILL)
        #expect(Process.wait(for: parent) == SIGKILL)
        #expect(pids.everyWriterIsGone())
    }

    static func hostCatchesSignal() {
        signal(SIGTERM) { _ in }
        Scene.survive(options: .init(chunk: .fixed(1))) { pool throws in
            let results = pool.mapResults(0..<2) { item in
                if item == 0 { Process.killSelf(SIGTERM) }
                return item
            }
            #expect(results[0].failure?.signal == SIGTERM)
            #expect(results[1].value == 1)
        }
    }
}
