// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Foundation
import Synchronization
import Testing

/// Expects that a test has exactly these issues, and hides them.
///
/// It comes before `.recordsWorkerIssues`. An issue is written as its text, without worker, process and attempt. The line of its
/// place must have the last part of the text, a comment, in quotation marks.
struct Finds: TestTrait, SuiteTrait, TestScoping {
    var issues: Set<String>
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let found = Mutex<[Issue]>([])
        let collecting = IssueHandlingTrait.compactMapIssues { issue in
            if ForkPool.worker == nil { found.withLock { $0.append(issue) } }
            return nil
        }
        try await collecting.provideScope(for: test, testCase: testCase, performing: function)
        let issues = found.withLock { $0 }
        #expect(Set(issues.map(Self.text)) == self.issues)
        for issue in issues {
            let comment = Self.text(of: issue).split(separator: ": ").last ?? ""
            #expect(try Self.line(of: issue).contains("\"\(comment)\""), "the place of \(issue)")
        }
    }

    static func text(of issue: Issue) -> String {
        #if compiler(>=6.3)
        let severity = issue.severity < .error ? "warning, " : ""
        #else
        let severity = ""
        #endif
        let text = severity + issue.comments.map(\.rawValue).joined(separator: ": ")
        return text.replacing(/, worker \d+ \(pid \d+\)/, with: "").replacing(/, attempt \d+/, with: "")
    }

    private static func line(of issue: Issue) throws -> Substring {
        let place = try #require(issue.sourceLocation)
        let source = try String(contentsOfFile: place.filePath, encoding: .utf8)
        return source.split(separator: "\n", omittingEmptySubsequences: false)[place.line - 1]
    }
}

extension Trait where Self == Finds {
    static func finds(_ issues: String...) -> Self { Self(issues: Set(issues)) }
}
