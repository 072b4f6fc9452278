// SPDX-License-Identifier: Apache-2.0
import Glibc

/// SplitMix64, which starts at a place of its own for each item: good enough for simulations, and for no secret.
///
/// The numbers of an item follow from the seed and the item alone, whichever worker runs it, and when.
struct ItemGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64, item: Int) {
        state = seed
        state = next() &+ UInt64(item)
        state = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

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
