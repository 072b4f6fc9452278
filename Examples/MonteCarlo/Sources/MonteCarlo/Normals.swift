// SPDX-License-Identifier: Apache-2.0
import Glibc

extension RandomNumberGenerator {
    /// Draws two independent numbers of the standard normal distribution, by Box and Muller.
    mutating func nextNormals() -> (Double, Double) {
        let radius = (-2 * log(1 - nextUnit())).squareRoot()
        let angle = 2 * Double.pi * nextUnit()
        return (radius * cos(angle), radius * sin(angle))
    }

    /// Draws a number from 0 to 1, 1 excluded; the same in every version of Swift.
    private mutating func nextUnit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
