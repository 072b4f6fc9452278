// SPDX-License-Identifier: Apache-2.0
#if canImport(Testing)
internal import ForkPool
public import Testing

/// A trait that records, in a test, the issues of the workers that it forks.
///
/// ``Testing/Trait/recordsWorkerIssues`` makes it.
public struct WorkerIssuesTrait: TestTrait, SuiteTrait, TestScoping {
    /// Whether tests of a suite have the trait, too: always.
    public var isRecursive: Bool { true }

    /// A worker does not know which test forked it, so one test with the trait runs at a time.
    private static let turns = Turns()
    /// Whether the calling task is in a test that has the trait from its suite already.
    @TaskLocal private static var isListening = false

    /// Runs a test, and then records what failed in its workers.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard !Self.isListening else { return try await function() }
        await Self.turns.begin()
        defer { Self.turns.end() }
        Self.record(ofTestBefore: true, at: test.sourceLocation)
        defer { Self.record(ofTestBefore: false, at: test.sourceLocation) }
        // An issue of a worker has no test, and so goes to all handlers of the process, in the worker's copy of it.
        let listening = IssueHandlingTrait.compactMapIssues(Self.keep)
        try await Self.$isListening.withValue(true) {
            try await listening.provideScope(for: test, testCase: testCase, performing: function)
        }
    }

    /// Keeps an issue for the parent if this process is a worker; otherwise does nothing.
    private static func keep(_ issue: Issue) -> Issue? {
        guard ForkPool.worker != nil else { return issue }
        #if compiler(>=6.3)
        let isWarning = issue.severity < .error
        // A known issue fails no test.
        guard issue.isFailure || isWarning else { return nil }
        #else
        let isWarning = false
        #endif
        let place = issue.sourceLocation
        IssueMemory.shared.add(
            WorkerIssue(
                issue.text, file: place?.filePath ?? "", fileID: place?.fileID ?? "", line: place?.line ?? 0,
                column: place?.column ?? 0, isWarning: isWarning))
        return nil
    }

    private static func record(ofTestBefore isOfTestBefore: Bool, at test: SourceLocation) {
        let (issues, loss) = IssueMemory.shared.take()
        for issue in issues {
            let text = issue.description(ofTestBefore: isOfTestBefore)
            let place =
                issue.line < 1 || issue.column < 1 || !issue.fileID.contains("/")
                ? test
                : SourceLocation(fileID: issue.fileID, filePath: issue.file, line: issue.line, column: issue.column)
            #if compiler(>=6.3)
            Issue.record("\(text)", severity: issue.isWarning ? .warning : .error, sourceLocation: place)
            #else
            Issue.record("\(text)", sourceLocation: place)
            #endif
        }
        if let loss { Issue.record("\(loss)", sourceLocation: test) }
    }
}

extension Issue {
    /// What kind of issue it is, and its comments.
    var text: String {
        ([kind.description] + comments.map(\.rawValue)).joined(separator: ": ")
    }
}

extension Trait where Self == WorkerIssuesTrait {
    /// Records the issues of workers, such as a failed `#expect` in the body of a map, in the test that forked them.
    ///
    /// Without it such an issue is printed, and the test passes. Give it to each suite or test whose bodies have expectations:
    ///
    /// ```swift
    /// import ForkPoolTesting
    /// import Testing
    ///
    /// @Suite(.recordsWorkerIssues) struct NumberTests {
    ///     @Test func readsAll() throws {
    ///         try ForkPool().forEach(["1", "two"]) { text in #expect(Int(text) != nil) }
    ///     }
    /// }
    /// ```
    ///
    /// An issue has its own place in the source, and its text begins with the item's index in its call. It is recorded when
    /// the test function has ended, also if the worker has crashed since. Tests with this trait run one at a time.
    ///
    /// It hears forked workers that the test starts, and those of a resident pool that another test with the trait made. It
    /// does not hear workers by exec.
    public static var recordsWorkerIssues: Self { Self() }
}
#endif
