// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTesting
import Glibc
import Testing

/// A job with an expectation, which holds for 3.
struct Expecting: ForkPool.Job {
    func run(_ item: Int) async throws -> Int {
        #expect(item == 3, "job")
        return item
    }
}

/// A job whose item fails where the expectation does.
struct Throwing: ForkPool.Job {
    func run(_ item: Int) async throws -> Int {
        if item < 0 { return try throwingIssues { item } }
        return try await throwingIssues {
            await Task.yield()
            #expect(item == 3, "exec")
            return item
        }
    }
}

@Suite("Issues of workers")
struct WorkerIssuesTests {
    @Test(
        "an expectation that fails in a body fails the test, at its line and with its item",
        .finds("item 1: Expectation failed: (item → 1) != 1: map"), .recordsWorkerIssues)
    func map() throws {
        let results = try ForkPool(workers: 2).map(0..<3) { item in
            #expect(item != 1, "map")
            return item
        }
        #expect(results == [0, 1, 2])
    }

    @Test(
        "async map", .finds("item 1: Expectation failed: (item → 1) != 1: async"), .recordsWorkerIssues)
    func asyncMap() async throws {
        let results = try await ForkPool(workers: 2).map(0..<3) { item in
            #expect(item != 1, "async")
            return item
        }
        #expect(results == [0, 1, 2])
    }

    @Test(
        "two workers at once",
        .finds(
            "item 0: Expectation failed: (other → 1) == (item → 0): both",
            "item 1: Expectation failed: (other → 0) == (item → 1): both"), .recordsWorkerIssues)
    func twoWorkers() throws {
        let arrived = SharedCounter()
        let pool = ForkPool(workers: 2, options: .init(chunk: .fixed(1), timeout: .seconds(600)))
        let workers = try pool.map(0..<2) { item in
            arrived.add()
            while arrived.value < 2 {}
            let other = 1 - item
            #expect(other == item, "both")
            return ForkPool.worker?.index ?? -1
        }
        #expect(workers.sorted() == [0, 1])
    }

    @Test(
        "resident workers", .finds("item 0: Expectation failed: (item → 2) == 3: resident"), .recordsWorkerIssues)
    func resident() throws {
        let pool = try ForkPool(workers: 2).resident { (item: Int) in
            #expect(item == 3, "resident")
            return item
        }
        #expect(try [pool(2), pool(3)] == [2, 3])
        pool.close()
    }

    @Test("a forked job", .finds("item 0: Expectation failed: (item → 2) == 3: job"), .recordsWorkerIssues)
    func forkedJob() async throws {
        let pool = try ForkPool(workers: 2).resident(Expecting(), start: .fork)
        #expect(try await pool.map([2, 3]) == [2, 3])
        await pool.finish()
    }

    @Test("a stream", .finds("item 0: Expectation failed: (item → 5) != 5: stream"), .recordsWorkerIssues)
    func stream() throws {
        let stream = ForkPool(workers: 2).stream(5..<7) { item in
            #expect(item != 5, "stream")
            return item
        }
        #expect(try stream.map { try $0.result.get() }.sorted() == [5, 6])
    }

    @Test(
        "an issue is not lost if its worker crashes then", .finds("item 1: Expectation failed: Bool(false): crash"),
        .recordsWorkerIssues)
    func crash() throws {
        let results = ForkPool(workers: 2).mapResults(0..<3) { item in
            if item == 1 {
                #expect(Bool(false), "crash")
                _ = kill(getpid(), SIGKILL)
            }
            return item
        }
        let failure = #expect(throws: ForkPool.Failure.self) { try results[1].get() }
        #expect(failure?.code == .killed)
        #expect(try results[2].get() == 2)
    }

    @Test(
        "a requirement fails the item too", .finds("item 0: Expectation failed: Bool(false): required"),
        .recordsWorkerIssues)
    func required() throws {
        // Not within another macro, whose place its expectations would have.
        let results = ForkPool(workers: 1).mapResults(0..<1) { item in
            try #require(Bool(false), "required")
            return item
        }
        let failure = #expect(throws: ForkPool.Failure.self) { try results[0].get() }
        #expect(failure?.code == .thrown)
    }

    @Test(
        "recorded issues, but no known ones", .finds("item 0: Issue recorded: recorded"), .recordsWorkerIssues)
    func recorded() throws {
        try ForkPool(workers: 1).forEach(0..<1) { _ in
            Issue.record("recorded")
            withKnownIssue { Issue.record("known") }
        }
    }

    #if compiler(>=6.3)
    @Test("a warning stays one", .finds("warning, item 0: Issue recorded: warned"), .recordsWorkerIssues)
    func warning() throws {
        try ForkPool(workers: 1).forEach(0..<1) { _ in Issue.record("warned", severity: .warning) }
    }
    #endif

    @Test(
        "a case of its own for each argument", .finds("item 0: Expectation failed: (number → 1) == 0: case"),
        .recordsWorkerIssues, arguments: [1, 1])
    func arguments(number: Int) throws {
        try ForkPool(workers: 1).forEach(0..<1) { _ in #expect(number == 0, "case") }
    }

    @Test("expectations that hold leave nothing", .finds(), .recordsWorkerIssues)
    func passing() throws {
        try ForkPool(workers: 2).forEach(0..<1000) { item in #expect(item >= 0) }
    }

    private static func fail() {
        #expect(Bool(false), "exit test")
    }

    @Test("an exit test hears its workers without the trait", .finds("exit test"))
    func exitTest() async {
        await #expect(processExitsWith: .success) {
            try ForkPool(workers: 1).forEach(0..<1) { _ in Self.fail() }
        }
    }
}

@Suite(
    "Issues of workers, for a whole suite", .serialized,
    .finds("item 0: Expectation failed: (item → 0) == 3: suite"), .recordsWorkerIssues)
struct WorkerIssuesSuiteTests {
    private static let pool = Result {
        try ForkPool(workers: 1).resident { (item: Int) in
            #expect(item == 3, "suite")
            return item
        }
    }

    @Test("a pool of an earlier test is heard", arguments: 0..<2)
    func shared(_: Int) throws {
        #expect(try Self.pool.get()(0) == 0)
    }

    @Test("a test that has the trait a second time waits for nothing", .recordsWorkerIssues)
    func twice() throws {
        #expect(try Self.pool.get()(0) == 0)
    }
}

@Suite("Issues of workers by exec")
struct ExecIssuesTests {
    @Test("no test hears them", .finds(), .recordsWorkerIssues)
    func unheard() throws {
        let pool = try ForkPool(workers: 1).resident(Expecting(), start: .exec)
        #expect(try pool(2) == 2)
        pool.close()
    }

    @Test("throwingIssues makes them a failure of the item", .finds(), .recordsWorkerIssues)
    func thrown() throws {
        let pool = try ForkPool(workers: 1).resident(Throwing(), start: .exec)
        #expect(try pool(3) == 3)
        let failure = #expect(throws: ForkPool.Failure.self) { try pool(2) }
        let issues = try #require(failure?.thrown).decode(as: WorkerIssues.self)
        let texts = try #require(issues?.descriptions)
        let text = try #require(texts.first).replacing(/:\d+:\d+/, with: "")
        #expect(texts.count == 1)
        #expect(text == "WorkerIssuesTests.swift: Expectation failed: (item → 2) == 3: exec")
        pool.close()
    }
}
