// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool

/// A value that keeps its keyed containers.
private final class Keeper: Codable {
    enum Keys: CodingKey {
        case number
        case other
    }

    nonisolated(unsafe) static var writer: KeyedEncodingContainer<Keys>?
    nonisolated(unsafe) static var reader: KeyedDecodingContainer<Keys>?

    let number: Int

    init(_ number: Int) { self.number = number }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        number = try container.decode(Int.self, forKey: .number)
        unsafe Self.reader = container
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(number, forKey: .number)
        unsafe Self.writer = container
    }
}

@Suite("What the binary coder keeps between values", .serialized)
struct BinaryCoderReuseTests {
    @Test("gives nothing to a keyed container that a value has kept, and goes on with the next value")
    func escape() throws {
        let (encoder, decoder) = (BinaryEncoder(), BinaryDecoder())
        func copy(_ number: Int) throws -> Int {
            let bytes = try Binary.bytes(of: Keeper(number), with: encoder)
            return try unsafe bytes.withUnsafeBytes { try unsafe decoder.decode(Keeper.self, from: $0) }.number
        }
        #expect(try copy(1) == 1)
        var writer = try #require(unsafe Keeper.writer)
        let reader = try #require(unsafe Keeper.reader)
        for number in 2...4 { #expect(try copy(number) == number) }
        #expect(throws: (any Error).self) { try writer.encode(5, forKey: .other) }
        #expect(throws: (any Error).self) { try reader.decode(Int.self, forKey: .number) }
        #expect(try copy(6) == 6)
        unsafe (Keeper.writer, Keeper.reader) = (nil, nil)
    }

    @Test("refuses a value that is written after the next one of an unkeyed container")
    func late() {
        struct Late: Encodable {
            func encode(to encoder: any Encoder) throws {
                var list = encoder.unkeyedContainer()
                // The same container.
                var other = encoder.unkeyedContainer()
                try list.encode(Meddler { try other.encode(2) })
            }
        }
        struct Meddler: Encodable {
            let meddle: () throws -> Void

            func encode(to encoder: any Encoder) throws {
                try meddle()
                var container = encoder.singleValueContainer()
                try container.encode(1)
            }
        }
        #expect(throws: EncodingError.self) { try Binary.bytes(of: Late()) }
    }

    @Test("finds keys of more values than a table has, and of none")
    func manyKeys() throws {
        struct Keys: Codable {
            struct Byte: CodingKey {
                let byte: UInt8
                var stringValue: String { "\(byte)" }
                var intValue: Int? { nil }
                init(_ byte: UInt8) { self.byte = byte }
                init?(stringValue: String) {
                    guard let byte = UInt8(stringValue) else { return nil }
                    self.byte = byte
                }
                init?(intValue: Int) { nil }
            }

            init() {}

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Byte.self)
                #expect(container.allKeys.map(\.byte) == Array(0...255))
                for byte in (UInt8.min ... .max).reversed() {
                    #expect(try container.decode(UInt8.self, forKey: Byte(byte)) == byte)
                }
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Byte.self)
                for byte in UInt8.min ... .max { try container.encode(byte, forKey: Byte(byte)) }
            }
        }
        _ = try Binary.copy(Keys())
        _ = try Binary.copy([Keys(), Keys()])
    }

    @Test("takes keys with the same text for one, of which the last value counts")
    func equalKeys() throws {
        enum Key: CodingKey, CaseIterable {
            case first
            case other
            case second

            var stringValue: String { self == .other ? "other" : "same" }
            var intValue: Int? { nil }
            init?(stringValue: String) {
                guard let key = Self.allCases.first(where: { $0.stringValue == stringValue }) else { return nil }
                self = key
            }
            init?(intValue: Int) { nil }
        }
        struct Equal: Codable {
            let isTwice: Bool

            init(isTwice: Bool) { self.isTwice = isTwice }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                let value = try container.decode(Int.self, forKey: .first)
                #expect(try container.decode(Int.self, forKey: .second) == value)
                #expect(try container.decode(Int.self, forKey: .other) == 2)
                #expect(Set(container.allKeys) == [.first, .other])
                #expect(container.allKeys.count == 2)
                isTwice = value == 3
                #expect(value == 1 || isTwice)
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(1, forKey: .first)
                try container.encode(2, forKey: .other)
                try container.encodeIfPresent(isTwice ? 3 : nil, forKey: .second)
            }
        }
        for isTwice in [false, true, false] { #expect(try Binary.copy(Equal(isTwice: isTwice)).isTwice == isTwice) }
        #expect(try Binary.copy([true, false].map { Equal(isTwice: $0) }).map(\.isTwice) == [true, false])
    }

    /// A map keeps its records for the life of the process.
    private static let map = TypeMap<ObjectIdentifier>()

    @Test("remembers each type once, whatever number there is and whichever threads ask")
    func types() {
        func arrays<Element>(of type: Element.Type) -> Any.Type { [Element].self }
        var types: [Any.Type] = [Int.self]
        for _ in 0..<1000 { types.append(_openExistential(types[types.count - 1], do: arrays)) }
        let map = Self.map
        let all = types
        Threads.run(4) { _ in
            for _ in 0..<3 {
                for type in all {
                    let record = unsafe map.record(of: type) { ObjectIdentifier(type) }
                    precondition(unsafe record.pointee == ObjectIdentifier(type))
                }
            }
        }
        for type in types {
            let first = unsafe map.record(of: type) { ObjectIdentifier(Never.self) }
            #expect(unsafe first.pointee == ObjectIdentifier(type))
            #expect(unsafe map.record(of: type) { ObjectIdentifier(Never.self) } == first)
        }
    }
}
