// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTesting
import Testing
import XCTest

/// Keeps the failures of a test case.
private final class Listener: NSObject, XCTestObservation {
    var failures: [String] = []

    func testCase(
        _ testCase: XCTestCase, didFailWithDescription description: String, inFile filePath: String?, atLine line: Int
    ) {
        let text = description.replacing(/, worker \d+ \(pid \d+\)/, with: "")
        failures.append("\(line): \(text)")
    }
}

@Suite("Issues of workers, in XCTest")
struct XCTestIssuesTests {
    /// Runs a test of XCTest; returns its failures, and whether it failed.
    private static func run(_ test: @escaping (XCTestCase) throws -> Void) -> (failures: [String], failed: Bool) {
        let listener = Listener()
        XCTestObservationCenter.shared.addTestObserver(listener)
        defer { XCTestObservationCenter.shared.removeTestObserver(listener) }
        let testCase = XCTestCase(name: "test", testClosure: test)
        testCase.run()
        return (listener.failures, testCase.testRun?.hasSucceeded == false)
    }

    @Test("an assertion that fails in a body fails the test, at its line, even if the worker crashes then")
    func failed() async {
        await #expect(processExitsWith: .success) {
            let (failures, failed) = Self.run(Self.failing)
            #expect(failed)
            #expect(
                failures == [
                    "\(Self.line): item 1: XCTAssertEqual failed: (\"1\") is not equal to (\"0\") - ",
                    "\(Self.line): item 2: XCTAssertEqual failed: (\"2\") is not equal to (\"0\") - ",
                ])
        }
    }

    // Not within the macro: what is within has its line.
    private static let line = #line + 5

    private static func failing(_ test: XCTestCase) throws {
        test.recordWorkerIssues()
        let results = ForkPool(workers: 2).mapResults(0..<3) { item in
            XCTAssertEqual(item, 0)
            if item == 2 { kill(getpid(), SIGKILL) }
            return item
        }
        XCTAssertEqual(try results[1].get(), 1)
        XCTAssertThrowsError(try results[2].get())
    }

    @Test("a failure in a worker that its test left running is one of the next test, and says so")
    func late() async {
        await #expect(processExitsWith: .success) { try Self.leaveWorker() }
    }

    private static func leaveWorker() throws {
        var left: ForkPool.Resident<Int, Int>?
        let first = run { test in
            test.recordWorkerIssues()
            left = try ForkPool(workers: 1).resident { (item: Int) in
                XCTAssertEqual(item, 7)
                return item
            }
        }
        #expect(first.failures.isEmpty && !first.failed)
        let pool = try #require(left)
        #expect(try pool(1) == 1)
        let second = run { $0.recordWorkerIssues() }
        #expect(second.failed && second.failures.count == 1)
        #expect(second.failures.first?.contains(": left by an earlier test: item 0: XCTAssertEqual failed") == true)
        pool.close()
    }

    @Test("a test passes if its assertions hold, and if no one listens")
    func passed() async {
        await #expect(processExitsWith: .success) {
            let (holding, first) = Self.run { test in
                test.recordWorkerIssues()
                try ForkPool(workers: 2).forEach(0..<3) { XCTAssertGreaterThanOrEqual($0, 0) }
            }
            #expect(holding.isEmpty && !first)
            let (unheard, second) = Self.run { test in
                try ForkPool(workers: 2).forEach(0..<3) { XCTAssertGreaterThanOrEqual($0, 1) }
            }
            #expect(unheard.isEmpty && !second)
        }
    }
}
