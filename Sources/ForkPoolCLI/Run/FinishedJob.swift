// SPDX-License-Identifier: Apache-2.0
#if Command
/// A job that ended and is not started again, with its output.
struct FinishedJob {
    let job: RunJob
    let result: JobResult
    let output: JobOutput
    let errors: JobOutput
    /// How many bytes it wrote; nil if the output was not captured.
    let bytes: Int?
}

/// Puts finished jobs back into input order: a job waits for those before it.
struct ReorderBuffer {
    private let keepsOrder: Bool
    private var waiting: [Int: FinishedJob?] = [:]
    /// The position of the next job to print.
    private(set) var next = 1

    /// Makes an empty buffer.
    ///
    /// - Parameter keepsOrder: Whether jobs come out in input order; if not, as they end.
    init(keepsOrder: Bool) {
        self.keepsOrder = keepsOrder
    }

    /// Adds a job that has ended.
    ///
    /// - Parameters:
    ///   - number: Its position.
    ///   - finished: The job, or nil if it has nothing to print.
    /// - Returns: The jobs to print now, in order.
    mutating func add(_ number: Int, _ finished: FinishedJob?) -> [FinishedJob] {
        guard keepsOrder else { return finished.map { [$0] } ?? [] }
        guard number == next else {
            waiting[number] = .some(finished)
            return []
        }
        var ready = finished.map { [$0] } ?? []
        next += 1
        while let following = waiting.removeValue(forKey: next) {
            if let following { ready.append(following) }
            next += 1
        }
        return ready
    }

    /// Removes all waiting jobs, in order, even if jobs between them are missing.
    mutating func drain() -> [FinishedJob] {
        defer { waiting.removeAll() }
        return waiting.sorted { $0.key < $1.key }.compactMap(\.value)
    }

    /// How many jobs wait.
    var waitingCount: Int { waiting.count }
}
#endif
