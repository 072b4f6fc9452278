// SPDX-License-Identifier: Apache-2.0
#if Command
/// Counts the results of the jobs so far.
struct JobTally {
    /// How many failures get a line of their own.
    private static let mostReported = 10
    private var reported = 0
    private(set) var succeeded = 0
    /// The numbers of the jobs that failed.
    private(set) var failures: [Int] = []
    /// How many an earlier run did, according to its log.
    private(set) var skipped = 0
    private(set) var exitCode: Int32 = 0
    /// How many had their output printed.
    var printed = 0

    var failed: Int { failures.count }

    /// How many are done, in whatever way.
    var done: Int { succeeded + failed + skipped }

    /// Counts a job that an earlier run did.
    mutating func skip() { skipped += 1 }

    /// Counts a finished job.
    mutating func count(_ job: RunJob, _ result: JobResult) {
        if result.isSuccess {
            succeeded += 1
        } else if !result.isUnfinished {
            failures.append(job.number)
        }
        // The worst result has the highest code.
        exitCode = max(exitCode, result.exitCode)
    }

    /// Returns the sentence about a failure if it is to be printed: enough others may have a line already.
    mutating func report(_ failure: String) -> String? {
        reported += 1
        return reported > Self.mostReported ? nil : failure
    }

    /// A line for the end of the run, if some failures had no line of their own.
    var summary: String? {
        reported > Self.mostReported ? "\(failed) of \(counted(done, "job")) failed; --log FILE lists all of them" : nil
    }
}
#endif
