// SPDX-License-Identifier: Apache-2.0
internal import ForkPool

/// The issues of workers, in memory that they share with the process of the tests.
///
/// A worker writes an issue before its assertion returns, so that nothing that it does later can lose it.
final class IssueMemory: Sendable {
    /// The issues of all workers of this process, which makes it before the first fork that a test listens to.
    static let shared = IssueMemory(size: 4 << 20)

    private struct State: BitwiseCopyable {
        var used = 0
        var isFull = false
    }

    private let state = SharedValue(State())
    /// Issues, one after the other: a number of four bytes and as many bytes.
    private let bytes: SharedArray<UInt8>

    init(size: Int) {
        bytes = SharedArray(count: size)
    }

    /// Adds an issue of the calling worker, unless there is no room.
    func add(_ issue: WorkerIssue) {
        let text = issue.bytes
        let count = UInt32(text.count)
        state.withLock { state in
            let start = state.used
            guard text.count + 4 <= bytes.count - start else { return state.isFull = true }
            for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
            for (index, byte) in text.enumerated() { bytes[start + 4 + index] = byte }
            // A worker that dies before has written nothing.
            state.used = start + 4 + text.count
        }
    }

    /// Returns the issues and removes them, each once: a testing library may tell one several times.
    ///
    /// - Returns: The issues in the order of the items, and what was lost, if anything was.
    func take() -> (issues: [WorkerIssue], loss: String?) {
        let (text, isFull) = state.withLock { state in
            defer { state = State() }
            return (Array(bytes.prefix(max(0, state.used))), state.isFull)
        }
        var issues: Set<WorkerIssue> = []
        var damaged = false
        var rest = text[...]
        while !rest.isEmpty {
            let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            let issue = WorkerIssue(bytes: rest.dropFirst(4).prefix(count))
            if let issue { issues.insert(issue) } else { damaged = true }
            rest = rest.dropFirst(4 + count)
        }
        let loss =
            damaged
            ? "A body wrote over the memory in which workers tell what failed: more may have failed."
            : isFull ? "More failed in workers than fits into \(bytes.count >> 20) MiB: this is not all." : nil
        let sorted = issues.sorted {
            ($0.file, $0.line, $0.item, $0.attempt) < ($1.file, $1.line, $1.item, $1.attempt)
        }
        return (sorted, loss)
    }
}
