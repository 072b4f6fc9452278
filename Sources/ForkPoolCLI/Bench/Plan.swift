/// In what order commands run: in blocks of two rounds, the second the first one backwards (A B B A), so that a machine
/// that drifts favours nobody.
struct Plan {
    /// What it was made of: the same seed gives the same order.
    let seed: UInt64
    private var random: SplitMix64

    init(seed: UInt64) {
        self.seed = seed
        random = SplitMix64(state: seed)
    }

    /// Draws blocks.
    ///
    /// - Parameters:
    ///   - rounds: How many rounds; of an odd number, the last block has one.
    ///   - groups: The numbers of commands; those of a group are compared, and run one after the other.
    /// - Returns: The rounds one after the other: every number once in each.
    mutating func rounds(_ rounds: Int, of groups: [[Int]]) -> [Int] {
        var order: [Int] = []
        for block in stride(from: 0, to: rounds, by: 2) {
            let round = groups.shuffled(using: &random).flatMap { $0.shuffled(using: &random) }
            order += round + (block + 1 < rounds ? round.reversed() : [])
        }
        return order
    }
}

/// How many rounds are run at once: as many as there is time for between two looks at the clock.
struct Batches {
    private static let pause = 0.05
    private var start = ContinuousClock.now
    private var done = 0

    /// Says how many rounds are next, and takes them for done when it is asked again.
    ///
    /// - Parameter rest: How many there are at most until somebody wants to look.
    /// - Returns: How many; an even number unless that is all there are.
    mutating func next(of rest: Int) -> Int {
        let possible = done == 0 ? 2 : Int(Self.pause / start.secondsSince * Double(done))
        let count = min(rest, max(2, possible / 2 * 2))
        start = .now
        done = count
        return count
    }
}

/// A small generator whose sequence its seed decides (Steele, Lea and Flood, 2014).
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
