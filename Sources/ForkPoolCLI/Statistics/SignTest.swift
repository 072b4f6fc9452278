import Glibc

/// What the order of some values alone says of the median that they come from: no assumption on how they are spread.
///
/// A value lies below the true median with probability one half, so how many do is binomial (Dixon and Mood, 1946).
enum SignTest {
    /// The probability that at most `most` of `count` values lie below the median.
    ///
    /// - Complexity: O(`most`).
    static func cumulative(_ most: Int, of count: Int) -> Double {
        guard most >= 0 else { return 0 }
        guard most < count else { return 1 }
        // Each term from the one before, as logarithms: 2 to the power of -count is nothing a Double can hold.
        var term = -Double(count) * log(2.0)
        var sum = exp(term)
        for drawn in 0..<most {
            term += log(Double(count - drawn)) - log(Double(drawn + 1))
            sum += exp(term)
        }
        return min(sum, 1)
    }

    /// The rank, from 1, of the value that begins an interval for the median; that with the same rank from above ends it.
    ///
    /// - Parameters:
    ///   - count: How many values there are.
    ///   - error: The probability with which the interval may miss the median.
    /// - Returns: The largest rank whose interval misses it no more often, or nil if there are too few values for any.
    static func rank(of count: Int, error: Double) -> Int? {
        var rank = 0
        while rank < count / 2, 2 * cumulative(rank, of: count) <= error { rank += 1 }
        return rank == 0 ? nil : rank
    }

    /// An interval that misses the median of what the values come from with no more than a probability.
    ///
    /// - Parameters:
    ///   - values: The values, in any order.
    ///   - error: The probability.
    /// - Returns: The interval, or nil if there are too few values for any.
    static func interval(_ values: [Double], error: Double) -> ClosedRange<Double>? {
        guard let rank = rank(of: values.count, error: error) else { return nil }
        let sorted = values.sorted()
        return sorted[rank - 1]...sorted[values.count - rank]
    }

    /// The probability of values that lie so far above a limit, or further, if their median were the limit.
    static func probability(_ values: [Double], above limit: Double) -> Double {
        let above = values.count { $0 > limit }
        let below = values.count { $0 < limit }
        // At least as many above as there are: as many or fewer below.
        return cumulative(below, of: above + below)
    }
}

/// The middle value; of an even number the mean of the two.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    guard !sorted.isEmpty else { return .nan }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/// Says of several tests which are sure, so that all of them together are wrong no more often than with a probability
/// (Holm, 1979).
///
/// - Parameters:
///   - probabilities: The probability of what each test saw if there were nothing to see.
///   - error: The probability that any is wrong.
/// - Returns: Which are sure, in their order.
func holm(_ probabilities: [Double], error: Double) -> [Bool] {
    var sure = probabilities.map { _ in false }
    for (rank, number) in probabilities.indices.sorted(by: { probabilities[$0] < probabilities[$1] }).enumerated() {
        guard probabilities[number] <= error / Double(probabilities.count - rank) else { break }
        sure[number] = true
    }
    return sure
}
