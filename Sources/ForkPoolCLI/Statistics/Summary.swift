// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Summary statistics of some values.
struct Summary {
    let values: [Double]
    let median: Double
    /// The 95 % confidence interval of the median; nil for fewer than 6 values.
    let interval: ClosedRange<Double>?
    let mean: Double
    /// The sample standard deviation; nil for a single value.
    let deviation: Double?
    let minimum: Double
    let maximum: Double

    /// Summarises values, at least one.
    init(_ values: [Double]) {
        self.values = values
        median = ForkPoolCLI.median(values)
        interval = SignTest.interval(values, error: 0.05)
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = values.count > 1 ? sqrt(squares / Double(values.count - 1)) : nil
        minimum = values.min() ?? .nan
        maximum = values.max() ?? .nan
    }
}

/// The ratio of two measured quantities, with its interval.
struct Ratio {
    /// The median of the ratios.
    let estimate: Double
    /// The confidence interval; nil if there are too few values.
    let interval: ClosedRange<Double>?

    /// Makes the ratio of paired runs.
    ///
    /// - Parameters:
    ///   - ratios: The ratio of each pair, above 0.
    ///   - error: The probability that the interval misses the true ratio.
    init(pairs ratios: [Double], error: Double) {
        estimate = exp(median(ratios.map { log($0) }))
        interval = SignTest.interval(ratios, error: error)
    }

    /// Makes the ratio of independent runs; the interval of each median gets half of the error.
    ///
    /// - Parameters:
    ///   - head: The values of head, above 0.
    ///   - base: The values of base, above 0.
    ///   - error: The probability that the interval misses the true ratio.
    init(of head: [Double], to base: [Double], error: Double) {
        estimate = median(head) / median(base)
        let intervals = (SignTest.interval(head, error: error / 2), SignTest.interval(base, error: error / 2))
        guard case (let upper?, let lower?) = intervals else {
            interval = nil
            return
        }
        interval = upper.lowerBound / lower.upperBound...upper.upperBound / lower.lowerBound
    }

    /// Makes the ratio of exact counts: the interval is from the lowest to the highest.
    init(exact ratios: [Double]) {
        estimate = median(ratios)
        interval = ratios.min().flatMap { low in ratios.max().map { low...$0 } }
    }

    /// How far the true ratio may be from the estimate, as a fraction; nil without an interval.
    var resolution: Double? {
        interval.map { sqrt($0.upperBound / $0.lowerBound) - 1 }
    }

    /// The estimate and the interval, such as "1.084 [1.073, 1.095]".
    var text: String {
        guard let interval else { return "\(fixed(estimate, 3)) [too few runs to tell]" }
        return "\(fixed(estimate, 3)) [\(fixed(interval.lowerBound, 3)), \(fixed(interval.upperBound, 3))]"
    }
}
#endif
