// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

private func key(_ name: String) -> PlainKey { PlainKey(stringValue: name) }

/// A value that keeps the decoder of a part, as those do that choose its type later.
private struct Raw: Decodable {
    let payload: any Decoder

    init(from decoder: any Decoder) throws {
        payload = try decoder.container(keyedBy: PlainKey.self).superDecoder(forKey: key("payload"))
    }
}

/// A value that fails, and tells where.
private struct Failing: Decodable {
    struct Failure: Error, Equatable {
        let path: [String]
    }

    init(from decoder: any Decoder) throws {
        // Not the coding path: that of nodes that own one another has no end.
        var node = (decoder as? ValueDecoder)?.node
        var path: [String] = []
        while let current = node, path.count < 9 {
            if let name = current.step.name { path.append(name) }
            node = current.owner
        }
        throw Failure(path: path.reversed())
    }
}

/// A value around one that fails.
private struct Around: Decodable {
    let inner: Failing
}

/// A value that keeps the encoder of a part, which its owner writes later.
private struct Unfinished: Encodable {
    final class Part {
        var encoder: (any Encoder)?

        func write(_ value: some Encodable) throws {
            if let encoder { try value.encode(to: encoder) }
            encoder = nil
        }
    }

    let part = Part()

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: PlainKey.self)
        try container.encode(1, forKey: key("first"))
        part.encoder = container.superEncoder(forKey: key("late"))
    }
}

private struct Finished: Codable, Equatable {
    var first: Int
    var late: [String: Int]
}

@Suite("The binary coder and parts that are coded after their owner")
struct BinaryCoderChildTests {
    private let message: [String: [String: [String: [String: String]]]] = [
        "raw": ["payload": ["inner": ["number": "7"]]], "other": [:],
    ]

    @Test("a decoder that a value keeps has no other place, whatever is decoded through it")
    func decoding() throws {
        struct Outer: Decodable {
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: PlainKey.self)
                let raw = try container.decode(Raw.self, forKey: key("raw"))
                _ = try container.decode([String: [String: [Int]]].self, forKey: key("other"))
                // What follows would have no end.
                try #require(throws: Failing.Failure(path: ["raw", "payload", "inner"])) {
                    _ = try Around(from: raw.payload)
                }
                #expect(raw.payload.codingPath.map(\.stringValue) == ["raw", "payload"])
                #expect(try [String: [String: String]](from: raw.payload) == ["inner": ["number": "7"]])
            }
        }
        for _ in 0..<3 { _ = try Binary.copy(message, as: Outer.self) }
    }

    @Test("what is written through an encoder that a value kept gets into its place")
    func encoding() throws {
        struct Outer: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: PlainKey.self)
                let unfinished = Unfinished()
                try container.encode(unfinished, forKey: key("unfinished"))
                try container.encode(Box(value: Box(value: "next")), forKey: key("next"))
                try unfinished.part.write(["number": 3])
                try container.encode(Box(value: Box(value: "last")), forKey: key("last"))
            }
        }
        struct Copy: Decodable, Equatable {
            var unfinished: Finished
            var next: Box<Box<String>>
            var last: Box<Box<String>>
        }
        let expected = Copy(
            unfinished: Finished(first: 1, late: ["number": 3]), next: Box(value: Box(value: "next")),
            last: Box(value: Box(value: "last")))
        #expect(try Binary.copy(Outer(), as: Copy.self) == expected)
        #expect(try Binary.copy([Outer(), Outer()], as: [Copy].self) == [expected, expected])
    }

    @Test("the same in an array, whose elements take one another's encoder")
    func encodingElements() throws {
        struct Outer: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                let all = (0..<4).map { _ in Unfinished() }
                for unfinished in all { try container.encode(unfinished) }
                for (number, unfinished) in all.enumerated().reversed() {
                    try unfinished.part.write(["number": number])
                }
            }
        }
        let expected = (0..<4).map { Finished(first: 1, late: ["number": $0]) }
        #expect(try Binary.copy(Outer(), as: [Finished].self) == expected)
        let encoder = BinaryEncoder()
        for _ in 0..<3 {
            #expect(try Binary.decode([Finished].self, from: Binary.bytes(of: Outer(), with: encoder)) == expected)
        }
    }
}
