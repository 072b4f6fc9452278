// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

/// Encodes values for tests.
enum Binary {
    /// Encodes a value into as many bytes as it takes.
    static func bytes<T: Encodable>(of value: T, with encoder: BinaryEncoder = BinaryEncoder()) throws -> [UInt8] {
        var capacity = 64
        while true {
            do {
                return try unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                    count = try unsafe encoder.encode(value, into: UnsafeMutableRawBufferPointer(buffer))
                }
            } catch is BinaryEncoder.OutOfSpace {
                capacity *= 4
            }
        }
    }

    /// Decodes a value from bytes.
    static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        try unsafe bytes.withUnsafeBytes { try unsafe BinaryDecoder.decode(type, from: $0) }
    }

    /// Encodes a value and decodes the result, from an odd address.
    static func copy<T: Codable>(_ value: T) throws -> T {
        try copy(value, as: T.self)
    }

    /// Encodes a value and decodes the result as another type.
    static func copy<T: Encodable, U: Decodable>(_ value: T, as type: U.Type) throws -> U {
        let bytes = try [0] + bytes(of: value)
        return try unsafe bytes.withUnsafeBytes {
            try unsafe BinaryDecoder.decode(type, from: UnsafeRawBufferPointer(rebasing: $0.dropFirst()))
        }
    }
}

/// Expects that a value comes back equal.
func expectCopy<T: Codable & Equatable>(_ value: T, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(try Binary.copy(value) == value, sourceLocation: sourceLocation)
}

/// A generator of the same numbers at every run.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

/// A value in a box of one key, so that it is neither at the top level nor in an array.
struct Box<Value: Codable>: Codable {
    var value: Value
}

extension Box: Equatable where Value: Equatable {}
extension Box: Hashable where Value: Hashable {}
