/// How values are spread, in one line of blocks.
struct Histogram {
    private static let blocks = Array(" ▁▂▃▄▅▆▇█")

    /// A block for each part of the range.
    let bars: String
    let low: Double
    let high: Double
    /// How many values are above the range.
    let beyond: Int

    /// Counts values.
    ///
    /// - Parameters:
    ///   - values: At least one.
    ///   - width: How many blocks.
    init(_ values: [Double], width: Int = 24) {
        let sorted = values.sorted()
        low = sorted[0]
        // A few runs that somebody disturbed should not press all others into one block.
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
        // Whatever is there at all is seen.
        bars = String(counts.map { Self.blocks[$0 == 0 ? 0 : max(1, ($0 * levels + most / 2) / most)] })
    }
}
