// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport

/// Damages bytes in ways that find faults.
enum Mutations {
    /// The most bytes of a damaged message.
    private static let largest = 1 << 20

    /// Damages `bytes` once or more often; `other` is what pieces are taken from.
    static func apply(to bytes: inout [UInt8], _ other: [UInt8], _ dice: inout Dice) {
        for _ in 0...dice.below(dice.oneIn(4) ? 12 : 3) { mutate(&bytes, other, &dice) }
    }

    private static func mutate(_ bytes: inout [UInt8], _ other: [UInt8], _ dice: inout Dice) {
        guard !bytes.isEmpty else { return bytes = other }
        let place = dice.below(bytes.count)
        switch dice.below(12) {
        case 0: bytes[place] ^= 1 << UInt8(dice.below(8))
        case 1: bytes[place] = UInt8(truncatingIfNeeded: dice.next())
        case 2: bytes[place] &+= dice.oneIn(2) ? 1 : .max
        case 3: bytes.replaceSubrange(place...place, with: varint(dice.edge()))
        case 4: bytes.insert(contentsOf: varint(dice.edge()), at: place)
        case 5: bytes.removeSubrange(place..<min(bytes.count, place + 1 + dice.below(8)))
        case 6: bytes.removeSubrange(place...)
        case 7: write(dice.edge(), dice.oneIn(2) ? 8 : 4, at: place, &bytes)
        case 8:
            let piece = slice(of: other, &dice)
            bytes.replaceSubrange(place..<min(bytes.count, place + dice.below(piece.count + 1)), with: piece)
        case 9: bytes.insert(contentsOf: slice(of: bytes, &dice), at: place)
        case 10: bytes.insert([0x80, 0xC0, 0xED, 0xF5, 0xFF][dice.below(5)], at: place)
        default: repeatPiece(of: &bytes, &dice)
        }
    }

    /// Repeats a piece, which makes deep nests and long lists.
    private static func repeatPiece(of bytes: inout [UInt8], _ dice: inout Dice) {
        let start = dice.below(bytes.count)
        let end = min(bytes.count, start + 1 + dice.below(24))
        let times = min([3, 40, 3000, 60_000][dice.below(4)], largest / (end - start))
        let piece = Array(bytes[start..<end])
        guard bytes.count < largest else { return }
        let rest = Array(bytes[end...])
        bytes.removeSubrange(end...)
        for _ in 0..<times { bytes += piece }
        bytes += rest
    }

    private static func slice(of bytes: [UInt8], _ dice: inout Dice) -> [UInt8] {
        guard !bytes.isEmpty, bytes.count < largest else { return [] }
        let start = dice.below(bytes.count)
        return Array(bytes[start..<min(bytes.count, start + 1 + dice.below(32))])
    }

    private static func varint(_ number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var left = number
        while left >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: left) | 0x80)
            left >>= 7
        }
        return bytes + [UInt8(left)]
    }

    private static func write(_ number: UInt64, _ size: Int, at place: Int, _ bytes: inout [UInt8]) {
        for step in 0..<min(size, bytes.count - place) {
            bytes[place + step] = UInt8(truncatingIfNeeded: number >> UInt64(8 * step))
        }
    }
}
