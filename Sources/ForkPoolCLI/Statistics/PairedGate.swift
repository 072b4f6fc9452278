import Glibc

/// Decides, from pairs of runs, whether head is slower than base by more than a limit.
///
/// A pure state machine: it is asked after so many pairs as `looks` says, and its error is divided among the looks, since
/// who looks often enough sees anything.
struct PairedGate {
    /// What is known after some pairs.
    enum Verdict: Equatable {
        /// Even the low end of the interval is above the limit.
        case slower
        /// Even the high end of the interval is not above the limit.
        case passed
        /// The interval spans the limit: so many pairs in all would tell more.
        case more(Int)
        /// The interval spans the limit, and there will be no more pairs.
        case inconclusive
    }

    /// After how many pairs it is asked.
    static let looks = [10, 20, 40, 80]

    /// The most that head may take, as a multiple of base: 1.05 for 5 %.
    let limit: Double
    /// The probability with which it may be wrong, over all looks.
    let error: Double
    /// How many comparisons share the error.
    let comparisons: Int

    init(limit: Double, error: Double = 0.05, comparisons: Int = 1) {
        self.limit = limit
        self.error = error
        self.comparisons = comparisons
    }

    /// The error of one look at one comparison.
    var errorPerLook: Double { error / Double(Self.looks.count * comparisons) }

    /// What is known of the ratio of head to base after some pairs.
    ///
    /// - Parameters:
    ///   - ratios: Head by base, a value for each pair.
    ///   - isLast: Whether no more pairs can be had.
    /// - Returns: What is known.
    func judge(_ ratios: [Double], isLast: Bool) -> Verdict {
        judge(interval(ratios), after: ratios.count, isLast: isLast)
    }

    /// What is known of a ratio by its interval.
    ///
    /// - Parameters:
    ///   - interval: What misses the ratio with the error of one look at most; nil if nothing does yet.
    ///   - count: How many runs of either side it is made of.
    ///   - isLast: Whether no more can be had.
    /// - Returns: What is known.
    func judge(_ interval: ClosedRange<Double>?, after count: Int, isLast: Bool) -> Verdict {
        if let interval {
            if interval.lowerBound > limit { return .slower }
            if interval.upperBound <= limit { return .passed }
        }
        guard !isLast, let next = Self.looks.first(where: { $0 > count }) else { return .inconclusive }
        return .more(next)
    }

    /// What is known of several comparisons that are made at once.
    ///
    /// Which are slower is told so that any of them is wrong no more often than with the error (Holm). One that passed costs
    /// the others nothing.
    ///
    /// - Parameters:
    ///   - comparisons: The ratios of each.
    ///   - isLast: Whether no more pairs can be had.
    /// - Returns: What is known of each.
    func judge(_ comparisons: [[Double]], isLast: Bool) -> [Verdict] {
        // An interval has half of its error on either side.
        let slower = holm(comparisons.map { SignTest.probability($0, above: limit) }, error: errorPerLook / 2)
        return zip(comparisons, slower).map { ratios, isSlower in
            if isSlower { return .slower }
            let verdict = judge(ratios, isLast: isLast)
            guard verdict == .slower else { return verdict }
            // By itself it would be.
            return judge(nil, after: ratios.count, isLast: isLast)
        }
    }

    /// The interval that one look gives for the ratio.
    func interval(_ ratios: [Double]) -> ClosedRange<Double>? {
        SignTest.interval(ratios, error: errorPerLook)
    }

    /// What twice the excess that is allowed makes of 1: the ratio that a gate has to find.
    var canary: Double { 1 + 2 * (limit - 1) }
}
