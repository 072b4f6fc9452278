/// Numbers that look random and are the same for the same seed.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64, _ iteration: Int, _ item: Int = 0) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ UInt64(truncatingIfNeeded: iteration) &* 0x2545_F491_4F6C_DD1D
        state = state ^ UInt64(truncatingIfNeeded: item) &* 0x9E6C_63D0_876A_6F2B
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }

    /// Whether something happens that happens once in `times`.
    mutating func oneIn(_ times: Int) -> Bool { below(times) == 0 }

    /// A number that a length, an offset or a count could be mistaken for: at the edges of what there is.
    mutating func edge() -> UInt64 {
        let power = UInt64(1) << UInt64(below(64))
        return switch below(8) {
        case 0: 0
        case 1: .max
        case 2: UInt64(below(9))
        case 3: power
        case 4: power &- 1
        case 5: power &+ UInt64(below(256))
        case 6: UInt64(bitPattern: Int64(-1 - below(300)))
        default: next() >> UInt64(below(64))
        }
    }
}
