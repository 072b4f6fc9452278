// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

/// Values of every shape, at random.
indirect enum Zoo: Codable, Hashable {
    case empty
    case number(Int)
    case wide(UInt128, negative: Int128)
    case text(String, key: String?)
    case bytes([UInt8])
    case list([Zoo])
    case map([String: Zoo])
    case table([Int: Zoo?])
    case cage(Cage)
    case deep(Int???)
    case pair(Zoo, Zoo)
    case set(Set<Zoo>)

    struct Cage: Codable, Hashable {
        var bits: UInt64
        var maybe: Zoo?
        var flags: [Bool]
        var names: [String]
        var small: Int8?
        var odd: [Int16??]
    }

    /// Makes a value that is at most `depth` levels deep.
    static func random(_ depth: Int, _ generator: inout Seeded) -> Zoo {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 6), using: &generator) {
        case 0: .empty
        case 1: .number(number(&generator))
        case 2: .wide(.random(in: 0 ... .max, using: &generator), negative: Int128(number(&generator)) << 20)
        case 3: .text(text(&generator), key: Bool.random(using: &generator) ? text(&generator) : nil)
        case 4: .bytes(array(&generator) { .random(in: 0 ... .max, using: &$0) })
        case 5: .deep([.none, .some(.none), .some(.some(.none)), number(&generator)].randomElement(using: &generator)!)
        case 6: .list(array(&generator) { random(depth - 1, &$0) })
        case 7: .map(.init(array(&generator) { (text(&$0), random(depth - 1, &$0)) }) { $1 })
        case 8:
            .table(.init(array(&generator) { (number(&$0), $0.next() % 2 == 0 ? nil : random(depth - 1, &$0)) }) { $1 })
        case 9: .cage(cage(depth - 1, &generator))
        case 10: .pair(random(depth - 1, &generator), random(depth - 1, &generator))
        default: .set(Set(array(&generator) { random(depth - 1, &$0) }))
        }
    }

    private static func cage(_ depth: Int, _ generator: inout Seeded) -> Cage {
        Cage(
            bits: generator.next(),
            maybe: Bool.random(using: &generator) ? random(depth, &generator) : nil,
            flags: array(&generator) { .random(using: &$0) },
            names: array(&generator) { text(&$0) },
            small: Bool.random(using: &generator) ? .random(in: -128...127, using: &generator) : nil,
            odd: array(&generator) { [.none, .some(.none), 7].randomElement(using: &$0)! }
        )
    }

    private static func array<T>(_ generator: inout Seeded, _ element: (inout Seeded) -> T) -> [T] {
        (0..<Int.random(in: 0..<5, using: &generator)).map { _ in element(&generator) }
    }

    private static func number(_ generator: inout Seeded) -> Int {
        Int(truncatingIfNeeded: generator.next()) >> Int.random(in: 0..<64, using: &generator)
    }

    private static func text(_ generator: inout Seeded) -> String {
        let scalars: [Unicode.Scalar] = ["a", "b", "\0", "é", "\u{301}", "日", "👍", "\u{200D}", "\u{10FFFF}"]
        let count = Int.random(in: 0..<20, using: &generator)
        return String(String.UnicodeScalarView((0..<count).map { _ in scalars.randomElement(using: &generator)! }))
    }
}

@Suite("The binary coder and random values")
struct BinaryCoderRandomTests {
    @Test("keeps random values of every shape", arguments: [UInt64(1), 2, 3, 4])
    func roundTrips(seed: UInt64) throws {
        var generator = Seeded(seed)
        let encoder = BinaryEncoder()
        for _ in 0..<700 {
            let value = Zoo.random(4, &generator)
            let bytes = try Binary.bytes(of: value, with: encoder)
            let copy = try Binary.decode(Zoo.self, from: bytes)
            #expect(copy == value)
        }
    }
}
