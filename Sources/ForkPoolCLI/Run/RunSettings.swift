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
        /// As jobs write, without capturing: lines of different jobs may mix.
        case live
    }

    /// The effect of the first failure.
    enum FailFast: String, CaseIterable {
        /// Running jobs are stopped.
        case now
        /// Running jobs go on; no more jobs start.
        case soon
    }

    var template: CommandTemplate
    /// How many jobs run at once.
    var jobs: Int
    var order = OutputOrder.keep
    var tags = false
    var limits = RunLimits()
    var failFast: FailFast?
    /// The folder of `--results`.
    var results: String?
}
#endif
