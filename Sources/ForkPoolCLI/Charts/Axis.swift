// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// An axis of a chart: the position of values, and the values of its ticks.
struct Axis {
    let low: Double
    let high: Double
    private let isLogarithmic: Bool

    /// Makes an axis for a range of values; logarithmic if they differ by more than a factor of 20.
    init(_ low: Double, _ high: Double) {
        isLogarithmic = low > 0 && high / low > 20
        let margin = high > low ? 0.03 * (high - low) : max(abs(high) * 0.05, 1e-12)
        self.low = isLogarithmic ? low / 1.2 : low - margin
        self.high = isLogarithmic ? high * 1.2 : high + margin
    }

    /// Returns the position of a value: 0 at the low end, 1 at the high end.
    func position(_ value: Double) -> Double {
        isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
    }

    /// About six round values.
    var ticks: [Double] {
        if isLogarithmic {
            let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
            let factors: [Double] = powers.count > 5 ? [1] : [1, 2, 5]
            return powers.flatMap { power in factors.map { $0 * pow(10, Double(power)) } }.filter { low...high ~= $0 }
        }
        let rough = (high - low) / 7
        let power = pow(10, log10(rough).rounded(.down))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
        let first = (low / step).rounded(.up)
        return (0..<12).map { (first + Double($0)) * step }.filter { $0 <= high }
    }
}
#endif
