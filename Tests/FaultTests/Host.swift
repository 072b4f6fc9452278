// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// A fork of the test's process that is the host of a pool, so that what it does to itself ends with it.
enum Host {
    /// Uses each kind of pool once, before the first host exists: first uses are dangerous in a fork.
    static func warmUp(_ kind: Kind) {
        Scene.setDeadline()
        // What a hanging host leaves behind ends with this process, also if it belongs to another user: the test's
        // runner waits for all that have its output.
        setpgid(0, 0)
        Raw.adoptOrphans()
        signal(SIGALRM) { _ in kill(0, SIGKILL) }
        _ = FaultTrialWarmth.use()
        var complaints = Complaints()
        complaints.use(kind) { pool, complaints in complaints.expectRight(pool) }
        #expect(complaints.list.isEmpty)
    }

    /// Forks a host that does `work`; records its complaints, and expects that it leaves nothing.
    static func run(
        _ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ work: (inout Complaints) -> Void
    ) {
        run([name], sourceLocation: sourceLocation) { _, complaints in work(&complaints) }
    }

    /// Forks a host for each name, all at once, since most of their time is that of timeouts; `work` gets the index of its name.
    static func run(
        _ names: [String], sourceLocation: SourceLocation = #_sourceLocation, _ work: (Int, inout Complaints) -> Void
    ) {
        let hosts = names.indices.map { number in
            let trial = FaultTrial()
            let child = trial.start {
                signal(SIGALRM, SIG_DFL)
                alarm(120)
                var complaints = Complaints()
                work(number, &complaints)
                return complaints.list
            }
            return (trial: trial, child: child)
        }
        let complaints = zip(hosts, names).compactMap { host, name in host.trial.end(host.child, name) }
        endOrphans()
        for complaint in complaints { Issue.record("\(complaint)", sourceLocation: sourceLocation) }
    }

    /// Ends what a host left behind.
    static func endOrphans() {
        for process in ProcessStatus.below(getpid()) { kill(process.pid, SIGKILL) }
        while waitpid(-1, nil, 0) > 0 {}
    }

    /// Forks a process in which `work` uses pools until a signal ends it, and which sends its id once it is ready.
    static func start(_ work: () -> Void) -> Int32 {
        let pid = Process.fork()
        guard pid == 0 else { return pid }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, nil)
        signal(SIGALRM, SIG_DFL)
        alarm(120)
        work()
        _exit(0)
    }
}

/// What a forked host found wrong; it cannot record an issue.
struct Complaints {
    var list: [String] = []

    mutating func expect(_ isTrue: Bool, _ text: @autoclosure () -> String) {
        if !isTrue { list.append(text()) }
    }

    /// Expects outcomes of a map: a value, or the code of a failure.
    mutating func expect(
        _ results: [Result<Int, ForkPool.Failure>], _ expected: [Outcome], _ name: String
    ) {
        let isRight =
            results.count == expected.count
            && zip(results, expected).allSatisfy { result, outcome in
                switch outcome {
                case .value(let value): result.value == value
                case .failure(let code): result.failure?.code == code
                }
            }
        expect(isRight, "\(name): \(results.map(Self.text).joined(separator: ", "))")
    }

    private static func text(_ result: Result<Int, ForkPool.Failure>) -> String {
        switch result {
        case .success(let value): "\(value)"
        case .failure(let failure): "\(failure.code): \(failure)"
        }
    }

    enum Outcome {
        case value(Int)
        case failure(ForkPool.Failure.Code)
    }

    /// Expects that a pool does a map right.
    mutating func expectRight(_ pool: Scene.Pool) {
        let results = pool.mapResults(Scene.squares.map { .give($0) })
        expect(results, Scene.squares.map { .value($0) }, "a map")
    }

    /// Starts a pool, uses it and closes it.
    mutating func use(
        _ kind: Kind, workers: Int = 2, options: ForkPool.Options = .init(chunk: .fixed(1)),
        _ work: (Scene.Pool, inout Complaints) -> Void
    ) {
        do throws(ForkPool.Failure) {
            let pool = try kind.start(Performer(), workers: workers, options: options)
            work(pool, &self)
            pool.close()
        } catch {
            list.append("no pool: \(error)")
        }
    }
}
