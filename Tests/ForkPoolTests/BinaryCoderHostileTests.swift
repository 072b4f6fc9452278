// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The binary decoder and hostile bytes")
struct BinaryCoderHostileTests {
    private struct Node: Codable {
        var name: String
        var next: [Node]?
        var values: [Double]
        var maps: [String: [Int: String?]]
        var wide: Int128?
    }

    /// Decodes bytes as every kind of type; only errors of decoding may come out.
    private func probe(_ bytes: [UInt8]) throws {
        func attempt<T: Decodable>(_ type: T.Type) throws {
            do { _ = try Binary.decode(type, from: bytes) } catch is DecodingError {}
        }
        try attempt(Zoo.self)
        try attempt(Node.self)
        try attempt([String].self)
        try attempt([Bool?].self)
        try attempt([String: [Int]].self)
        try attempt([Int: Bool].self)
        try attempt(Set<Int8>.self)
        try attempt(Double???.self)
        try attempt(String.self)
    }

    private var samples: [[UInt8]] {
        get throws {
            var generator = Seeded(99)
            let leaf = Node(name: "leaf", next: nil, values: [1, 2], maps: ["a": [1: nil, 2: "b"]], wide: .max)
            let tree = Node(name: "tree", next: [leaf, leaf], values: [], maps: [:], wide: nil)
            return try [
                Binary.bytes(of: tree), Binary.bytes(of: ["a", "bc", "def"]), Binary.bytes(of: [true, nil, false]),
                Binary.bytes(of: ["x": [1, 2], "y": []]), Binary.bytes(of: Set<Int8>([1, 2, 3])),
                Binary.bytes(of: [Zoo.random(3, &generator), .random(3, &generator), .random(3, &generator)]),
                Binary.bytes(of: Zoo.random(5, &generator)),
                Binary.bytes(
                    of: Zoo.cage(
                        .init(bits: 1, maybe: .number(1), flags: [true], names: ["n"], small: 1, odd: [nil, 7])
                    )
                ),
            ]
        }
    }

    @Test("survive random bytes", arguments: [UInt64(1), 2, 3, 4])
    func random(seed: UInt64) throws {
        var generator = Seeded(seed)
        for _ in 0..<4_000 {
            let count = Int.random(in: 0..<40, using: &generator)
            try probe((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) >> (generator.next() % 4) })
        }
    }

    @Test("survive changed bits, bytes and lengths of real messages")
    func mutations() throws {
        var generator = Seeded(7)
        for sample in try samples {
            for end in sample.indices { try probe(Array(sample[..<end])) }
            for _ in 0..<2_000 {
                var bytes = sample
                for _ in 0...(generator.next() % 3) {
                    let index = Int.random(in: bytes.indices, using: &generator)
                    switch generator.next() % 4 {
                    case 0: bytes[index] ^= 1 << (generator.next() % 8)
                    case 1: bytes[index] = UInt8(truncatingIfNeeded: generator.next())
                    case 2: bytes.insert(bytes[index], at: index)
                    default: if bytes.count > 1 { bytes.remove(at: index) }
                    }
                }
                try probe(bytes)
            }
        }
    }

    @Test("are refused when a message is cut off or goes on")
    func truncation() throws {
        for value in [Zoo.list([.number(5), .text("t", key: "k")]), .map(["a": .bytes([1])]), .deep(.some(.none))] {
            let bytes = try Binary.bytes(of: value)
            for end in bytes.indices {
                #expect(throws: DecodingError.self) { try Binary.decode(Zoo.self, from: Array(bytes[..<end])) }
            }
            #expect(throws: DecodingError.self) { try Binary.decode(Zoo.self, from: bytes + [0x20]) }
        }
        #expect(throws: DecodingError.self) { try Binary.decode(Int.self, from: []) }
        #expect(throws: DecodingError.self) { try Binary.decode(Int.self, from: Binary.bytes(of: 1) + [0]) }
    }

    @Test("are refused when they promise more than they have")
    func lengths() throws {
        let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]
        let string = WireKind.string.rawValue
        let strings = WireKind.strings.rawValue
        let packed = WireKind.packed.rawValue
        for kind in [WireKind.uint8, .int128, .opaque] {
            for tail in [[], huge, [UInt8](repeating: 0, count: 8), [16, 0] + [UInt8](repeating: 0, count: 8)] {
                #expect(throws: DecodingError.self) {
                    try Binary.decode([UInt8].self, from: [packed, kind.rawValue] + huge + tail)
                }
            }
        }
        #expect(throws: DecodingError.self) { try Binary.decode(String.self, from: [string] + huge + [65]) }
        #expect(throws: DecodingError.self) { try Binary.decode([String].self, from: [strings] + huge + [0, 0]) }
        #expect(throws: DecodingError.self) {
            try Binary.decode(String.self, from: [string] + huge.map { $0 | 0x80 })
        }
    }

    @Test("are refused when a string or key is not UTF-8")
    func wrongText() throws {
        try expectCopy(["\u{FFFD}", "\u{FFFD}, longer than what is kept in a string's own memory"])
        // As long as what stands for wrong bytes.
        let three = [WireKind.string.rawValue, 3, 0xF0, 0x9F, 0x98]
        #expect(throws: DecodingError.self) { try Binary.decode(String.self, from: three) }
        for wrong: [UInt8] in [[0xFF, 0x41], [0xC0, 0x80], [0xED, 0xA0]] {
            var bytes = try Binary.bytes(of: "ab")
            bytes.replaceSubrange(bytes.count - 2..<bytes.count, with: wrong)
            #expect(throws: DecodingError.self) { try Binary.decode(String.self, from: bytes) }
            var list = try Binary.bytes(of: ["ab"])
            list.replaceSubrange(list.count - 2..<list.count, with: wrong)
            #expect(throws: DecodingError.self) { try Binary.decode([String].self, from: list) }
            var map = try Binary.bytes(of: ["ab": true])
            let key = try #require(map.firstIndex(of: UInt8(ascii: "a")))
            map.replaceSubrange(key...key + 1, with: wrong)
            #expect(throws: DecodingError.self) { try Binary.decode([String: Bool].self, from: map) }
        }
    }
}
