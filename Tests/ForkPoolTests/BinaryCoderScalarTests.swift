// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

/// A value behind another one.
private struct Mixed<Value: Codable>: Codable {
    var name: String
    var value: Value
}

@Suite("The binary coder and scalars")
struct BinaryCoderScalarTests {
    /// Copies a value in every kind of position: alone, in arrays, under keys, optional or not, and behind a string.
    private func copies<T: Codable>(_ value: T) throws -> [T] {
        let mixed = try Binary.copy(Mixed(name: "x", value: value)).value
        let maybe = try #require(try Binary.copy(Box<T?>(value: value)).value)
        let listed = try Binary.copy([Mixed(name: "y", value: value)])[0].value
        let keyed = try #require(try Binary.copy(["key": value])["key"])
        return try [Binary.copy(value), Binary.copy([value, value])[1], mixed, maybe, listed, keyed]
    }

    private func expectEverywhere<T: Codable & Equatable>(
        _ values: [T],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for value in values {
            for copy in try copies(value) { #expect(copy == value, sourceLocation: sourceLocation) }
        }
    }

    private func expectEverywhere<I: FixedWidthInteger & Codable>(extremesOf type: I.Type) throws {
        let powers = (0..<I.bitWidth - 1).map { I(1) << I($0) }
        let negative = I.isSigned ? powers.map { 0 &- $0 } + powers.map { 0 &- $0 &- 1 } : []
        try expectEverywhere([I.min, .min + 1, 0, .max - 1, .max] + powers + powers.map { $0 - 1 } + negative)
    }

    @Test("keeps every integer of every width")
    func integers() throws {
        try expectEverywhere(extremesOf: Int.self)
        try expectEverywhere(extremesOf: Int8.self)
        try expectEverywhere(extremesOf: Int16.self)
        try expectEverywhere(extremesOf: Int32.self)
        try expectEverywhere(extremesOf: Int64.self)
        try expectEverywhere(extremesOf: Int128.self)
        try expectEverywhere(extremesOf: UInt.self)
        try expectEverywhere(extremesOf: UInt8.self)
        try expectEverywhere(extremesOf: UInt16.self)
        try expectEverywhere(extremesOf: UInt32.self)
        try expectEverywhere(extremesOf: UInt64.self)
        try expectEverywhere(extremesOf: UInt128.self)
    }

    @Test("keeps Booleans and every string to the scalar")
    func booleansAndStrings() throws {
        try expectEverywhere([true, false])
        let strings = [
            "", "a", "fifteen bytes..", "sixteen bytes...", "\0", "e\u{301}", "\u{E9}", "👩‍👩‍👧‍👦", "\u{10FFFF}", "\u{FEFF}x",
            "日本語",
            String(repeating: "ä", count: 70_000), "\r\n", "\u{1F1E9}\u{1F1EA}",
        ]
        for string in strings {
            for copy in try copies(string) { #expect(Array(copy.unicodeScalars) == Array(string.unicodeScalars)) }
        }
    }

    @Test("keeps the payload of a NaN, the sign of zero and every other bit")
    func floats() throws {
        let doubles: [Double] = [
            0, -0.0, 1, .pi, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
        ]
        let nans = [0x7FF8_0000_0000_0001, 0xFFF8_DEAD_BEEF_0000, 0x7FF0_0000_0000_0001].map(Double.init(bitPattern:))
        for value in doubles + nans {
            for copy in try copies(value) { #expect(copy.bitPattern == value.bitPattern) }
        }
        for bits: UInt32 in [0, 0x8000_0000, 0x7FC0_0001, 0xFFC1_2345, 0x7F80_0001, 0x7F80_0000, 0x3F80_0000] {
            for copy in try copies(Float(bitPattern: bits)) { #expect(copy.bitPattern == bits) }
        }
        for bits in UInt16.min ... .max where bits % 7 == 0 {
            #expect(try Binary.copy(Float16(bitPattern: bits)).bitPattern == bits)
            #expect(try Binary.copy(Box(value: Float16(bitPattern: bits))).value.bitPattern == bits)
        }
    }

    @Test("decodes an integer as any other that can represent it, and refuses what does not fit")
    func integerConversions() throws {
        #expect(try Binary.copy(Int8(-5), as: Int.self) == -5)
        #expect(try Binary.copy(Int8(-5), as: Int128.self) == -5)
        #expect(try Binary.copy(UInt64.max, as: UInt128.self) == UInt128(UInt64.max))
        #expect(try Binary.copy(UInt128(200), as: UInt8.self) == 200)
        #expect(try Binary.copy(Int128.max, as: UInt128.self) == UInt128(Int128.max))
        #expect(try Binary.copy(Box(value: Int8(9)), as: Box<Int>.self).value == 9)
        #expect(try Binary.copy([Int8(9), -9], as: [Int].self) == [9, -9])
        #expect(try Binary.copy([1, -1], as: [Int8].self) == [1, -1])
        #expect(try Binary.copy([1, 2], as: [UInt8?].self) == [1, 2])
        #expect(throws: DecodingError.self) { try Binary.copy(-1, as: UInt.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(128, as: Int8.self) }
        #expect(throws: DecodingError.self) { try Binary.copy([1, 128], as: [Int8].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(Box(value: UInt64.max), as: Box<Int>.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(Int128.min, as: Int64.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(true, as: Int.self) }
        #expect(throws: DecodingError.self) { try Binary.copy("1", as: Int.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(1.0, as: Int.self) }
    }

    @Test("decodes a floating-point number as any other that can represent it exactly")
    func floatConversions() throws {
        #expect(try Binary.copy(1.5, as: Float.self) == 1.5)
        #expect(try Binary.copy(Float(1.5), as: Double.self) == 1.5)
        #expect(try Binary.copy(Float16(1.5), as: Double.self) == 1.5)
        #expect(try Binary.copy(-0.0, as: Float.self).sign == .minus)
        #expect(try Binary.copy(-Double.infinity, as: Float16.self) == -.infinity)
        #expect(try Binary.copy(Float.nan, as: Double.self).isNaN)
        #expect(try Binary.copy([1.5, -2], as: [Float].self) == [1.5, -2])
        #expect(try Binary.copy(-7, as: Double.self) == -7)
        #expect(throws: DecodingError.self) { try Binary.copy(0.1, as: Float.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(1e300, as: Float.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(Int.max, as: Double.self) }
    }
}
