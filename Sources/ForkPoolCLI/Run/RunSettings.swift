// SPDX-License-Identifier: Apache-2.0
#if Command
/// The settings of a run, from the command line.
struct RunSettings {
    /// The order in which outputs are printed.
    enum OutputOrder: String, CaseIterable {
        /// In input order.
        case keep
        /// As jobs end.
        case done
        /// Whole lines as jobs write them, each with its item.
        case lines
        /// As jobs write, without capturing: lines of different jobs may mix.
        case live
    }

    var template: CommandTemplate
    /// How many jobs run at once.
    var jobs: Int
    var order = OutputOrder.keep
    var tags = false
    var limits = RunLimits()
    var failFast: FailFast?
    var throttle = RunThrottle()
    var progress = RunStatusLine.Mode.auto
    /// The folder of `--results`.
    var results: String?
    /// The folder of `--tmpdir`.
    var givenTemporaryFolder: String?
    /// The file that each job reads, a template with one word.
    var input: CommandTemplate?
    /// The folder of `--wd`.
    var workingFolder: String?
    /// The environment that each job gets, with its item added; nil for this process's own.
    var environment: [[UInt8]]?

    /// Whether jobs get several items, of which a variable of the environment has the first.
    var hasBatches = false

    /// Whether the outputs of running jobs may be printed.
    var streams: Bool { order == .lines || order == .keep }
}

/// The limits of each job.
struct RunLimits {
    var timeout: JobTimeout?
    /// How often to start a failed job again.
    var retries = 0
    /// How long to wait before that, in nanoseconds.
    var retryDelay: Int?
    /// The most bytes in each output.
    var maxOutput = 1 << 30
    /// The most bytes of items in a command, with `-n` and `-X`; nil without them.
    var batchBytes: Int?
}
#endif
