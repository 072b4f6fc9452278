// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The size of a binary message")
struct BinaryCoderSizeTests {
    private struct Person: Codable {
        var id: Int
        var name: String
        var score: Double
        var admin: Bool
    }

    private let person = Person(id: 7, name: "Ada", score: 1.5, admin: true)

    @Test("is what the format promises")
    func sizes() throws {
        #expect(try Binary.bytes(of: true).count == 1)
        #expect(try Binary.bytes(of: Int?.none).count == 1)
        #expect(try Binary.bytes(of: 127).count == 2)
        #expect(try Binary.bytes(of: -128).count == 2)
        #expect(try Binary.bytes(of: Int.min).count == 9)
        #expect(try Binary.bytes(of: UInt.max).count == 9)
        #expect(try Binary.bytes(of: UInt128.max).count == 17)
        #expect(try Binary.bytes(of: "Ada").count == 5)
        #expect(try Binary.bytes(of: [UInt8](repeating: 0, count: 100)).count == 103)
        #expect(try Binary.bytes(of: ["a", "bc"]).count == 7)
        // The container; four keys of a byte more than their names; four kinds; 1 + 4 + 8 + 0 bytes of values.
        let size = 9 + (3 + 5 + 6 + 6) + 4 + 13
        #expect(try Binary.bytes(of: person).count == size)
        #expect(try Binary.bytes(of: [person, person, person]).count == 9 + 3 * size)
    }

    @Test("ends at the last byte: every smaller capacity throws, and nothing beyond it is written")
    func capacities() throws {
        struct Everything: Codable {
            var people: [Person]
            var names: [String]
            var numbers: [Double]
            var sides: [Bool?]
            var wide: Int128
            var deep: Int??
            var map: [String: [Int: String]]
        }
        let value = Everything(
            people: [person, person],
            names: ["a", "longer than fifteen bytes"],
            numbers: [1, 2],
            sides: [true, nil],
            wide: .min,
            deep: .some(.none),
            map: ["x": [1: "one"], "y": [:]]
        )
        let encoder = BinaryEncoder()
        let full = try Binary.bytes(of: value, with: encoder)
        for capacity in 0...full.count {
            var memory = [UInt8](repeating: 0xA5, count: full.count + 64)
            let written = try unsafe memory.withUnsafeMutableBytes { memory -> Int? in
                do {
                    return try unsafe encoder.encode(
                        value,
                        into: UnsafeMutableRawBufferPointer(rebasing: memory[..<capacity])
                    )
                } catch let error as BinaryEncoder.OutOfSpace {
                    #expect(error.capacity == capacity)
                    return nil
                }
            }
            #expect(written == (capacity == full.count ? full.count : nil))
            #expect(memory[capacity...].allSatisfy { $0 == 0xA5 })
        }
        #expect(throws: BinaryEncoder.OutOfSpace(capacity: 0)) {
            try unsafe encoder.encode(1, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        }
    }

    @Test("is reported as too small even when the value swallows the error")
    func swallowed() throws {
        struct Careless: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                for text in [String(repeating: "x", count: 100), "y"] { try? container.encode(text) }
            }
        }
        var memory = [UInt8](repeating: 0, count: 32)
        #expect(throws: BinaryEncoder.OutOfSpace(capacity: 32)) {
            try unsafe memory.withUnsafeMutableBytes { try unsafe BinaryEncoder().encode(Careless(), into: $0) }
        }
    }
}
