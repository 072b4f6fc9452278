// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// What a median hides: runs far above the others, and runs that fall into two groups.
struct RunShape {
    /// Runs that are close to each other.
    struct Group: Equatable {
        let median: Double
        let count: Int
    }

    /// The values far above the others: more than three times the interquartile range above the upper quartile.
    let outliers: [Double]
    /// Whether the first run is an outlier: its caches were cold.
    let startsCold: Bool
    /// The two groups; nil for one.
    let groups: (low: Group, high: Group)?

    /// Looks at the runs of a command, in their order.
    init(_ values: [Double]) {
        let sorted = values.sorted()
        guard values.count >= Self.fewest else {
            (outliers, startsCold, groups) = ([], false, nil)
            return
        }
        let (lower, upper) = (sorted[sorted.count / 4], sorted[sorted.count * 3 / 4])
        // A tenth of the median, so that runs that are nearly equal have no outliers.
        let fence = max(upper + 3 * (upper - lower), 1.1 * median(sorted))
        outliers = sorted.filter { $0 > fence }
        startsCold = values[0] > fence
        groups = Self.groups(of: sorted.filter { $0 <= fence })
    }

    /// The fewest runs to look at.
    static let fewest = 10
    /// How far the means of two groups are apart, in sums of their standard deviations.
    ///
    /// Runs of one group, whatever their distribution, are seldom that far apart when they are cut in two.
    private static let separation = 3.0
    /// How far they are apart at least, as a part of the lower one.
    private static let difference = 0.05

    /// Cuts sorted values in two where that explains most of their variance.
    ///
    /// - Complexity: O(n).
    private static func groups(of sorted: [Double]) -> (low: Group, high: Group)? {
        let count = sorted.count
        // Few values fall into two groups by chance.
        guard count >= 20 else { return nil }
        let smallest = max(4, count * 3 / 20)
        var sums = [(sum: 0.0, squares: 0.0)]
        let origin = sorted[0]
        for value in sorted {
            let (value, last) = (value - origin, sums[sums.count - 1])
            sums.append((last.sum + value, last.squares + value * value))
        }
        func moments(_ range: Range<Int>) -> (mean: Double, deviation: Double) {
            let size = Double(range.count)
            let sum = sums[range.upperBound].sum - sums[range.lowerBound].sum
            let squares = sums[range.upperBound].squares - sums[range.lowerBound].squares
            return (sum / size, sqrt(max(0, squares - sum * sum / size) / (size - 1)))
        }
        var best: (cut: Int, spread: Double) = (smallest, .infinity)
        for cut in smallest...(count - smallest) {
            let (low, high) = (moments(0..<cut), moments(cut..<count))
            let spread =
                low.deviation * low.deviation * Double(cut - 1)
                + high.deviation * high.deviation * Double(count - cut - 1)
            if spread < best.spread { best = (cut, spread) }
        }
        let (low, high) = (moments(0..<best.cut), moments(best.cut..<count))
        guard high.mean - low.mean > separation * (low.deviation + high.deviation),
            high.mean - low.mean > difference * (low.mean + origin)
        else { return nil }
        func group(_ part: ArraySlice<Double>) -> Group { Group(median: median(Array(part)), count: part.count) }
        return (group(sorted[..<best.cut]), group(sorted[best.cut...]))
    }

    /// Sentences for a report.
    ///
    /// - Parameter text: Formats a value with its unit.
    /// - Returns: None where the median tells all.
    func sentences(_ text: (Double) -> String) -> [String] {
        var sentences: [String] = []
        if let least = outliers.first, let most = outliers.last {
            var sentence = "\(counted(outliers.count, "outlier")), from \(text(least)) to \(text(most))"
            if outliers.count == 1 { sentence = "1 outlier, \(text(most))" }
            sentence += startsCold ? ": the first run is one; more --warmup, or --prepare, would help" : ""
            sentences.append(sentence)
        }
        if let groups {
            sentences.append(
                "two groups of runs: \(groups.low.count) around \(text(groups.low.median)), and \(groups.high.count) around "
                    + "\(text(groups.high.median)); the median tells little of either")
        }
        return sentences
    }
}
#endif
