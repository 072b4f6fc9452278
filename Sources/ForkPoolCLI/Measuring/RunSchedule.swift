// SPDX-License-Identifier: Apache-2.0
#if Command
/// The random order in which commands run.
///
/// A block has two rounds, and the second is the reverse of the first (A B B A). So if the machine drifts, it drifts for
/// all commands alike.
struct RunSchedule {
    /// The seed: the same seed gives the same order.
    let seed: UInt64
    private var random: SplitMix64

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(state: seed)
    }

    /// Draws the order of some rounds.
    ///
    /// - Parameters:
    ///   - rounds: How many rounds; if odd, the last block has only one.
    ///   - groups: The numbers of the commands; commands of a group are compared, and run one after the other.
    /// - Returns: The numbers in order; each number occurs once in each round.
    mutating func rounds(_ rounds: Int, of groups: [[Int]]) -> [Int] {
        var order: [Int] = []
        for block in stride(from: 0, to: rounds, by: 2) {
            let round = groups.shuffled(using: &random).flatMap { $0.shuffled(using: &random) }
            order += round + (block + 1 < rounds ? round.reversed() : [])
        }
        return order
    }
}

/// Decides how many rounds to run in one request: as many as fit in 50 ms.
struct RoundPacer {
    private static let pause = 0.05
    private var start = ContinuousClock.now
    private var done = 0

    /// Returns how many rounds to run next; the next call assumes that they were run.
    ///
    /// - Parameter rest: The most rounds to run, at least 1.
    /// - Returns: The number of rounds; even, unless it is `rest`.
    mutating func next(of rest: Int) -> Int {
        let possible = done == 0 ? 2 : Int(Self.pause / start.secondsSince * Double(done))
        let count = min(rest, max(2, possible / 2 * 2))
        start = .now
        done = count
        return count
    }
}

/// A small pseudo-random number generator (Steele, Lea and Flood, 2014).
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
#endif
