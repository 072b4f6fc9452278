// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// Signals that reach all processes of a group, and core dumps.
@Suite struct SignalTests {
    @Test("E2: with parentDecides the signals of a group end no worker and no item", arguments: Kind.allCases)
    func parentDecides(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SignalScenes.parentDecides(kind) }
    }

    @Test("E2: with parentDecides a group is signalled while its workers start", arguments: Kind.allCases)
    func starting(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SignalScenes.starting(kind) }
    }

    @Test("E2: with parentDecides a timeout, a cancel and SIGKILL end a worker as ever", arguments: Kind.allCases)
    func otherEnds(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SignalScenes.otherEnds(kind) }
    }

    @Test("E2: a process that a body forks ignores only what the host ignores", arguments: Kind.allCases)
    func inherited(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SignalScenes.inherited(kind) }
    }

    @Test("E2: without it, SIGTERM to the group ends the workers", arguments: Kind.allCases)
    func perProcess(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SignalScenes.perProcess(kind) }
    }

    @Test("A1: a worker leaves no core dump unless the options say so", arguments: Kind.allCases)
    func cores(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in SignalScenes.cores(kind) }
    }
}

private enum SignalScenes {
    private static let signals = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]
    private static let options = ForkPool.Options(chunk: .fixed(1), signals: .parentDecides)

    /// Makes this process the leader of a group that catches the signals, as a server does.
    private static func lead() {
        _ = setpgid(0, 0)
        for number in signals { signal(number) { _ in } }
    }

    private static func signalGroup() {
        for number in signals { kill(0, number) }
    }

    /// Deeds that send their pid, and wait until the group was signalled.
    private static func waiting(_ meeting: Rendezvous) -> [Deed] {
        (0..<2).map { .say(at: meeting.path, then: .wait(at: meeting.path, 1, then: .give($0))) }
    }

    static func parentDecides(_ kind: Kind) {
        lead()
        Scene.survive(kind, options: options) { pool throws in
            let meeting = Rendezvous()
            Process.onThread {
                for _ in 0..<2 { _ = meeting.receive() }
                signalGroup()
                meeting.arrive()
            }
            #expect(try pool.map(waiting(meeting) + [.give(2)]) == [0, 1, 2])
            // A replacement ignores them as well.
            let results = pool.mapResults([.give(0), .raise(SIGKILL), .pid, .pid])
            #expect(results[1].failure?.signal == SIGKILL)
            signalGroup()
            #expect(try pool.map([.pid, .pid]).count == 2)
        }
    }

    static func starting(_ kind: Kind) {
        lead()
        Scene.leaveNothing { () throws in
            let isOver = SharedCounter()
            let ended = SharedCounter()
            Process.onThread {
                while isOver.value == 0 {
                    signalGroup()
                    usleep(100)
                }
                ended.add(1)
            }
            for _ in 0..<20 {
                let pool = try kind.start(Performer(), options: options)
                let results = pool.mapResults([.give(0), .raise(SIGKILL), .give(2), .give(3)])
                #expect(results.map(\.value) == [0, nil, 2, 3], "\(results)")
                pool.close()
            }
            isOver.add(1)
            while ended.value == 0 { usleep(1000) }
        }
    }

    static func otherEnds(_ kind: Kind) {
        lead()
        var timed = options
        timed.timeout = .milliseconds(200)
        kind.survive([.give(0), .nap(600_000)], options: timed) { results in
            #expect(results[0].value == 0 && results[1].failure?.code == .timedOut, "\(results)")
        }
        guard kind != .oneShot else { return }
        Scene.survive(kind, options: options) { pool throws in
            let meeting = Rendezvous()
            let call = pool.submit(.sleep(at: meeting.path))
            let pid = meeting.receive()
            call.cancel()
            #expect(failure(of: call.wait)?.code == .cancelled)
            while !Scene.isGone(pid) { usleep(1000) }
        }
    }

    static func inherited(_ kind: Kind) {
        lead()
        signal(SIGHUP, SIG_IGN)
        kind.survive(signals.map { .childIgnores($0) }, options: options) { results in
            #expect(results.map(\.value) == [1, 0, 0, 0], "\(results)")
        }
    }

    static func perProcess(_ kind: Kind) {
        lead()
        Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool throws in
            let meeting = Rendezvous()
            Process.onThread {
                for _ in 0..<2 { _ = meeting.receive() }
                kill(0, SIGTERM)
            }
            let results = pool.mapResults(waiting(meeting))
            #expect(results.map { $0.failure?.signal } == [SIGTERM, SIGTERM], "\(results)")
        }
    }

    /// The processes that a process started, and those that these started.
    private static func descendants(of process: Int32) -> [Int32] {
        Files.names(in: "/proc/\(process)/task").filter { Int32($0) != nil }.flatMap { thread in
            Files.text("/proc/\(process)/task/\(thread)/children").split(separator: " ").compactMap { Int32($0) }
        }.flatMap { [$0] + descendants(of: $0) }
    }

    static func cores(_ kind: Kind) {
        var limits = rlimit()
        _ = unsafe getrlimit(Limit.core.rawValue, &limits)
        limits.rlim_cur = limits.rlim_max
        _ = unsafe setrlimit(Limit.core.rawValue, &limits)
        let host = Int(clamping: limits.rlim_cur)
        kind.survive([.coreLimit]) { results in #expect(results[0].value == min(1, host)) }
        // A template, and the processes that wait to become workers, have the host's memory too.
        Scene.survive(kind) { pool throws in
            guard kind == .residentBody || kind == .residentJob else { return }
            let processes = descendants(of: getpid())
            #expect(processes.count >= 3, "\(processes)")
            for process in processes {
                let line = Files.lines("/proc/\(process)/limits").first { $0.hasPrefix("Max core file size") }
                #expect(line?.split(separator: " ")[4] == "\(min(1, host))", "\(String(describing: line))")
            }
        }
        kind.survive([.coreLimit], options: .init(dumpsCore: true)) { results in #expect(results[0].value == host) }
        // The host's own stays.
        _ = unsafe getrlimit(Limit.core.rawValue, &limits)
        #expect(Int(clamping: limits.rlim_cur) == host)
    }
}
