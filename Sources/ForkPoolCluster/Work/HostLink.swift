// SPDX-License-Identifier: Apache-2.0
package import ForkPool
internal import Glibc

/// What connects this rank with the others: how they agree on a call, run it and leave.
///
/// The thread that made it makes all calls.
@usableFromInline
package final class HostLink {
    let transport: any Transport
    /// The name of this host.
    package let host: String
    /// What has come: at the root calls and replies, at others commands.
    private let calls: Inbox
    let replies: Inbox
    let commands: Inbox
    /// The names of all hosts, when they have met.
    private var names: [String] = []
    /// The longest time without a word of a host that is to say something, in nanoseconds.
    let stallTimeout: Int?
    /// The number of items of each range that is handed out, for measurements; nil for one that follows their durations.
    package var fixedRange: Int?
    private let readClock: () -> Int
    private let process = getpid()
    private let thread = pthread_self()
    private var callCount = 0
    /// Why no call is made any more.
    private var refusal: ForkPool.Failure?

    /// How long a rank waits for others that are to follow at once, in nanoseconds.
    private static let patience = 10_000_000_000

    /// Meets the other ranks.
    ///
    /// - Parameters:
    ///   - transport: How the ranks send messages.
    ///   - hello: What this rank tells of itself.
    ///   - stallTimeout: The longest time without a word of a host that is to say something.
    ///   - clock: A clock in nanoseconds.
    package init(
        _ transport: any Transport, _ hello: Hello, stallTimeout: Duration? = nil,
        clock: @escaping () -> Int = monotonicNanoseconds
    ) {
        self.transport = transport
        host = hello.host
        calls = Inbox(transport, .calls)
        replies = Inbox(transport, .replies)
        commands = Inbox(transport, .commands)
        self.stallTimeout = stallTimeout.map(Self.nanoseconds)
        readClock = clock
    }

    private static func nanoseconds(_ time: Duration) -> Int {
        let (seconds, rest) = time.components
        return Int(min(seconds, 1 << 32)) * 1_000_000_000 + Int(rest / 1_000_000_000)
    }

    package var isRoot: Bool { transport.rank == 0 }

    /// The time of a wait that has a limit, in nanoseconds.
    func clock(limit: Int?) -> LookClock { LookClock(limit: limit, readClock) }

    /// A rank, for messages.
    func name(_ rank: Int) -> String { names.indices.contains(rank) ? "\(names[rank]) (rank \(rank))" : "rank \(rank)" }

    // MARK: - Begin

    /// Compares what the ranks tell of themselves.
    ///
    /// - Returns: By how many ranks the processors of this one are shared.
    /// - Throws: `ranksDiffer` on every rank, if one runs another program.
    package func meet(_ hello: Hello) throws(ForkPool.Failure) -> Int {
        guard isRoot else {
            send(HostCoding.bytes(of: hello), to: 0, on: .calls)
            guard case .welcome(let sharers, let hosts) = try verdict() else { lostInCommands() }
            names = hosts
            return sharers
        }
        var hellos: [Int: Hello] = [0: hello]
        var strangers: [Int] = []
        var backoff = Backoff()
        var clock = clock(limit: Self.patience)
        let end = clock.now() + Self.patience
        while hellos.count + strangers.count < transport.size, clock.now() < end {
            guard let message = calls.next() else {
                backoff.pause()
                continue
            }
            if let other = HostCoding.value(of: Hello.self, from: message.bytes[...]) {
                hellos[message.source] = other
            } else {
                strangers.append(message.source)
            }
        }
        names = (0..<transport.size).map { hellos[$0]?.host ?? "a host" }
        let others = (0..<transport.size).filter { hellos[$0]?.build != hello.build }
        guard others.isEmpty else { throw refuse(.otherBuild(others.map(name), than: name(0)), isFinal: true) }
        for (rank, other) in hellos where rank != 0 {
            send(Command.welcome(sharers: sharers(of: other, hellos), hosts: names).bytes, to: rank, on: .commands)
        }
        return sharers(of: hello, hellos)
    }

    private func sharers(of hello: Hello, _ all: [Int: Hello]) -> Int {
        all.values.count { $0.host == hello.host && $0.processors == hello.processors }
    }

    // MARK: - Calls

    /// Agrees with the other ranks on a call, as each of them does.
    ///
    /// - Parameters:
    ///   - site: The call, whose number is set here.
    ///   - workers: The number of workers of this host.
    ///   - error: What this rank leaves with.
    /// - Returns: On the root, the workers of each host; the root then says that the call begins. On others, the items that are to
    ///   be run.
    /// - Throws: `ranksDiffer`; on others what the root refuses the call for.
    func agree(_ site: CallSite, workers: Int, error: String? = nil) throws(ForkPool.Failure) -> [Int] {
        guard getpid() == process else { throw .clusterOfParent }
        if let refusal { throw refusal }
        precondition(
            pthread_equal(pthread_self(), thread) != 0,
            "ForkPool: a cluster is used on the thread of its Cluster.run, and with await in async code")
        var site = site
        site.number = callCount
        callCount += 1
        let own = CallReport(site: site, workers: workers, error: error)
        guard isRoot else {
            send(HostCoding.bytes(of: own), to: 0, on: .calls)
            guard case .begin(let number) = try verdict() else { lostInCommands() }
            return [number]
        }
        var reports: [Int: CallReport] = [0: own]
        var wait = Wait(self)
        while reports.count < transport.size {
            guard let message = calls.next() else {
                wait.pause("\(site)", for: (0..<transport.size).filter { reports[$0] == nil })
                continue
            }
            wait.reset()
            let report = HostCoding.value(of: CallReport.self, from: message.bytes[...])
            guard let report, report.site == site else {
                throw refuse(.ranksDiffer(name(0), own, name(message.source), report), isFinal: true)
            }
            reports[message.source] = report
        }
        return (0..<transport.size).map { reports[$0]?.workers ?? 1 }
    }

    /// Says on the root that a call begins.
    func begin(_ number: Int) { tell(.begin(number)) }

    /// Refuses a call on all ranks.
    func refuse(_ failure: ForkPool.Failure, isFinal: Bool) -> ForkPool.Failure {
        if isFinal { refusal = failure }
        tell(.refuse(failure, isFinal: isFinal))
        return failure
    }

    /// Sends a command to all other ranks.
    func tell(_ command: Command) {
        let bytes = command.bytes
        for rank in 1..<max(transport.size, 1) { send(bytes, to: rank, on: .commands) }
    }

    /// Sends a message, or ends the job if it is larger than a message may be.
    func send(_ bytes: [UInt8], to rank: Int, on channel: Channel) {
        guard bytes.count <= transport.mostBytes else {
            lost(
                "\(name(transport.rank)) has a message of \(bytes.count) bytes for \(name(rank)), and MPI sends at most "
                    + "\(transport.mostBytes): results or failures are too large to go from host to host")
        }
        transport.send(bytes, to: rank, on: channel)
    }

    /// Waits until the root says that a call begins: without an end, since the root may be doing what it does alone.
    private func verdict() throws(ForkPool.Failure) -> Command {
        var backoff = Backoff()
        while true {
            guard let message = commands.next() else {
                backoff.pause()
                continue
            }
            guard let command = Command(message.bytes) else { lostInCommands() }
            guard case .refuse(let failure, let isFinal) = command else { return command }
            if isFinal { refusal = failure }
            throw failure
        }
    }

    /// Ends the job because the ranks are not in step.
    func lostInCommands() -> Never {
        lost("\(name(transport.rank)) got a command from the root that does not belong here")
    }

    // MARK: - End

    /// Leaves the job together with the other ranks.
    ///
    /// - Parameters:
    ///   - workers: The number of workers of this host.
    ///   - error: What this rank leaves with, in words.
    /// - Throws: `ranksDiffer` if others make a call.
    package func leave(workers: Int, error: String?) throws(ForkPool.Failure) {
        defer { finishSending() }
        do throws(ForkPool.Failure) {
            _ = try agree(.end, workers: workers, error: error)
            if isRoot { begin(0) }
        } catch {
            leaveAfterRefusal()
            throw error
        }
    }

    /// Refuses all calls from now on: the run has ended.
    func end() { refusal = .clusterIsOver }

    private func finishSending() {
        var wait = Wait(self)
        while let rank = transport.unsent { wait.pause("leaves Cluster.run", for: [rank]) }
    }

    /// Waits for the other ranks, which have heard of the refusal or will, and ends the job if one does not come.
    package func leaveAfterRefusal() {
        guard getpid() == process else { return }
        var site = CallSite.end
        site.number = -1
        var clock = clock(limit: Self.patience)
        let end = clock.now() + Self.patience
        var backoff = Backoff()
        guard isRoot else {
            send(HostCoding.bytes(of: CallReport(site: site, workers: 0)), to: 0, on: .calls)
            while clock.now() < end + Self.patience {
                if let message = commands.next() {
                    if case .begin = Command(message.bytes) { return }
                    continue
                }
                backoff.pause()
            }
            lost("the root did not leave within \(2 * Self.patience / 1_000_000_000) s")
        }
        var gone: Set<Int> = [0]
        while gone.count < transport.size {
            if let message = calls.next() {
                let report = HostCoding.value(of: CallReport.self, from: message.bytes[...])
                if report?.site == site { gone.insert(message.source) }
                continue
            }
            guard clock.now() < end else {
                let late = (0..<transport.size).filter { !gone.contains($0) }.map(name).joined(separator: ", ")
                lost("\(late) did not leave within \(Self.patience / 1_000_000_000) s after the hosts differed")
            }
            backoff.pause()
        }
        begin(0)
    }

    // MARK: - Words

    /// Ends the job on all hosts, for a reason.
    func lost(_ reason: String) -> Never {
        say("\(reason); the job ends on all hosts")
        transport.abort()
    }

    /// Writes a line to standard error.
    func say(_ text: String) {
        ErrorOutput.write("ForkPool: \(text)\n")
    }
}

extension CallSite {
    /// The end of `Cluster.run`.
    static let end = CallSite(
        kind: .end, number: 0, count: 0, type: "", stride: 0, isCoded: false, deliversToAll: true, file: "", line: 0)
}
