// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport

extension Dice {
    init(_ seed: UInt64, _ iteration: Int, _ item: Int = 0) {
        let state = seed &* 0xD134_2543_DE82_EF95 &+ UInt64(truncatingIfNeeded: iteration) &* 0x2545_F491_4F6C_DD1D
        self.init(state: state ^ UInt64(truncatingIfNeeded: item) &* 0x9E6C_63D0_876A_6F2B)
        _ = next()
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
