// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The generator")
struct GeneratorTests {
    @Test("gives the numbers of its published algorithm")
    func reference() {
        // What the authors' xoshiro256starstar.c gives for the state 1, 2, 3, 4.
        var generator = ForkPool.Generator(seed: 0)
        generator.state = (1, 2, 3, 4)
        #expect(
            (0..<10).map { _ in generator.next() } == [
                11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
                16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777,
                2_904_607_092_377_533_576,
            ])
        // And splitmix64.c for 1234567.
        var source = SplitMix64(state: 1_234_567)
        #expect(
            (0..<5).map { _ in source.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
        // Both together: the first seeds the second.
        var seeded = ForkPool.Generator(seed: 0)
        #expect(
            (0..<4).map { _ in seeded.next() } == [
                0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0, 0x6AA5_94F1_262D_2D2C,
            ])
    }

    @Test("of an item gives the same numbers in every version")
    func pinned() {
        var generator = ForkPool.Generator(seed: 42, item: 13)
        #expect(
            (0..<3).map { _ in generator.next() } == [
                5_159_620_466_276_351_885, 15_502_731_350_103_843_647, 3_971_964_739_106_430_471,
            ])
        var other = ForkPool.Generator(seed: 42)
        #expect(other.next() == 1_546_998_764_402_558_742)
    }

    @Test("is a value: a copy gives the same numbers, and equal ones do")
    func value() {
        var generator = ForkPool.Generator(seed: 7)
        var copy = generator
        #expect(copy == generator)
        #expect(generator.next() == copy.next())
        _ = copy.next()
        #expect(copy != generator)
        #expect(ForkPool.Generator(seed: 7) != ForkPool.Generator(seed: 8))
    }

    @Test("has other numbers for each seed and item, and for neighbours of both")
    func differ() {
        var first: Set<UInt64> = []
        for seed in UInt64(0)..<100 {
            for item in 0..<100 {
                var generator = ForkPool.Generator(seed: seed, item: item)
                first.insert(generator.next())
            }
        }
        #expect(first.count == 10_000)
    }

    @Test("is even enough: each bit is set in half of the numbers")
    func bits() {
        var counts = Array(repeating: 0, count: 64)
        for item in 0..<10_000 {
            var generator = ForkPool.Generator(seed: 1, item: item)
            let number = generator.next()
            for bit in 0..<64 where number >> UInt64(bit) & 1 == 1 { counts[bit] += 1 }
        }
        // Six standard deviations on either side; the numbers are always the same.
        #expect(counts.allSatisfy { (4700...5300).contains($0) }, "\(counts)")
    }
}
