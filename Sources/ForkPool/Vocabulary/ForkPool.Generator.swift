// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// A random number generator that gives the same numbers for the same seed, on every platform and in every version.
    ///
    /// ```swift
    /// let sides = try ForkPool(options: .init(seed: 42)).map(0..<100) { _ in
    ///     var generator = ForkPool.worker!.itemGenerator
    ///     return Int.random(in: 1...6, using: &generator)
    /// }
    /// ```
    ///
    /// The algorithm is xoshiro256** of David Blackman and Sebastiano Vigna (2018), whose state SplitMix64 fills from the
    /// seed, as its authors advise; both are in the public domain, at prng.di.unimi.it. It is good for simulations and tests,
    /// and not for secrets.
    public struct Generator: RandomNumberGenerator, Sendable, Equatable {
        var state: (UInt64, UInt64, UInt64, UInt64)

        /// Starts the generator of a seed.
        ///
        /// - Parameter seed: Any number.
        public init(seed: UInt64) {
            var source = SplitMix64(state: seed)
            state = (source.next(), source.next(), source.next(), source.next())
        }

        /// Starts the generator of an item: that which `ForkPool.Worker.itemGenerator` is in a map with `Options.seed`.
        ///
        /// So code outside of a worker can repeat a single item.
        ///
        /// - Parameters:
        ///   - seed: The seed of the map.
        ///   - item: The index of the item.
        public init(seed: UInt64, item: Int) {
            self.init(seed: SplitMix64.child(item, of: seed))
        }

        /// Returns the next number.
        ///
        /// - Returns: A number from 0 to `UInt64.max`, each as likely as any other.
        public mutating func next() -> UInt64 {
            let result = Self.rotated(state.1 &* 5, by: 7) &* 9
            let shifted = state.1 << 17
            state.2 ^= state.0
            state.3 ^= state.1
            state.1 ^= state.2
            state.0 ^= state.3
            state.2 ^= shifted
            state.3 = Self.rotated(state.3, by: 45)
            return result
        }

        private static func rotated(_ word: UInt64, by bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }

        /// Compares the numbers to come.
        ///
        /// - Parameters:
        ///   - one: A generator.
        ///   - other: Another generator.
        /// - Returns: Whether both give the same numbers from now on.
        public static func == (one: Self, other: Self) -> Bool { one.state == other.state }
    }
}

/// The generator SplitMix64 of Steele, Lea and Flood (2014), which makes seeds.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// The seed with a number among those that come from another one; no two numbers have the same.
    ///
    /// The parent's seed is mixed first, so that neighbouring seeds have no common children.
    static func child(_ number: Int, of seed: UInt64) -> UInt64 {
        var source = SplitMix64(state: seed)
        source = SplitMix64(state: source.next() &+ UInt64(bitPattern: Int64(number)))
        return source.next()
    }
}
