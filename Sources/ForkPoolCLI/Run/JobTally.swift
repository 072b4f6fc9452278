/// What became of all jobs so far.
struct JobTally {
    /// How many failures are told one by one.
    private static let mostTold = 10
    private var told = 0
    private(set) var succeeded = 0
    private(set) var failed = 0
    /// How many were done before, as the log of an earlier run says.
    private(set) var skipped = 0
    private(set) var exitCode: Int32 = 0
    /// Of how many the output was printed, if there was any.
    var printed = 0

    /// How many are done with, in whatever way.
    var done: Int { succeeded + failed + skipped }

    /// Counts a job that an earlier run did.
    mutating func skip() { skipped += 1 }

    /// Counts a job that ended for good.
    mutating func count(_ end: JobEnd) {
        if end.isSuccess { succeeded += 1 } else if end.reason != .cancelled { failed += 1 }
        // The gravest is the highest.
        exitCode = max(exitCode, end.exitCode)
    }

    /// What a person is to read of a job, if anything.
    mutating func tell(_ job: Job, _ end: JobEnd, _ limits: RunLimits) -> String? {
        guard !end.isSuccess else { return nil }
        told += 1
        if told > Self.mostTold { return nil }
        let attempts = job.attempt > 1 ? " at attempt \(job.attempt)" : ""
        let item = printable(String(decoding: job.item.prefix(80), as: UTF8.self))
        return "job \(job.number) (\(item)): \(end.sentence(limits))\(attempts)"
    }

    /// What a person is to read at the end, if not all was told.
    var summary: String? {
        told > Self.mostTold ? "\(failed) of \(counted(done, "job")) failed; --log FILE has all of them" : nil
    }
}
