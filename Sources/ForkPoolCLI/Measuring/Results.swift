// SPDX-License-Identifier: Apache-2.0
#if Command
/// The results of a measurement, which are written in several formats.
struct Results {
    let verb: String
    let entries: [MeasuredCommand]
    let comparisons: [Comparison]
    let noise: Noise
    /// The seed of the order.
    let seed: UInt64
    /// How many rounds were discarded.
    let warmup: Int
    let seconds: Double
    /// The metric that charts show.
    let metric: Metric
}
#endif
