// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct ResourceLimitTests {
    @Test("A14: an item that asks for more memory than its limit fails, with the limit named", arguments: Kind.allCases)
    func memory(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ResourceLimitScenes.memory(kind) }
    }

    @Test("A14: a body below its memory limit is not affected", arguments: Kind.allCases)
    func belowLimit(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ResourceLimitScenes.belowLimit(kind) }
    }

    @Test(
        "A14: code that does not notice a refused request crashes, with a hint at the limit", arguments: Kind.allCases)
    func unnoticed(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ResourceLimitScenes.unnoticed(kind) }
    }

    @Test(
        "A14: an item that uses more processor time than its limit fails, with the limit named",
        arguments: Kind.allCases)
    func cpuTime(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ResourceLimitScenes.cpuTime(kind) }
    }

    @Test(
        "A14: a limit that is exceeded is not tried again, since it would be exceeded again", arguments: Kind.allCases)
    func noRetry(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ResourceLimitScenes.noRetry(kind) }
    }

    @Test("A14: a setUp that exceeds a limit fails the map")
    func setUp() async {
        await #expect(processExitsWith: .success) { ResourceLimitScenes.setUp() }
    }

    @Test(
        "A5: a failure tells the OOM killer from a kill by another process",
        .enabled(if: MemoryGroup.canBeMade, "no control group with a memory limit can be made here"))
    func outOfMemory() async {
        await #expect(processExitsWith: .success) { ResourceLimitScenes.outOfMemory() }
    }
}

private enum ResourceLimitScenes {
    private static let limit = 64 << 20
    private static let limited = ForkPool.Options(chunk: .fixed(1), memoryLimit: limit)
    private static let brief = ForkPool.Options(chunk: .fixed(1), cpuTimeLimit: .milliseconds(500))

    static func memory(_ kind: Kind) {
        kind.survive([.give(0), .devour, .give(2)], options: limited) { results in
            let failure = results[1].failure
            #expect(failure?.code == .memoryLimitExceeded && failure?.index == 1 && failure?.bodyRan == .yes)
            #expect(failure?.description.contains("its limit of \(limit) bytes") == true)
            #expect(results[0].value == 0 && results[2].value == 2)
        }
    }

    static func belowLimit(_ kind: Kind) {
        kind.survive([.allocate(limit / 2), .allocate(limit / 2)], options: limited) { results in
            #expect(results.map(\.value) == [-1, -1])
        }
    }

    static func unnoticed(_ kind: Kind) {
        kind.survive([.give(0), .allocate(100 * limit)], options: limited) { results in
            let failure = results[1].failure
            #expect(failure?.code == .crashed)
            #expect(failure?.description.hasSuffix("; its memory is limited by Options.memoryLimit") == true)
        }
    }

    static func cpuTime(_ kind: Kind) {
        kind.survive([.give(0), .deaf(then: .spin), .give(2)], options: brief) { results in
            let failure = results[1].failure
            #expect(failure?.code == .cpuTimeLimitExceeded && failure?.index == 1 && failure?.signal == SIGKILL)
            #expect(failure?.description.contains("its limit of 0.5 seconds") == true)
            #expect(results[0].value == 0 && results[2].value == 2)
        }
        // A kill from outside does not count as an exceeded time limit.
        var options = brief
        options.cpuTimeLimit = .seconds(10)
        kind.survive([.give(0), .raise(SIGKILL)], options: options) { results in
            #expect(results[1].failure?.code == .killed)
        }
    }

    static func noRetry(_ kind: Kind) {
        var options = limited
        options.cpuTimeLimit = brief.cpuTimeLimit
        options.retries = 3
        kind.survive([.devour, .spin], options: options) { results in
            #expect(results.map { $0.failure?.attempt } == [1, 1])
        }
    }

    static func setUp() {
        Scene.setDeadline()
        var options = limited
        options.setUp = { _ = try Deed.devour.perform() }
        let failed = failure { () throws(ForkPool.Failure) in
            try ForkPool(workers: 2, options: options).map(0..<2) { $0 }
        }
        #expect(failed?.code == .setUpFailed)
        #expect(failed?.description.contains("its limit of \(limit) bytes") == true)
    }

    static func outOfMemory() {
        Scene.setDeadline()
        // The pool counts the kills of its own group.
        guard let group = MemoryGroup(limit: 2 * limit), group.enter() else {
            Issue.record("no group")
            return
        }
        let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
        let results = pool.mapResults(0..<3) { item in
            if item == 1 { _ = try Deed.devour.perform() }
            return item
        }
        #expect(results[1].failure?.code == .killed && results[1].failure?.signal == SIGKILL)
        #expect(results[1].failure?.description.contains("its OOM killer ended a process") == true)
        #expect(results[0].value == 0 && results[2].value == 2)
        // A kill by another process does not count as one of the OOM killer.
        let other = pool.mapResults(0..<1) { _ in Process.killSelf() }
        #expect(other[0].failure?.description.contains("if nobody sent it") == true)
        #expect(group.leave() && group.remove())
    }
}
