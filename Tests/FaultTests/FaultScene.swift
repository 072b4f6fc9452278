// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// A use of the library while a system call fails, and what must hold then.
enum FaultScene: String, Codable, CaseIterable, Sendable {
    /// A map of strings in which one item crashes.
    case map
    /// A resident pool: start, use, crash and replacement of a worker, use.
    case resident
    /// The same with workers that are started by exec.
    case exec
    /// A stream of strings in which one item crashes.
    case stream
    /// A resident pool that is closed.
    case closing
    /// A resident pool that is cancelled while a worker sleeps.
    case cancelling

    private static let options = ForkPool.Options(
        chunk: .fixed(1), warmMemory: 1 << 16, timeout: .seconds(60), memoryLimit: 4 << 30, cpuTimeLimit: .seconds(60),
        pinning: true, name: "faulty")
    private static let crashing = 3
    private static let count = 8

    /// Uses everything once without a fault.
    func warmUp() {
        _ = FaultTrialWarmth.use()
        let complaints = play(nil)
        precondition(complaints.isEmpty, "without a fault: \(complaints)")
        FaultTrialWarmth.fillMemory()
    }

    /// Plays the scene with a fault and again without; returns the complaints.
    func play(_ fault: Fault?) -> [String] {
        var judge = FaultJudge(fault: fault)
        switch self {
        case .map: map(&judge)
        case .stream: stream(&judge)
        case .resident: use(&judge, .residentBody)
        case .exec: use(&judge, .exec)
        case .closing, .cancelling: end(&judge)
        }
        return judge.complaints
    }

    private func map(_ judge: inout FaultJudge) {
        var options = Self.options
        // This process was forked for the scene, so it has one thread.
        options.refusesThreads = judge.fault != nil
        fault: do {
            let pool = ForkPool(workers: 2, options: options)
            judge.begin()
            judge.check(
                pool.mapResults(0..<Self.count) { item -> String in
                    if item == Self.crashing { raise(SIGSEGV) }
                    return "item \(item)"
                }, crashing: Self.crashing, of: "map"
            ) { "item \($0)" }
            judge.end()
            judge.check(pool.mapResults(0..<Self.count) { "item \($0)" }, crashing: nil, of: "map after") {
                "item \($0)"
            }
        }
    }

    private func stream(_ judge: inout FaultJudge) {
        let pool = ForkPool(workers: 2, options: Self.options)
        for crashing in [Self.crashing, nil] {
            let text = "item \(crashing ?? 0)"
            if crashing != nil { judge.begin() }
            var indices: Set<Int> = []
            for (index, result) in pool.stream(
                0..<Self.count,
                { item -> String in
                    if item == crashing { raise(SIGSEGV) }
                    return text
                })
            {
                indices.insert(index)
                judge.check(result, item: index, crashing: crashing, of: "stream", text)
            }
            if indices != Set(0..<Self.count), !judge.wasNamed { judge.complaints.append("a stream of \(indices)") }
            judge.end()
        }
    }

    private func use(_ judge: inout FaultJudge, _ kind: Kind) {
        judge.begin()
        // The next open finds a standard descriptor free and must move above these.
        let input = fcntl(0, F_DUPFD_CLOEXEC, 3)
        close(0)
        defer {
            // EBUSY: another thread is about to open descriptor 0.
            while dup2(input, 0) == -1, errno == EBUSY || errno == EINTR { sched_yield() }
            close(input)
        }
        guard let pool = judge.start(kind, Self.options) else {
            judge.end()
            judge.start(kind, Self.options)?.close()
            return
        }
        let deeds = (0..<Self.count).map { $0 == Self.crashing ? Deed.raise(SIGSEGV) : .give($0) }
        judge.check(pool.mapResults(deeds), crashing: Self.crashing, of: "map") { $0 }
        judge.check([Result { () throws(ForkPool.Failure) in try pool(.give(0)) }], crashing: nil, of: "call") { $0 }
        judge.check(pool.mapResults((0..<40).map { .give($0) }), crashing: nil, of: "map again") { $0 }
        judge.end()
        let gifts = (0..<Self.count).map { Deed.give($0) }
        let results = pool.mapResults(gifts)
        pool.close()
        // The fault may have ended the pool; then a new pool must work.
        let hasEnded = results.contains { $0.failure.map(judge.isDue) ?? false }
        let other = hasEnded ? judge.start(kind, Self.options) : nil
        judge.check(other?.mapResults(gifts) ?? results, crashing: nil, of: "map after") { $0 }
        other?.close()
    }

    private func end(_ judge: inout FaultJudge) {
        guard let pool = judge.start(.residentBody, Self.options) else { return }
        judge.check(pool.mapResults((0..<Self.count).map { .give($0) }), crashing: nil, of: "map") { $0 }
        let call = self == .cancelling ? pool.submit(.raise(SIGSTOP)) : pool.submit(.give(5))
        judge.begin()
        if self == .cancelling { pool.cancel() } else { pool.close() }
        let outcome = Result { () throws(ForkPool.Failure) in try call.wait() }
        if self == .closing || outcome.failure?.code != .cancelled {
            judge.check([outcome], crashing: nil, of: "call") { _ in self == .closing ? 5 : -1 }
        }
        judge.end()
    }
}

extension FaultScene {
    /// Maps, starts a resident pool, calls it and finishes it while a call fails, and maps again.
    nonisolated(nonsending) static func playAsynchronously(_ fault: Fault?) async {
        let before = Census.now()
        var judge = FaultJudge(fault: fault)
        await use(&judge)
        #expect(judge.complaints.isEmpty, "\(String(describing: fault)): \(judge.complaints)")
        Scene.expectNothingLeft(since: before)
    }

    nonisolated(nonsending) private static func use(_ judge: inout FaultJudge) async {
        judge.begin()
        let pool = ForkPool(workers: 2, options: options)
        judge.check(await pool.mapResults(0..<count) { "item \($0)" }, crashing: nil, of: "map") { "item \($0)" }
        if let resident = judge.start(.residentBody, options) {
            var outcome: Result<Int, ForkPool.Failure>
            do throws(ForkPool.Failure) {
                outcome = .success(try await resident(.give(7)))
            } catch {
                outcome = .failure(error)
            }
            judge.check([outcome], crashing: nil, of: "call") { _ in 7 }
            await resident.finish()
        }
        judge.end()
        judge.check(await pool.mapResults(0..<count) { $0 }, crashing: nil, of: "map after") { $0 }
    }
}

/// Decides whether an outcome is allowed under a fault.
struct FaultJudge {
    let fault: Fault?
    var complaints: [String] = []
    /// Whether a failure named the fault.
    private(set) var wasNamed = false
    private var isFailing = false

    init(fault: Fault?) {
        self.fault = fault
    }

    mutating func begin() {
        isFailing = fault != nil
        fault?.begin()
    }

    mutating func end() {
        isFailing = false
        if fault != nil { Fault.end() }
    }

    /// Starts a pool, or checks why that failed.
    mutating func start(_ kind: Kind, _ options: ForkPool.Options) -> Scene.Pool? {
        do throws(ForkPool.Failure) {
            return try kind.start(Performer(), options: options)
        } catch {
            if !isNamed(error) { complaints.append("no pool: \(error)") }
            return nil
        }
    }

    /// Checks the outcome of each item: a right result, the intended crash, or a failure that names the fault.
    mutating func check<R: Equatable>(
        _ results: [Result<R, ForkPool.Failure>], crashing: Int?, of what: String, _ expected: (Int) -> R
    ) {
        for (item, result) in results.enumerated() {
            check(result, item: item, crashing: crashing, of: what, expected(item))
        }
    }

    /// Checks the outcome of an item.
    mutating func check<R: Equatable>(
        _ result: Result<R, ForkPool.Failure>, item: Int, crashing: Int?, of what: String, _ expected: R
    ) {
        switch result {
        case .success(let value):
            if value != expected || item == crashing { complaints.append("\(what), \(item): \(value)") }
        case .failure(let failure):
            if item == crashing, failure.code == .crashed || failure.code == .lost && fault?.error == ECHILD { return }
            if !isNamed(failure) { complaints.append("\(what), \(item): \(failure)") }
        }
    }

    /// Whether a failure names the fault, and is allowed now.
    private mutating func isNamed(_ failure: ForkPool.Failure) -> Bool {
        guard isFailing, isDue(failure) else { return false }
        wasNamed = true
        return true
    }

    /// Whether a failure comes of the fault and names its call.
    func isDue(_ failure: ForkPool.Failure) -> Bool {
        guard let fault else { return false }
        let calls = FaultCases.purposes[fault.call] ?? [fault.call]
        return failure.errno == fault.error
            && calls.contains { failure.message.contains("the system refused \($0): ") }
    }
}

/// Preparation of the process: first uses, which are dangerous in a child, and a large memory.
enum FaultTrialWarmth {
    nonisolated(unsafe) private static var memory: UnsafeMutableRawPointer?

    /// Uses everything that a trial uses besides a pool.
    static func use() -> String {
        let fault = Fault.none
        if Fault.isAvailable {
            fault.begin()
            Fault.end()
        }
        let before = Census.now(expecting: Census.now())
        return "\(fault) \(before)"
    }

    /// Makes this process and its forks so large that another process holds, and tears down, the workers' memory.
    static func fillMemory() {
        let size = max(0, (80 << 20) - Files.residentMemory)
        unsafe memory = malloc(size)
        unsafe memset(memory!, 1, size)
    }
}
