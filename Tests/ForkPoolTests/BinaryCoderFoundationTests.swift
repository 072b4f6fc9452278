// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import ForkPool

/// A type with bytes in every kind of place.
private struct Parcel: Codable, Equatable {
    enum Lid: Codable, Equatable {
        case open
        case closed(Data, label: Data?)
    }

    var name: String
    var bytes: Data
    var maybe: Data?
    var deep: Data??
    var list: [Data]
    var table: [String: Data]
    var numbered: [Int: Data]
    var lid: Lid
    var key: Set<Data>

    init(_ bytes: Data) {
        name = "parcel"
        self.bytes = bytes
        maybe = bytes.isEmpty ? nil : bytes
        deep = .some(bytes.isEmpty ? nil : bytes)
        list = [bytes, Data(), bytes]
        table = ["a": bytes, "": Data()]
        numbered = [-1: bytes]
        lid = bytes.isEmpty ? .open : .closed(bytes, label: bytes)
        key = [bytes]
    }
}

/// A collection of bytes with a conformance of its own.
private struct Masked: RangeReplaceableCollection, RandomAccessCollection, Codable, Equatable {
    private var bytes: [UInt8] = []
    private(set) var wasDecoded = false

    init() {}

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        while !container.isAtEnd { bytes.append(try container.decode(UInt8.self) ^ 0xFF) }
        wasDecoded = true
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(contentsOf: bytes.map { $0 ^ 0xFF })
    }

    var startIndex: Int { 0 }
    var endIndex: Int { bytes.count }
    subscript(index: Int) -> UInt8 { bytes[index] }

    mutating func replaceSubrange<C: Collection<UInt8>>(_ range: Range<Int>, with new: C) {
        bytes.replaceSubrange(range, with: new)
    }

    func withContiguousStorageIfAvailable<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R? {
        try unsafe bytes.withContiguousStorageIfAvailable(body)
    }
}

/// Writes and reads bytes one by one, as Foundation does.
private struct Single: Codable, Equatable {
    var bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        bytes = []
        while !container.isAtEnd { bytes.append(try container.decode(UInt8.self)) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for byte in bytes { try container.encode(byte) }
    }
}

@Suite("The binary coder and types of Foundation")
struct BinaryCoderFoundationTests {
    private static var random: Data { Data((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 0x9E37 >> 3) }) }

    /// Values of every representation of `Data`: none, inline, with an offset, large, a slice, and of a class.
    // A constant would be a leak to the address sanitizer, which does not find the references in it.
    private static var samples: [Data] {
        [
            Data(), Data([7]), Data([1, 2, 3, 4])[1...2], Data(count: 14), Data(count: 15), random, random[1...],
            random[50..<60], Data(random[99_999...]), Data(referencing: NSMutableData(data: random)),
        ]
    }

    @Test("keeps data of every length and representation, at every place", arguments: samples)
    func data(bytes: Data) throws {
        try expectCopy(bytes)
        #expect(try Binary.copy(bytes).startIndex == 0)
        try expectCopy(Box(value: bytes))
        try expectCopy([bytes, Data(), bytes])
        try expectCopy(["": bytes as Data?, "nothing": nil])
        try expectCopy([[bytes: bytes]])
        try expectCopy(Parcel(bytes))
        try expectCopy([Parcel(bytes), Parcel(Data())])
    }

    @Test("keeps ten megabytes")
    func large() throws {
        let large = Data(repeating: 0xA5, count: 10_000_000)
        #expect(try Binary.copy(large) == large)
        #expect(try Binary.copy(Box(value: large)).value == large)
    }

    // A byte that is coded by itself takes two bytes or more, and as many records as bytes take a minute.
    @Test("writes data as one record, and trivial types as their memory")
    func sizes() throws {
        for (count, length) in [(0, 1), (1, 1), (100, 1), (100_000, 3), (10_000_000, 4)] {
            let bytes = Data(repeating: 0xFF, count: count)
            #expect(try Binary.bytes(of: bytes).count == 2 + length + count)
            // The container, and the key with its length.
            #expect(try Binary.bytes(of: Box(value: bytes)).count == 9 + 6 + 2 + length + count)
            #expect(try Binary.bytes(of: [bytes, bytes]).count == 9 + 2 * (2 + length + count))
        }
        // Tag, kind, count, stride, size and sum.
        #expect(try Binary.bytes(of: UUID()).count == 5 + 8 + 16)
        #expect(try Binary.bytes(of: Decimal.pi).count == 5 + 8 + 20)
        #expect(try Binary.bytes(of: Date()).count == 1 + 8)
    }

    @Test("reads as data what was written as an array or byte by byte, and the reverse")
    func exchange() throws {
        for bytes in [[], [3], [UInt8](Self.random)] {
            #expect(try Binary.copy(Data(bytes), as: [UInt8].self) == bytes)
            #expect(try Binary.copy(bytes, as: Data.self) == Data(bytes))
            #expect(try Binary.copy(Data(bytes), as: Single.self).bytes == bytes)
            #expect(try Binary.copy(Single(bytes), as: Data.self) == Data(bytes))
            #expect(try Binary.copy(bytes.map(Int.init), as: Data.self) == Data(bytes))
        }
        #expect(throws: DecodingError.self) { try Binary.copy([256], as: Data.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(["a"], as: Data.self) }
        #expect(throws: DecodingError.self) { try Binary.copy("a", as: Data.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(1, as: Data.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(Data([1]), as: String.self) }
        let id = UUID()
        #expect(try Binary.copy(id.uuidString, as: UUID.self) == id)
        #expect(throws: DecodingError.self) { try Binary.copy("no UUID", as: UUID.self) }
        #expect(throws: DecodingError.self) { try Binary.copy(id, as: Decimal.self) }
    }

    @Test("leaves another collection of bytes to its own conformance")
    func own() throws {
        let masked = Masked([1, 2, 3])
        for copy in try [Binary.copy(masked), Binary.copy(Box(value: masked)).value, Binary.copy([masked])[0]] {
            #expect(copy.wasDecoded && Array(copy) == [1, 2, 3])
        }
        #expect(try Binary.copy(masked, as: Data.self) == Data([0xFE, 0xFD, 0xFC]))
    }

    @Test("keeps dates, identifiers, decimals and URLs")
    func others() throws {
        let dates = [Date.distantPast, .distantFuture, Date(timeIntervalSinceReferenceDate: -0.0), Date()]
        let ids = [UUID(), UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))]
        let decimals = [
            Decimal(), .pi, -.pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, Decimal(string: "0.1")!,
        ]
        let base = URL(string: "https://example.org/a/")
        let urls = [base!, URL(fileURLWithPath: "/tmp/ä b"), URL(string: "b?c#d", relativeTo: base)!]
        func expectCopies<Value: Codable & Hashable>(_ values: [Value]) throws {
            try expectCopy(values)
            for value in values {
                try expectCopy(value)
                try expectCopy(Box(value: value as Value?))
                try expectCopy([value: [value]])
                try expectCopy(["key": value])
            }
        }
        try expectCopies(dates)
        try expectCopies(ids)
        try expectCopies(decimals)
        try expectCopies(urls)
        #expect(try Binary.copy(Decimal.nan).isNaN)
    }

    @Test("notices any changed bit in a type that is stored as its memory")
    func damage() throws {
        func expectRefused<Value: Codable>(_ value: Value) throws {
            let bytes = try Binary.bytes(of: value)
            for bit in 0..<bytes.count * 8 {
                var changed = bytes
                changed[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(throws: DecodingError.self) { try Binary.decode(Value.self, from: changed) }
            }
        }
        try expectRefused(UUID())
        try expectRefused(Decimal.pi)
    }

    @Test("refuses a length of data that the message does not have")
    func lengths() throws {
        var bytes = try Binary.bytes(of: Data(count: 100))
        for length in [101, 127] {
            bytes[2] = UInt8(length)
            #expect(throws: DecodingError.self) { try Binary.decode(Data.self, from: bytes) }
        }
        #expect(throws: DecodingError.self) { try Binary.decode(Data.self, from: Array(bytes.dropLast())) }
        // Strings, as many as there are bytes of memory.
        let strings = [WireKind.strings.rawValue] + [UInt8](repeating: 0xFF, count: 9) + [1]
        #expect(throws: DecodingError.self) { try Binary.decode(Data.self, from: strings) }
    }
}
