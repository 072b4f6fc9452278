// SPDX-License-Identifier: Apache-2.0
#if canImport(Testing)
internal import Synchronization
internal import Testing

/// Runs code in a worker, and throws if an issue is recorded in it, such as a failed `#expect`: then the item fails.
///
/// This is for workers by exec, from which no test hears otherwise:
///
/// ```swift
/// import ForkPoolTesting
/// import Testing
///
/// struct Reading: ForkPool.Job {
///     func run(_ text: String) async throws -> Int? {
///         try throwingIssues {
///             #expect(!text.isEmpty)
///             return Int(text)
///         }
///     }
/// }
/// ```
///
/// Known issues do not count, and neither do assertions of XCTest, which does nothing where no test runs.
///
/// - Parameter body: The code.
/// - Returns: What `body` returns.
/// - Throws: ``WorkerIssues``, or what `body` throws.
public func throwingIssues<R>(_ body: () throws -> R) throws -> R {
    let found = FoundIssues()
    var result: Result<R, any Error>?
    withKnownIssue(isIntermittent: true) {
        result = Result { try body() }
    } matching: { issue in
        found.add(issue)
    }
    return try found.check(result)
}

/// Runs async code as the function for sync code does.
///
/// - Parameters:
///   - isolation: The actor that the code runs on; by default the caller's.
///   - body: The code.
/// - Returns: What `body` returns.
/// - Throws: ``WorkerIssues``, or what `body` throws.
public func throwingIssues<R>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> R
) async throws -> R {
    let found = FoundIssues()
    var result: Result<R, any Error>?
    await withKnownIssue(isIntermittent: true) {
        do { result = .success(try await body()) } catch { result = .failure(error) }
    } matching: { issue in
        found.add(issue)
    }
    return try found.check(result)
}

/// What an item throws in whose body an issue was recorded.
public struct WorkerIssues: Error, Codable, Sendable, CustomStringConvertible {
    /// The issues, each with its place in the source.
    public let descriptions: [String]

    /// The issues, one a line.
    public var description: String { descriptions.joined(separator: "\n") }
}

/// The issues of a body, which may record them from several threads.
private final class FoundIssues: Sendable {
    private let texts = Mutex<[String]>([])

    /// Adds an issue; returns whether to tell the test run, if there is one, that it is a known one.
    func add(_ issue: Issue) -> Bool {
        texts.withLock { $0.append(issue.sourceLocation.map { "\($0): \(issue.text)" } ?? issue.text) }
        return true
    }

    func check<R>(_ result: Result<R, any Error>?) throws -> R {
        let texts = texts.withLock { $0 }
        guard texts.isEmpty, let result else { throw WorkerIssues(descriptions: texts) }
        return try result.get()
    }
}
#endif
