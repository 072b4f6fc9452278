// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct HostTests {
    @Test("E5: a storm of SIGALRM with a handler, one each millisecond, spoils nothing", arguments: Kind.allCases)
    func signalStorm(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in HostScenes.signalStorm(kind) }
    }

    @Test("E9: text that was printed before the pool was made and not flushed appears once", arguments: Kind.allCases)
    func unflushedText(_ kind: Kind) async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) { [kind] in
            HostScenes.unflushedText(kind)
        }
        let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(text.split(separator: "before the pool", omittingEmptySubsequences: false).count == 2, "\(text)")
        #expect(text.split(separator: "in item").first?.contains("before the pool") == true, "\(text)")
        // A body's output is written, also when the body exits.
        #expect(text.split(separator: "in item", omittingEmptySubsequences: false).count == 5, "\(text)")
    }

    @Test(
        "E: a host that ignores SIGCHLD, or reaps children in a handler, gets all failures", arguments: Kind.allCases
    )
    func reaped(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            HostScenes.ignoredChildSignal(kind)
            HostScenes.reapingHandler(kind)
        }
    }

    @Test("E: a crash and an exit are told also to a host that ignores SIGCHLD", arguments: Kind.allCases)
    func toldWithoutStatus(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in HostScenes.toldWithoutStatus(kind) }
    }

    @Test("E: the host's children are left to the host, and so are its exit handlers", arguments: Kind.allCases)
    func hostOwn(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            HostScenes.hostChild(kind)
            HostScenes.exitHandlers(kind)
        }
    }

    @Test(
        "E: a body's standard input is /dev/null, and a signal that the host blocks is not blocked in a worker",
        arguments: Kind.allCases)
    func inherited(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            HostScenes.standardInput(kind)
            HostScenes.blockedSignal(kind)
        }
    }

    // One test for both kinds of forking pools that refuse threads.
    @Test("E: a map that is to refuse threads counts none that has ended, be it the host's or the library's own")
    func endedThreads() async {
        await #expect(processExitsWith: .success) { HostScenes.endedThreads() }
    }
}

/// Prints its item, if that is not negative, and exits if it is told to.
struct Printing: PlainJob {
    typealias Input = Int
    typealias Output = Int

    func act(_ item: Int) throws -> Int {
        if item >= 0 { print("in item \(item)") }
        if item == 3 { exit(0) }
        return item
    }
}

/// Runs each job of a task on a new thread, which then ends.
private final class ThreadForEach: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Process.onThread { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// The signals that the storm's handler counted.
nonisolated(unsafe) private var ticks = 0

/// The descriptor that the host's exit handler writes to.
nonisolated(unsafe) private var ending: Int32 = -1

private enum HostScenes {
    static func signalStorm(_ kind: Kind) {
        let pristine = Census.now()
        // The storm uses up the alarm of the deadline, so its handler ends a hang.
        signal(SIGALRM) { _ in
            unsafe ticks += 1
            if unsafe ticks > 30_000 { abort() }
        }
        var each = itimerval()
        each.it_interval.tv_usec = 1000
        each.it_value.tv_usec = 1000
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &each, nil)
        do {
            let pool = try kind.start(Performer())
            var rounds = 0
            while unsafe ticks < 200 || rounds < 5 {
                // Each takes some 100 µs.
                #expect(try pool.map((0..<40).map { .toil(times: 100 + $0) }) == Array(100..<140))
                let results = pool.mapResults((0..<8).map { $0 == 3 ? .raise(SIGKILL) : .give($0) })
                #expect(results.map(\.value) == [0, 1, 2, nil, 4, 5, 6, 7])
                #expect(results[3].failure?.signal == SIGKILL)
                #expect(try pool(.give(rounds)) == rounds)
                rounds += 1
            }
            pool.close()
        } catch {
            Issue.record(error)
        }
        Scene.expectNothingLeft(since: pristine)
        var never = itimerval()
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &never, nil)
    }

    static func unflushedText(_ kind: Kind) {
        print("before the pool", terminator: " ")
        let answers: (AnyPool<Printing>) throws -> Void = { pool throws in
            #expect(try pool.map([-1, -2, -3]) == [-1, -2, -3])
        }
        Scene.survive(Printing(), kind, answers) { pool throws in
            #expect(pool.mapResults(0..<4).map(\.value) == [0, 1, 2, nil])
        }
    }

    /// Maps 200 items of which each tenth kills its worker; checks the failures of these and the results of
    /// the others.
    private static func killEachTenth(_ kind: Kind, _ check: (Int, ForkPool.Failure?) -> Void) {
        kind.survive((0..<200).map { $0 % 10 == 3 ? .raise(SIGKILL) : .give($0) }) { results in
            #expect(results.compactMap(\.value) == (0..<200).filter { $0 % 10 != 3 })
            for item in stride(from: 3, to: 200, by: 10) { check(item, results[item].failure) }
        }
    }

    static func ignoredChildSignal(_ kind: Kind) {
        signal(SIGCHLD, SIG_IGN)
        killEachTenth(kind) { item, failure in
            #expect(failure?.index == item)
            // A template reaps its workers itself.
            if kind == .residentBody || kind == .residentJob, failure?.code == .killed { return }
            #expect(failure?.code == .lost, "\(String(describing: failure))")
            #expect(failure?.message.contains("SIGCHLD") == true)
        }
    }

    /// What a worker notes of its own end is told; what came from outside is not known.
    static func toldWithoutStatus(_ kind: Kind) {
        signal(SIGCHLD, SIG_IGN)
        let grandchild = Rendezvous()
        let deeds: [Deed] = [
            .give(0), .exit(42), .spring(.fatalError), .raise(SIGSEGV), .exit(0), .overflowStack, .raise(SIGABRT),
            .exiting(at: grandchild.path, 7, then: .raise(SIGKILL)), .give(8),
        ]
        kind.survive(deeds, options: .init(chunk: .fixed(1))) { results in
            #expect(results[0].value == 0 && results[8].value == 8)
            for (item, status) in [(1, 42), (4, 0)] as [(Int, Int32)] {
                let failure = results[item].failure
                #expect(failure?.code == .exited && failure?.exitStatus == status, "\(String(describing: failure))")
                #expect(failure?.message.contains("by exit(\(status))") == true)
            }
            for (item, signal) in [(3, SIGSEGV), (5, SIGSEGV), (6, SIGABRT)] {
                let failure = results[item].failure
                #expect(failure?.code == .crashed && failure?.signal == signal, "\(String(describing: failure))")
            }
            let trap = results[2].failure
            #expect(trap?.code == .crashed, "\(String(describing: trap))")
            #if DEBUG
            #expect(trap?.message.contains(Trap.fatalError.text) == true, "\(String(describing: trap))")
            #endif
            #expect(results[5].failure?.message.contains("stack overflow") == true)
            // What the body's own child noted at its exit is not the worker's.
            let killed = results[7].failure
            #expect(killed?.code == .lost || killed?.code == .killed, "\(String(describing: killed))")
        }
    }

    static func reapingHandler(_ kind: Kind) {
        signal(SIGCHLD) { _ in
            let before = errno
            while waitpid(-1, nil, WNOHANG) > 0 {}
            errno = before
        }
        // The pool and the handler race to reap; only the first gets the status.
        killEachTenth(kind) { _, failure in
            #expect(failure?.code == .lost || failure?.code == .killed, "\(String(describing: failure))")
        }
    }

    static func hostChild(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let child = Process.fork()
            if child == 0 { _exit(7) }
            // The child has ended before the map begins, and stays a zombie.
            var info = unsafe siginfo_t()
            _ = unsafe waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT)
            let results = pool.mapResults((0..<20).map { $0 == 5 ? .raise(SIGKILL) : .give($0) })
            #expect(results.compactMap(\.value).count == 19)
            #expect(Process.wait(for: child) == 7 << 8)
        }
    }

    static func exitHandlers(_ kind: Kind) {
        Scene.setDeadline()
        let pids = PidPipe()
        unsafe ending = pids.writing
        let host = Process.fork()
        if host == 0 {
            atexit { PidPipe.send(getpid(), to: unsafe ending) }
            kind.survive([.give(0), .exit(0), .give(2), .exit(0)]) { results in
                #expect(results.map(\.value) == [0, nil, 2, nil])
            }
            exit(5)
        }
        pids.closeWriting()
        #expect(Process.wait(for: host) == 5 << 8)
        #expect([pids.receive(), pids.receive()] == [host, -1])
    }

    static func standardInput(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            var ends: [Int32] = [-1, -1]
            _ = unsafe pipe(&ends)
            let saved = dup(0)
            dup2(ends[0], 0)
            _ = unsafe write(ends[1], "text", 4)
            // Start workers while the signal is blocked.
            #expect(pool.mapResults([.exit(1), .exit(1), .exit(1)]).allSatisfy { $0.failure?.exitStatus == 1 })
            #expect(try pool.map([.readInput, .readInput, .readInput]) == [0, 0, 0])
            var bytes = [UInt8](repeating: 0, count: 4)
            #expect(unsafe Glibc.read(0, &bytes, 4) == 4)
            #expect(bytes == Array("text".utf8))
            dup2(saved, 0)
            for descriptor in ends + [saved] { close(descriptor) }
        }
    }

    static func blockedSignal(_ kind: Kind) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGUSR1] { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        kind.survive([.isBlocked(SIGTERM), .isBlocked(SIGINT), .isBlocked(SIGUSR1)]) { results in
            #expect(results.map(\.value) == [0, 0, 0])
            var mask = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            #expect(unsafe sigismember(&mask, SIGTERM) == 1)
        }
    }

    static func endedThreads() {
        Scene.setDeadline()
        // A forked process has one thread.
        let host = Process.fork()
        if host == 0 {
            Scene.setDeadline()
            let strict = ForkPool(workers: 1, options: .init(refusesThreads: true))
            var refused: Int32 = 0
            for number in 0..<100 {
                Threads.run(1) { _ in }
                if (try? strict.map([number]) { $0 }) != [number] { refused += 1 }
                let resident = try? ForkPool(workers: 1).resident { (item: Int) -> Int in item }
                resident?.close()
                if (try? strict.map([number]) { $0 }) != [number] { refused += 1 }
            }
            _exit(refused)
        }
        #expect(Process.wait(for: host) == 0)
    }
}
