// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

/// A type with one value, which encodes itself as nil.
private struct Nothing: Codable, Equatable {
    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard container.decodeNil() else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "Not nil.")
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encodeNil()
    }
}

/// A type that encodes an optional as its one value.
private struct Wrapped: Codable, Equatable {
    var value: Int?

    init(_ value: Int?) {
        self.value = value
    }

    init(from decoder: any Decoder) throws {
        value = try decoder.singleValueContainer().decode(Int?.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

/// Optionals of every depth, as a synthesized conformance encodes them.
private struct Deep: Codable, Equatable {
    var one: Int?
    var two: Int??
    var three: Int???
    var text: String??
    var list: [Int??]?
    var nothing: Nothing?
    var wrapped: Wrapped??
}

@Suite("The binary coder and optionals")
struct BinaryCoderOptionalTests {
    private let threes: [Int???] = [.none, .some(.none), .some(.some(.none)), .some(.some(.some(7)))]

    @Test("tells every level of a nested optional apart, wherever it is")
    func levels() throws {
        for value in threes {
            try expectCopy(value)
            try expectCopy(Box(value: value))
            try expectCopy([value, value])
            try expectCopy(["a": value, "b": 1])
            try expectCopy([1: value])
            try expectCopy(Box<[Int???]?>(value: [value]))
        }
        for text: String?? in [.none, .some(.none), "", "text"] {
            try expectCopy(text)
            try expectCopy(Box(value: text))
            try expectCopy([text, "x", text])
            try expectCopy(["k": text])
            try expectCopy([Box(value: text)])
        }
    }

    @Test("tells every level apart in a synthesized conformance")
    func synthesized() throws {
        try expectCopy(Deep())
        for three in threes {
            for nothing in [nil, Nothing()] {
                for wrapped: Wrapped?? in [.none, .some(.none), Wrapped(nil), Wrapped(3)] {
                    let value = Deep(
                        one: 1,
                        two: three ?? nil,
                        three: three,
                        text: .some(.none),
                        list: [.some(.none), .none, 4],
                        nothing: nothing,
                        wrapped: wrapped
                    )
                    try expectCopy(value)
                    try expectCopy([value])
                }
            }
        }
    }

    @Test("keeps an optional of a type that encodes itself as nil")
    func selfNil() throws {
        for value: Nothing?? in [.none, .some(.none), .some(.some(Nothing()))] {
            try expectCopy(value)
            try expectCopy(Box(value: value))
            try expectCopy(["k": value])
        }
        for value: Wrapped?? in [.none, .some(.none), Wrapped(nil), Wrapped(1)] {
            try expectCopy(value)
            try expectCopy(Box(value: value))
        }
    }

    @Test("finds an explicit nil under a key")
    func explicitNil() throws {
        struct Explicit: Codable {
            enum Keys: String, CodingKey {
                case gone
                case here
                case missing
            }

            init() {}

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                #expect(try container.decodeNil(forKey: .gone))
                #expect(try !container.decodeNil(forKey: .here))
                #expect(try container.decodeIfPresent(Int.self, forKey: .gone) == nil)
                #expect(try container.decodeIfPresent(String.self, forKey: .gone) == nil)
                #expect(try container.decodeIfPresent([Int].self, forKey: .gone) == nil)
                #expect(try container.decodeIfPresent(Int.self, forKey: .here) == 5)
                #expect(try container.decodeIfPresent(Int128.self, forKey: .here) == 5)
                #expect(try container.decodeIfPresent(Int.self, forKey: .missing) == nil)
                #expect(container.contains(.gone) && container.contains(.here) && !container.contains(.missing))
                #expect(throws: DecodingError.self) { try container.decodeNil(forKey: .missing) }
                #expect(throws: DecodingError.self) { try container.decode(Int.self, forKey: .gone) }
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Keys.self)
                try container.encodeNil(forKey: .gone)
                try container.encode(5, forKey: .here)
                try container.encodeIfPresent(Int?.none, forKey: .missing)
            }
        }
        _ = try Binary.copy(Explicit())
    }

    @Test("skips an explicit nil in an unkeyed container, and only that")
    func unkeyedNil() throws {
        struct Row: Codable {
            init() {}

            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                #expect(container.count == 4)
                #expect(try container.decodeNil())
                #expect(try !container.decodeNil())
                #expect(try container.decode(Int.self) == 1)
                #expect(try container.decodeIfPresent(Int.self) == nil)
                #expect(try container.decodeIfPresent(Int??.self) == .some(.some(.none)))
                #expect(container.isAtEnd && container.currentIndex == 4)
                #expect(try container.decodeIfPresent(Int.self) == nil)
                #expect(throws: DecodingError.self) { try container.decode(Int.self) }
                #expect(throws: DecodingError.self) { try container.decodeNil() }
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                try container.encodeNil()
                try container.encode(1)
                try container.encodeNil()
                try container.encode(Int???.some(.some(.none)))
                #expect(container.count == 4)
            }
        }
        _ = try Binary.copy(Row())
    }
}
