import Glibc

/// What some values are, in short.
struct Summary {
    let values: [Double]
    let median: Double
    /// What misses the true median with a probability of 5 % at most; nil for fewer than 6 values.
    let interval: ClosedRange<Double>?
    let mean: Double
    /// The standard deviation of a sample; nil for a single value.
    let deviation: Double?
    let minimum: Double
    let maximum: Double

    /// Summarises values, of which there is at least one.
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

/// How much one thing takes, as a multiple of another.
struct Ratio {
    /// The middle of what was seen, and what misses the true one with no more than an agreed probability; nil for too few
    /// values.
    let estimate: Double
    let interval: ClosedRange<Double>?

    /// The ratio of pairs that were run one beside the other.
    ///
    /// - Parameters:
    ///   - ratios: A value for each pair, all above 0.
    ///   - error: The probability.
    init(pairs ratios: [Double], error: Double) {
        estimate = exp(median(ratios.map { log($0) }))
        interval = SignTest.interval(ratios, error: error)
    }

    /// The ratio of values that have nothing to do with one another: half of the error for the interval of either median.
    ///
    /// - Parameters:
    ///   - head: Values, all above 0.
    ///   - base: What they are compared with, all above 0.
    ///   - error: The probability.
    init(of head: [Double], to base: [Double], error: Double) {
        estimate = median(head) / median(base)
        let intervals = (SignTest.interval(head, error: error / 2), SignTest.interval(base, error: error / 2))
        guard case (let upper?, let lower?) = intervals else {
            interval = nil
            return
        }
        interval = upper.lowerBound / lower.upperBound...upper.upperBound / lower.lowerBound
    }

    /// How far off the true ratio may be, as a part of it.
    var resolution: Double? {
        interval.map { sqrt($0.upperBound / $0.lowerBound) - 1 }
    }

    /// Such as "1.084 [1.073, 1.095]".
    var text: String {
        guard let interval else { return "\(fixed(estimate, 3)) [too few runs to tell]" }
        return "\(fixed(estimate, 3)) [\(fixed(interval.lowerBound, 3)), \(fixed(interval.upperBound, 3))]"
    }
}
