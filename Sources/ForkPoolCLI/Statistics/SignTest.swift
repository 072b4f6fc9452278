// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The sign test: tests and intervals for a median, without assumptions on the distribution.
///
/// A value lies below the true median with probability one half, so the number of such values is binomial (Dixon and Mood,
/// 1946).
enum SignTest {
    /// Returns the probability that at most `most` of `count` values lie below the median.
    ///
    /// - Complexity: O(`most`).
    static func cumulative(_ most: Int, of count: Int) -> Double {
        guard most >= 0 else { return 0 }
        guard most < count else { return 1 }
        // Compute each term from the one before, as a logarithm: 2 to the power of -count would underflow.
        var term = -Double(count) * log(2.0)
        var sum = exp(term)
        for drawn in 0..<most {
            term += log(Double(count - drawn)) - log(Double(drawn + 1))
            sum += exp(term)
        }
        return min(sum, 1)
    }

    /// Returns the rank of the lower end of an interval for the median; the upper end has the same rank from above.
    ///
    /// - Parameters:
    ///   - count: The number of values.
    ///   - error: The probability that the interval misses the median.
    /// - Returns: The largest possible rank, from 1; nil if there are too few values.
    static func rank(of count: Int, error: Double) -> Int? {
        var rank = 0
        while rank < count / 2, 2 * cumulative(rank, of: count) <= error { rank += 1 }
        return rank == 0 ? nil : rank
    }

    /// Computes a confidence interval for the median.
    ///
    /// - Parameters:
    ///   - values: The values, in any order.
    ///   - error: The probability that the interval misses the median.
    /// - Returns: The interval; nil if there are too few values.
    static func interval(_ values: [Double], error: Double) -> ClosedRange<Double>? {
        guard let rank = rank(of: values.count, error: error) else { return nil }
        let sorted = values.sorted()
        return sorted[rank - 1]...sorted[values.count - rank]
    }

    /// Returns the p-value for the median being above a limit: small if most values are above it.
    static func probability(_ values: [Double], above limit: Double) -> Double {
        let above = values.count { $0 > limit }
        let below = values.count { $0 < limit }
        // At least `above` values above means at most `below` values below.
        return cumulative(below, of: above + below)
    }
}

/// Returns the median of values; NaN for none.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    guard !sorted.isEmpty else { return .nan }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// Decides which of several tests are significant, with one error for all of them together (Holm, 1979).
///
/// - Parameters:
///   - probabilities: The p-value of each test.
///   - error: The probability that any result is wrong.
/// - Returns: Whether each test is significant, in the order of the tests.
func holm(_ probabilities: [Double], error: Double) -> [Bool] {
    var significant = probabilities.map { _ in false }
    for (rank, number) in probabilities.indices.sorted(by: { probabilities[$0] < probabilities[$1] }).enumerated() {
        guard probabilities[number] <= error / Double(probabilities.count - rank) else { break }
        significant[number] = true
    }
    return significant
}
#endif
