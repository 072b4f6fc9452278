import ForkPool
import Glibc
import Testing

@Suite struct HostTests {
    @Test("E5: a storm of SIGALRM with a handler, one each millisecond, spoils nothing")
    func signalStorm() async {
        await #expect(processExitsWith: .success) { HostScenes.signalStorm() }
    }

    @Test("E9: text that was printed before the map and not flushed appears once")
    func unflushedText() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            HostScenes.unflushedText()
        }
        let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(text.split(separator: "before the map", omittingEmptySubsequences: false).count == 2, "\(text)")
        // What a body prints is written, also when it exits.
        #expect(text.split(separator: "in item", omittingEmptySubsequences: false).count == 5, "\(text)")
    }

    @Test("E: a host that ignores SIGCHLD loses the status and sees the death")
    func ignoredChildSignal() async {
        await #expect(processExitsWith: .success) { HostScenes.ignoredChildSignal() }
    }

    @Test("E: a host that reaps every child in its SIGCHLD handler sees the death")
    func reapingHandler() async {
        await #expect(processExitsWith: .success) { HostScenes.reapingHandler() }
    }

    @Test("E: children of the host are left to the host")
    func hostChild() async {
        await #expect(processExitsWith: .success) { HostScenes.hostChild() }
    }

    @Test("E: exit handlers of the host run once, in the host, although a body calls exit()")
    func exitHandlers() async {
        await #expect(processExitsWith: .success) { HostScenes.exitHandlers() }
    }

    @Test("E: a body's standard input is /dev/null, and the host's is left as it was")
    func standardInput() async {
        await #expect(processExitsWith: .success) { HostScenes.standardInput() }
    }

    @Test("E: a SIGTERM that the host blocks is not blocked in a worker")
    func blockedSignal() async {
        await #expect(processExitsWith: .success) { HostScenes.blockedSignal() }
    }

    @Test("E: a map that is to refuse threads counts none that has ended, be it the host's or the library's own")
    func endedThreads() async {
        await #expect(processExitsWith: .success) { HostScenes.endedThreads() }
    }
}

/// Ticks that the storm's handler counted.
nonisolated(unsafe) private var ticks = 0

/// Where the host's exit handler writes.
nonisolated(unsafe) private var ending: Int32 = -1

private enum HostScenes {
    static func signalStorm() {
        let pristine = Census.now()
        // No alarm is left to end a hang, so the handler does.
        signal(SIGALRM) { _ in
            unsafe ticks += 1
            if unsafe ticks > 30_000 { abort() }
        }
        var each = itimerval()
        each.it_interval.tv_usec = 1000
        each.it_value.tv_usec = 1000
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &each, nil)
        do {
            let pool = ForkPool(workers: 2)
            var rounds = 0
            while unsafe ticks < 200 || rounds < 20 {
                #expect((try? pool.map(0..<40, spin)) == Array(0..<40))
                let results = pool.mapResults(0..<8) { item in
                    if item == 3 { Process.killSelf() }
                    return "value \(item)"
                }
                #expect(results.compactMap(\.value).count == 7)
                #expect(results[3].failure?.signal == SIGKILL)
                rounds += 1
            }
        }
        var never = itimerval()
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &never, nil)
        #expect(Census.now() == pristine)
    }

    /// Takes some 100 µs.
    private static func spin(_ item: Int) -> Int {
        var sum = 0
        for number in 0..<10_000 { sum = opaque(sum &+ number) }
        return item + (sum == 0 ? 1 : 0)
    }

    static func unflushedText() {
        print("before the map", terminator: " ")
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<4) { item in
                print("in item \(item)")
                if item == 3 { exit(0) }
                return item
            }
            #expect(results.map(\.value) == [0, 1, 2, nil])
        }
    }

    static func ignoredChildSignal() {
        signal(SIGCHLD, SIG_IGN)
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<200) { item in
                if item % 10 == 3 { Process.killSelf() }
                return item
            }
            #expect(results.compactMap(\.value) == (0..<200).filter { $0 % 10 != 3 })
            for item in stride(from: 3, to: 200, by: 10) {
                #expect(results[item].failure?.code == .lost, "\(String(describing: results[item].failure))")
                #expect(results[item].failure?.index == item)
                #expect(results[item].failure?.message.contains("SIGCHLD") == true)
            }
        }
    }

    static func reapingHandler() {
        signal(SIGCHLD) { _ in
            let before = errno
            while waitpid(-1, nil, WNOHANG) > 0 {}
            errno = before
        }
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<200) { item in
                if item % 10 == 3 { Process.killSelf() }
                return item
            }
            #expect(results.compactMap(\.value) == (0..<200).filter { $0 % 10 != 3 })
            for item in stride(from: 3, to: 200, by: 10) {
                // Whoever reaps first has the status.
                let code = results[item].failure?.code
                #expect(code == .lost || code == .killed, "\(String(describing: results[item].failure))")
            }
        }
    }

    static func hostChild() {
        Scene.survive { pool throws in
            let child = Process.fork()
            if child == 0 { _exit(7) }
            // It has ended before the map begins, and is not reaped.
            var info = unsafe siginfo_t()
            _ = unsafe waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT)
            let results = pool.mapResults(0..<20) { item in
                if item == 5 { Process.killSelf() }
                return item
            }
            #expect(results.compactMap(\.value).count == 19)
            #expect(Process.wait(for: child) == 7 << 8)
        }
    }

    static func exitHandlers() {
        Scene.setDeadline()
        let pids = PidPipe()
        unsafe ending = pids.writing
        let host = Process.fork()
        if host == 0 {
            atexit { PidPipe.send(getpid(), to: unsafe ending) }
            Scene.survive { pool throws in
                let results = pool.mapResults(0..<4) { item in
                    if item % 2 == 1 { exit(0) }
                    return item
                }
                #expect(results.map(\.value) == [0, nil, 2, nil])
            }
            exit(5)
        }
        pids.closeWriting()
        #expect(Process.wait(for: host) == 5 << 8)
        #expect([pids.receive(), pids.receive()] == [host, -1])
    }

    static func endedThreads() {
        Scene.setDeadline()
        // What is forked has one thread.
        let host = Process.fork()
        if host == 0 {
            Scene.setDeadline()
            let strict = ForkPool(workers: 1, options: .init(refusesThreads: true))
            var refused: Int32 = 0
            for number in 0..<100 {
                Process.onThreads(1) { _ in }
                if (try? strict.map([number]) { $0 }) != [number] { refused += 1 }
                let resident = try? ForkPool(workers: 1).resident { (item: Int) -> Int in item }
                resident?.close()
                if (try? strict.map([number]) { $0 }) != [number] { refused += 1 }
            }
            _exit(refused)
        }
        #expect(Process.wait(for: host) == 0)
    }

    static func standardInput() {
        Scene.survive { pool throws in
            var ends: [Int32] = [-1, -1]
            _ = unsafe pipe(&ends)
            let saved = dup(0)
            dup2(ends[0], 0)
            _ = unsafe write(ends[1], "text", 4)
            let read = try pool.map(0..<4) { _ in
                var byte: UInt8 = 0
                return unsafe Glibc.read(0, &byte, 1)
            }
            #expect(read == [0, 0, 0, 0])
            #expect(try pool.map(0..<2) { _ in Files.target(of: 0) } == ["/dev/null", "/dev/null"])
            var bytes = [UInt8](repeating: 0, count: 4)
            #expect(unsafe Glibc.read(0, &bytes, 4) == 4)
            #expect(bytes == Array("text".utf8))
            dup2(saved, 0)
            for descriptor in ends + [saved] { close(descriptor) }
        }
    }

    static func blockedSignal() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGUSR1] { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        Scene.survive { pool throws in
            let isBlocked = try pool.map([SIGTERM, SIGINT, SIGUSR1]) { number in
                var mask = sigset_t()
                unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
                return unsafe sigismember(&mask, number)
            }
            #expect(isBlocked == [0, 0, 0])
            var mask = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            #expect(unsafe sigismember(&mask, SIGTERM) == 1)
        }
    }
}
