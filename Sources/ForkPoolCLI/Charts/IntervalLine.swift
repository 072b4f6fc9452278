// SPDX-License-Identifier: Apache-2.0
#if Command
/// Draws the interval of a ratio on a line, with marks for 1 and a limit.
enum IntervalLine {
    /// Draws a line such as `0.98 ─────┼───[══●══]─────╎──── 1.12`.
    ///
    /// - Parameters:
    ///   - ratio: The ratio.
    ///   - limit: The limit of the ratio; nil for none.
    ///   - width: The characters between the numbers.
    /// - Returns: The line; nil if the ratio has no interval, or is infinite.
    static func draw(_ ratio: Ratio, limit: Double? = nil, width: Int = 44) -> String? {
        guard let interval = ratio.interval else { return nil }
        let marks = [1, limit, interval.lowerBound, interval.upperBound, ratio.estimate].compactMap { $0 }
        guard marks.allSatisfy({ abs($0) < 1e100 }) else { return nil }
        let (least, most) = (marks.min() ?? 1, marks.max() ?? 1)
        let margin = max(0.1 * (most - least), 0.005)
        let (low, high) = (max(0, least - margin), most + margin)
        func column(_ value: Double) -> Int { min(width - 1, Int((value - low) / (high - low) * Double(width))) }
        var line = Array(repeating: Character("─"), count: width)
        line[column(1)] = "┼"
        if let limit { line[column(limit)] = "╎" }
        let (first, last) = (column(interval.lowerBound), column(interval.upperBound))
        for place in first...last { line[place] = "═" }
        line[first] = "["
        line[last] = "]"
        line[column(ratio.estimate)] = "●"
        let decimals = high - low < 0.05 ? 3 : 2
        return "\(fixed(low, decimals)) \(String(line)) \(fixed(high, decimals))"
    }
}
#endif
