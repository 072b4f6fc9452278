// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("XXH64 gives the published values")
struct XXH64Tests {
    /// The generator of xxHash's own sanity check.
    private static let sanityBytes: [UInt8] = {
        var generator: UInt64 = 2_654_435_761
        return (0..<222).map { _ in
            defer { generator = generator &* 11_400_714_785_074_694_797 }
            return UInt8(generator >> 56)
        }
    }()

    private static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        var hash = XXH64(seed: seed)
        hash.update(bytes.span)
        return hash.digest
    }

    @Test(
        "of the sanity check's bytes",
        arguments: [
            (0, 0, 0xEF46_DB37_51D8_E999), (0, 2_654_435_761, 0xAC75_FDA2_929B_17EF),
            (1, 0, 0xE934_A84A_DB05_2768), (1, 2_654_435_761, 0x5014_6076_43A9_B4C3),
            (4, 0, 0x9136_A0DC_A574_57EE), (14, 0, 0x8282_DCC4_994E_35C8),
            (14, 2_654_435_761, 0xC3BD_6BF6_3DEB_6DF0), (222, 0, 0xB641_AE8C_B691_C174),
            (222, 2_654_435_761, 0x20CB_8AB7_AE10_C14A),
        ] as [(Int, UInt64, UInt64)]
    )
    func sanityCheck(length: Int, seed: UInt64, expected: UInt64) {
        #expect(Self.hash(Array(Self.sanityBytes[..<length]), seed: seed) == expected)
    }

    @Test("of words")
    func words() {
        #expect(Self.hash(Array("a".utf8)) == 0xD24E_C4F1_A98C_6E5B)
        #expect(Self.hash(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
        #expect(Self.hash(Array("Nobody inspects the spammish repetition".utf8)) == 0xFBCE_A83C_8A37_8BF1)
    }

    @Test("however the bytes are cut into pieces", arguments: [1, 3, 7, 31, 32, 33, 64, 100])
    func pieces(size: Int) {
        var hash = XXH64()
        for start in stride(from: 0, to: 222, by: size) {
            hash.update(Array(Self.sanityBytes[start..<min(start + size, 222)]).span)
        }
        #expect(hash.digest == 0xB641_AE8C_B691_C174)
    }
}
#endif
