/// A job that ended for good, with what it wrote.
struct Finished {
    let job: Job
    let end: JobEnd
    let output: Captured
    let errors: Captured
    /// How much it wrote, or nil if nobody looked.
    let bytes: Int?
}

/// Finished jobs on their way to the output: each waits for those before it.
struct OrderedJobs {
    private let keepsOrder: Bool
    private var waiting: [Int: Finished?] = [:]
    /// The number of the next job to print.
    private(set) var next = 1

    /// - Parameter keepsOrder: Whether jobs are printed in the order of the input, or as they end.
    init(keepsOrder: Bool) {
        self.keepsOrder = keepsOrder
    }

    /// Takes a job that has ended.
    ///
    /// - Parameters:
    ///   - number: Its number.
    ///   - finished: The job, or nil if it has nothing to print.
    /// - Returns: The jobs to print now.
    mutating func add(_ number: Int, _ finished: Finished?) -> [Finished] {
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

    /// Takes out all that waits, in order, whoever is missing in between.
    mutating func drain() -> [Finished] {
        defer { waiting.removeAll() }
        return waiting.sorted { $0.key < $1.key }.compactMap(\.value)
    }

    /// How many jobs have ended and wait.
    var waitingCount: Int { waiting.count }
}
