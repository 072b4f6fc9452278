// SPDX-License-Identifier: Apache-2.0
#if Command
/// The results of a measurement, which are written in several formats.
struct Results {
    let verb: String
    var entries: [MeasuredCommand]
    var comparisons: [Comparison]
    /// The benchmarks of a check that failed, and so have no figures.
    var failures: [FailedBenchmark] = []
    let noise: Noise
    /// The seed of the order.
    let seed: UInt64
    /// How many rounds were discarded.
    let warmup: Int
    let seconds: Double
    /// The metric that charts show.
    let metric: Metric
    /// Sentences that a reader of the figures must know.
    var notes: [String] = []
    /// What counted instructions; nil if they were not counted.
    var counter: InstructionCounter?
    /// Whether the commands ran under callgrind, so that their times are not their own.
    var isSimulated: Bool { counter.map { $0 != .processor } ?? false }
    /// What else the figures depend on; nil for results that are no baseline.
    var conditions: Conditions?
    /// The start of the shell, which is subtracted from every run.
    var shellStart: ShellStart?
    /// Whether the fastest command comes first in what people read.
    var isSorted = false

    /// The comparison of a command whose verdict counts most: the worst one, or else that by the metric that charts show.
    func comparison(of entry: MeasuredCommand) -> Comparison? {
        let all = comparisons.filter { $0.head.name == entry.name }
        return all.first { $0.decision?.verdict == .slower }
            ?? all.first { $0.decision.map { $0.verdict != .passed } ?? false }
            ?? all.first { $0.metric == metric } ?? all.first { $0.decision != nil }
    }

    /// The results in the order for people.
    var ordered: Results {
        guard isSorted else { return self }
        func time(_ command: MeasuredCommand) -> Double {
            let median = command.summary(metric).median
            return median.isNaN ? .infinity : median
        }
        var ordered = self
        ordered.entries.sort { time($0) < time($1) }
        ordered.comparisons.sort { time($0.head) < time($1.head) }
        return ordered
    }
}
#endif
