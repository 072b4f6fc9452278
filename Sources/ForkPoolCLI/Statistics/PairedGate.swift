// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Decides, from pairs of runs, whether head is slower than base by more than a limit.
///
/// It judges after as many pairs as `looks` says. The error is divided among the looks, because a test that is repeated
/// often enough finds a difference by chance.
struct PairedGate {
    /// The verdict after some pairs.
    enum Verdict: Equatable {
        /// The whole interval is above the limit.
        case slower
        /// No part of the interval is above the limit.
        case passed
        /// The interval contains the limit; the next look is after so many pairs in total.
        case more(Int)
        /// The interval contains the limit, and there are no more pairs.
        case inconclusive
    }

    /// The numbers of pairs after which the gate judges.
    static let looks = [10, 20, 40, 80]

    /// The most that head may take, as a multiple of base: 1.05 for 5 %.
    let limit: Double
    /// The probability of a wrong verdict, over all looks.
    let error: Double
    /// How many comparisons share the error.
    let comparisons: Int

    init(limit: Double, error: Double = 0.05, comparisons: Int = 1) {
        self.limit = limit
        self.error = error
        self.comparisons = comparisons
    }

    /// The error for one look at one comparison.
    var errorPerLook: Double { error / Double(Self.looks.count * comparisons) }

    /// Judges the ratio of head to base after some pairs.
    ///
    /// - Parameters:
    ///   - ratios: The ratio head / base of each pair.
    ///   - isLast: Whether there are no more pairs.
    /// - Returns: The verdict.
    func judge(_ ratios: [Double], isLast: Bool) -> Verdict {
        judge(interval(ratios), after: ratios.count, isLast: isLast)
    }

    /// Judges a ratio by its interval.
    ///
    /// - Parameters:
    ///   - interval: An interval with at most the error of one look; nil if there are too few runs.
    ///   - count: The number of runs of each command.
    ///   - isLast: Whether there are no more runs.
    /// - Returns: The verdict.
    func judge(_ interval: ClosedRange<Double>?, after count: Int, isLast: Bool) -> Verdict {
        if let interval {
            if interval.lowerBound > limit { return .slower }
            if interval.upperBound <= limit { return .passed }
        }
        guard !isLast, let next = Self.looks.first(where: { $0 > count }) else { return .inconclusive }
        return .more(next)
    }

    /// Judges several comparisons together.
    ///
    /// The probability that any "slower" is wrong is at most the error (Holm). A comparison that passes does not make the
    /// others stricter.
    ///
    /// - Parameters:
    ///   - comparisons: The ratios of each comparison.
    ///   - limits: The limit of each comparison; nil if all have that of the gate.
    ///   - isLast: Whether there are no more pairs.
    /// - Returns: The verdict for each comparison.
    func judge(_ comparisons: [[Double]], limits: [Double]? = nil, isLast: Bool) -> [Verdict] {
        let limits = limits ?? comparisons.map { _ in limit }
        let probabilities = zip(comparisons, limits).map { SignTest.probability($0, above: $1) }
        // An interval has half of its error on either side.
        let slower = holm(probabilities, error: errorPerLook / 2)
        return comparisons.indices.map { number in
            if slower[number] { return .slower }
            let ratios = comparisons[number]
            let alone = PairedGate(limit: limits[number], error: error, comparisons: self.comparisons)
            let verdict = alone.judge(ratios, isLast: isLast)
            guard verdict == .slower else { return verdict }
            // It is slower if judged alone, but not among all comparisons.
            return judge(nil, after: ratios.count, isLast: isLast)
        }
    }

    /// Computes the interval of the ratio, with the error of one look.
    func interval(_ ratios: [Double]) -> ClosedRange<Double>? {
        SignTest.interval(ratios, error: errorPerLook)
    }

    /// The ratio that the gate must find: a head slower by twice the limit.
    var canary: Double { 1 + 2 * (limit - 1) }
}
#endif
