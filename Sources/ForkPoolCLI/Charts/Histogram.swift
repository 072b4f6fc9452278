// SPDX-License-Identifier: Apache-2.0
#if Command
/// A histogram in one line of block characters.
struct Histogram {
    private static let blocks = Array(" ▁▂▃▄▅▆▇█")

    /// A block character for each bin.
    let bars: String
    let low: Double
    let high: Double
    /// How many values are above the range.
    let beyond: Int

    /// Makes a histogram.
    ///
    /// - Parameters:
    ///   - values: At least one value.
    ///   - width: The number of bins.
    init(_ values: [Double], width: Int = 24) {
        let sorted = values.sorted()
        low = sorted[0]
        // A few disturbed runs must not squeeze all others into one bin.
        let reach = low + 3 * (sorted[sorted.count * 3 / 4] - low)
        high = sorted.last { $0 <= reach } ?? low
        beyond = sorted.count { [high] in $0 > high }
        var counts = Array(repeating: 0, count: width)
        for value in sorted where value <= high {
            let place = high > low ? Int((value - low) / (high - low) * Double(width)) : width / 2
            counts[min(place, width - 1)] += 1
        }
        let most = counts.max() ?? 1
        let levels = Self.blocks.count - 1
        // A bin that is not empty is always visible.
        bars = String(counts.map { Self.blocks[$0 == 0 ? 0 : max(1, ($0 * levels + most / 2) / most)] })
    }
}
#endif
