// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

private struct Particle: Codable, Equatable {
    var id: Int32
    var alive: Bool
    var mass: Double?
}

private enum Side: UInt8, Codable {
    case left = 10
    case right = 20
}

/// A type that writes its elements one by one, whatever the coder makes of arrays.
private struct OneByOne<Element: Codable & Equatable>: Codable, Equatable {
    var elements: [Element]

    init(_ elements: [Element]) { self.elements = elements }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        elements = []
        while !container.isAtEnd { elements.append(try container.decode(Element.self)) }
        #expect(container.currentIndex == elements.count)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for element in elements { try container.encode(element) }
    }
}

@Suite("The binary coder and arrays")
struct BinaryCoderArrayTests {
    private let particles = (0..<50).map { Particle(id: $0, alive: $0 % 3 == 0, mass: $0 % 2 == 0 ? nil : -0.0) }

    private func expectEveryWay<T: Codable & Equatable>(_ array: [T]) throws {
        try expectCopy(array)
        try expectCopy(ContiguousArray(array))
        try expectCopy(Box(value: array))
        try expectCopy([array, [], array])
        try expectCopy(["k": array as [T]?])
        try expectCopy(OneByOne(array))
        #expect(try Binary.copy(array, as: OneByOne<T>.self).elements == array)
        #expect(try Binary.copy(OneByOne(array), as: [T].self) == array)
        #expect(try Binary.copy(OneByOne(array), as: ContiguousArray<T>.self) == ContiguousArray(array))
        #expect(try Binary.copy(ContiguousArray(array), as: [T].self) == array)
    }

    @Test("keeps arrays of trivial elements, as a whole and element by element")
    func trivial() throws {
        try expectEveryWay([UInt8.min, .max])
        try expectEveryWay([Int.min, 0, .max])
        try expectEveryWay([Int128.min, .max])
        try expectEveryWay([UInt16(3)])
        try expectEveryWay([0.5, -.infinity])
        try expectEveryWay([Float16(1)])
        try expectEveryWay([true, false])
        try expectEveryWay([Side.left, .right])
        try expectEveryWay([1, nil, 2] as [Int?])
        try expectEveryWay([1, nil, .some(nil)] as [Int??])
        try expectEveryWay(particles)
        try expectEveryWay([Int]())
    }

    @Test("keeps arrays of strings and of other elements")
    func other() throws {
        try expectEveryWay(["", "a", "é", String(repeating: "long", count: 99)])
        try expectEveryWay([String]())
        try expectEveryWay([["a"], []])
        try expectEveryWay([nil, "x", .some(nil)] as [String??])
        try expectEveryWay([Box(value: "a"), Box(value: "b")])
    }

    @Test("keeps the bits of the elements of an array")
    func bits() throws {
        let patterns: [UInt64] = [0x7FF0_0000_0000_0001, 0xFFF8_0000_0000_BEEF, 0x8000_0000_0000_0000]
        let values = patterns.map(Double.init(bitPattern:))
        #expect(try Binary.copy(values).map(\.bitPattern) == patterns)
        #expect(try Binary.copy(values, as: OneByOne<Double>.self).elements.map(\.bitPattern) == patterns)
    }

    @Test("refuses an array of other elements instead of misreading its memory")
    func mismatches() throws {
        #expect(throws: DecodingError.self) { try Binary.copy([1.5, 2], as: [Int?].self) }
        #expect(throws: DecodingError.self) { try Binary.copy([1, 2], as: [String].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(["1"], as: [Int].self) }
        #expect(throws: DecodingError.self) { try Binary.copy([UInt8(0)], as: [Bool].self) }
        #expect(throws: DecodingError.self) { try Binary.copy([UInt8(0)], as: [Side].self) }
        #expect(throws: DecodingError.self) { try Binary.copy([Side.left], as: [UInt8].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(particles, as: [Int64].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(particles, as: [Side].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(particles, as: [String: Int].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(particles, as: Int.self) }
        #expect(throws: DecodingError.self) { try Binary.copy([true], as: Bool.self) }
    }

    @Test("gives the elements of an array of numbers or of true and false to other types that hold the same")
    func elements() throws {
        enum Step: UInt16, Codable {
            case down = 7
            case up = 40_000
        }
        struct Count: RawRepresentable, Codable {
            let rawValue: UInt32
        }
        #expect(try Binary.copy([UInt8(20), 10], as: [Side].self) == [.right, .left])
        #expect(try Binary.copy([UInt16(40_000), 7], as: [Step].self) == [.up, .down])
        #expect(try Binary.copy([UInt32.max, 0], as: [Count].self).map(\.rawValue) == [.max, 0])
        #expect(try Binary.copy([UInt8.max, 1], as: [UInt8?].self) == [.max, 1])
        #expect(try Binary.copy([UInt16.max, 1], as: [Int??].self) == [65_535, 1])
        #expect(try Binary.copy([UInt32.max, 1], as: [UInt32?].self) == [.max, 1])
        #expect(try Binary.copy([true, false], as: [Bool?].self) == [true, false])
        #expect(try Binary.copy([true, false], as: OneByOne<Bool?>.self).elements == [true, false])
        #expect(try Binary.copy(Box(value: [UInt8(10)]), as: Box<[Side?]>.self) == Box(value: [.left]))
        #expect(throws: DecodingError.self) { try Binary.copy([UInt8(10), 11], as: [Side].self) }
        #expect(throws: DecodingError.self) { try Binary.copy([UInt8(1)], as: [Bool?].self) }
        #expect(throws: DecodingError.self) { try Binary.copy([true], as: [UInt8?].self) }
    }

    @Test("notices any changed bit in an array whose elements are not valid with every bit pattern")
    func checksum() throws {
        let bytes = try Binary.bytes(of: Array(particles[0..<3]))
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: DecodingError.self) { try Binary.decode([Particle].self, from: changed) }
        }
        var flags = try Binary.bytes(of: [true, false])
        flags[flags.count - 1] = 2
        #expect(throws: DecodingError.self) { try Binary.decode([Bool].self, from: flags) }
        #expect(throws: DecodingError.self) { try Binary.decode(OneByOne<Bool>.self, from: flags) }
    }
}
