// SPDX-License-Identifier: Apache-2.0
#if canImport(XCTest)
internal import ForkPool
public import XCTest

extension XCTestCase {
    /// Records the failures of workers, such as a failed `XCTAssert` in the body of a map, in this test.
    ///
    /// Without it such a failure is printed, and the test passes. Call it before the first pool:
    ///
    /// ```swift
    /// import ForkPoolTesting
    /// import XCTest
    ///
    /// final class NumberTests: XCTestCase {
    ///     override func setUp() { recordWorkerIssues() }
    ///
    ///     func testReadsAll() throws {
    ///         try ForkPool().forEach(["1", "two"]) { text in XCTAssertNotNil(Int(text)) }
    ///     }
    /// }
    /// ```
    ///
    /// A failure has its own place in the source, and its text begins with the item's index in its call. It is recorded when
    /// the test method has ended, before `tearDown()`, also if the worker has crashed since.
    ///
    /// It hears forked workers, and not workers by exec.
    public func recordWorkerIssues() {
        WorkerObserver.install()
        recordTaken(ofTestBefore: true)
        addTeardownBlock { [unowned self] in recordTaken(ofTestBefore: false) }
    }

    private func recordTaken(ofTestBefore: Bool) {
        let (issues, loss) = IssueMemory.shared.take()
        for issue in issues {
            recordFailure(
                withDescription: issue.description(ofTestBefore: ofTestBefore), inFile: issue.file, atLine: issue.line,
                expected: true)
        }
        if let loss { recordFailure(withDescription: loss, inFile: #filePath, atLine: #line, expected: true) }
    }
}

/// Keeps the failures of the process that it runs in for the parent, if that process is a worker.
private final class WorkerObserver: NSObject, XCTestObservation {
    private static let installed: Void = {
        _ = IssueMemory.shared
        XCTestObservationCenter.shared.addTestObserver(WorkerObserver())
    }()

    static func install() { installed }

    func testCase(
        _ testCase: XCTestCase, didFailWithDescription description: String, inFile filePath: String?, atLine line: Int
    ) {
        guard ForkPool.worker != nil else { return }
        IssueMemory.shared.add(WorkerIssue(description, file: filePath ?? "", line: line))
    }
}
#endif
