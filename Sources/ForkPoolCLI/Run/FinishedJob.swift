// SPDX-License-Identifier: Apache-2.0
#if Command
/// A job that ended and is not started again, with its output.
struct FinishedJob {
    let job: RunJob
    let result: JobResult
    var output: JobOutput
    var errors: JobOutput
    /// How many bytes it wrote; nil if the output was not captured.
    let bytes: Int?
    /// What puts the item in front of its lines.
    var tags: JobTags?

    /// Describes its failure; nil if it succeeded, or was stopped before it wrote anything.
    func failure(_ limits: RunLimits) -> String? {
        guard !result.isSuccess, !result.isUnfinished || bytes ?? 0 > 0 else { return nil }
        let attempts = job.attempt > 1 ? " at attempt \(job.attempt)" : ""
        return "\(job.name): \(result.sentence(limits))\(attempts)"
    }

    /// About how much memory it takes.
    var memory: Int { output.memory + errors.memory + textMemory }

    /// About how much memory it takes with all of its output there.
    var wholeMemory: Int { output.length + errors.length + textMemory }

    private var textMemory: Int {
        (result.words + job.values).reduce(256) { $0 + $1.count + 32 }
    }

    /// How many descriptors it keeps open.
    var captures: Int { (output.hasCapture ? 1 : 0) + (errors.hasCapture ? 1 : 0) }
}

/// A job that ended, as it waits for its turn to be printed.
enum WaitingJob {
    /// In memory: what it takes there counts in `OutputMemory` until it is printed, or is 0.
    case held(FinishedJob, memory: Int)
    /// In a file.
    case stored(StoredJob)

    /// The number of the job.
    var number: Int {
        switch self {
        case .held(let job, _): job.job.number
        case .stored(let job): job.number
        }
    }

    /// Whether there is something to print.
    var hasOutput: Bool {
        switch self {
        case .held(let job, _): job.output.length + job.errors.length > 0
        case .stored(let job): job.output.length + job.errors.length > 0
        }
    }
}

/// Puts finished jobs back into input order: a job waits for those before it.
struct ReorderBuffer<Job> {
    private let keepsOrder: Bool
    private var waiting: [Int: Job?] = [:]
    /// The jobs to print now, before those that wait.
    private var ready: [Job] = []
    /// The position of the next job to print.
    private(set) var next = 1

    /// Makes an empty buffer.
    ///
    /// - Parameter keepsOrder: Whether jobs come out in input order; if not, as they end.
    init(keepsOrder: Bool) {
        self.keepsOrder = keepsOrder
    }

    /// Tells whether a job must wait for an earlier one.
    func mustWait(_ number: Int) -> Bool { keepsOrder && number != next }

    /// Adds a job that has ended.
    ///
    /// - Parameters:
    ///   - number: Its position.
    ///   - job: The job, or nil if it has nothing to print.
    mutating func add(_ number: Int, _ job: Job?) {
        guard !mustWait(number) else {
            waiting[number] = .some(job)
            return
        }
        next += 1
        if let job { ready.append(job) }
    }

    /// Removes the next job to print; nil if it has not ended.
    mutating func takeNext() -> Job? {
        if !ready.isEmpty { return ready.removeFirst() }
        while !waiting.isEmpty, let following = waiting.removeValue(forKey: next) {
            next += 1
            if let following { return following }
        }
        return nil
    }

    /// Removes all waiting jobs, in order, even if jobs between them are missing.
    mutating func drain() -> [(number: Int, job: Job)] {
        defer { (ready, waiting) = ([], [:]) }
        let later = waiting.sorted { $0.key < $1.key }.compactMap { number, job in job.map { (number, $0) } }
        return ready.map { (0, $0) } + later
    }
}
#endif
