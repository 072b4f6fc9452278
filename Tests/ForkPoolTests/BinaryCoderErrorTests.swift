// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

private struct Row: Codable {
    var cells: [Cell]
}

private struct Cell: Codable {
    var number: String
}

private struct Failure: Error, Equatable {}

/// Sees the writer of an encoder, and whether it is still there.
private final class Watch {
    private(set) weak var writer: MessageWriter?
    private(set) var hasSeen = false

    func see(_ encoder: any Encoder) {
        writer = (encoder as? ValueEncoder)?.node.writer
        hasSeen = writer != nil
    }
}

/// A type that fails when it is encoded, and records its coding path.
private struct Failing: Encodable {
    func encode(to encoder: any Encoder) throws {
        #expect(encoder.codingPath.map(\.stringValue) == ["outer", "Index 1", "value"])
        throw Failure()
    }
}

private struct Holder: Encodable {
    var value: Failing?
}

@Suite("The binary coder and errors")
struct BinaryCoderErrorTests {
    private func path<T: Decodable>(of type: T.Type, from value: some Encodable) throws -> [String] {
        let bytes = try Binary.bytes(of: value)
        let error = #expect(throws: DecodingError.self) { _ = try Binary.decode(type, from: bytes) }
        return switch try #require(error) {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.map(\.stringValue)
        case .keyNotFound(let key, let context): context.codingPath.map(\.stringValue) + ["?" + key.stringValue]
        @unknown default: []
        }
    }

    @Test("tells the path to what cannot be decoded")
    func decodingPaths() throws {
        let wrong = ["cells": [["number": "1"], ["other": "2"]]]
        #expect(try path(of: Row.self, from: wrong) == ["cells", "Index 1", "?number"])
        #expect(try path(of: Row.self, from: ["cells": [["number": 1]]]) == ["cells", "Index 0", "number"])
        #expect(try path(of: Row.self, from: ["cells": [["number": String?.none]]]) == ["cells", "Index 0", "number"])
        #expect(try path(of: [Row].self, from: [["cells": 5]]) == ["Index 0", "cells"])
        #expect(try path(of: [String: UInt8].self, from: ["big": 256]) == ["big"])
        #expect(try path(of: [String: Int].self, from: ["a": "7"]) == ["a"])
        #expect(try path(of: [Int: String].self, from: [-7: 256]) == ["-7"])
        #expect(try path(of: [Int: UInt8].self, from: [-7: 256]) == ["-7"])
        #expect(try path(of: [String: [Int: Row]].self, from: ["rows": ["seven": 7]]) == ["rows"])
        #expect(try path(of: [String: Int].self, from: [1]).isEmpty)
        #expect(try path(of: [UInt8].self, from: [1, 256]) == ["Index 1"])
        #expect(try path(of: Int.self, from: "text").isEmpty)
        #expect(try path(of: (Box<Row>?).self, from: Box(value: 1)) == ["value"])
    }

    @Test("tells the path to what cannot be encoded, and throws what the value throws")
    func encodingPaths() {
        struct Outer: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: PlainKey.self)
                var list = container.nestedUnkeyedContainer(forKey: PlainKey(stringValue: "outer"))
                try list.encode(0)
                #expect(list.codingPath.map(\.stringValue) == ["outer"])
                try list.encode(Holder(value: Failing()))
            }
        }
        #expect(throws: Failure()) { try Binary.bytes(of: Outer()) }
    }

    @Test("refuses a value that is written twice or as two kinds of container")
    func doubleUse() {
        struct Twice: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(1)
                try? container.encode(2)
            }
        }
        struct Both: Encodable {
            func encode(to encoder: any Encoder) throws {
                _ = encoder.container(keyedBy: PlainKey.self)
                _ = encoder.unkeyedContainer()
            }
        }
        #expect(throws: EncodingError.self) { try Binary.bytes(of: Twice()) }
        #expect(throws: EncodingError.self) { try Binary.bytes(of: [Both()]) }
    }

    @Test("keeps nothing of a message that was refused")
    func refusedMessages() {
        struct Both: Encodable {
            let watch: Watch

            func encode(to encoder: any Encoder) throws {
                watch.see(encoder)
                _ = encoder.container(keyedBy: PlainKey.self)
                _ = encoder.unkeyedContainer()
            }
        }
        struct Late: Encodable {
            let watch: Watch
            var meddle: ((any Encoder) throws -> Void)?

            func encode(to encoder: any Encoder) throws {
                watch.see(encoder)
                guard let meddle else {
                    var list = encoder.unkeyedContainer()
                    let other = encoder.unkeyedContainer()
                    return try list.encode(
                        Late(watch: watch) { _ in
                            var other = other
                            try other.encode(2)
                        })
                }
                try meddle(encoder)
                try 1.encode(to: encoder)
            }
        }
        func check(_ value: some Encodable, _ watch: Watch) {
            #expect(throws: EncodingError.self) { try Binary.bytes(of: value) }
            #expect(watch.hasSeen)
            #expect(watch.writer == nil)
        }
        let watches = (0..<4).map { _ in Watch() }
        check(Both(watch: watches[0]), watches[0])
        check(["key": Both(watch: watches[1])], watches[1])
        check(Late(watch: watches[2]), watches[2])
        check(["key": [Late(watch: watches[3])]], watches[3])
    }

    @Test("goes on after a value that failed")
    func recovery() throws {
        let encoder = BinaryEncoder()
        for _ in 0..<3 {
            #expect(throws: Failure()) { try Binary.bytes(of: ["outer": [Both(), Both()]], with: encoder) }
            #expect(
                try Binary.decode([String: Int].self, from: Binary.bytes(of: ["outer": 1], with: encoder)) == [
                    "outer": 1
                ]
            )
        }
        struct Both: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: PlainKey.self)
                try container.encode(1, forKey: PlainKey(stringValue: "begun"))
                throw Failure()
            }
        }
    }

    @Test("gives nothing to an encoder or decoder that a value has kept")
    func escape() throws {
        final class Holder: Codable {
            nonisolated(unsafe) static var decoder: (any Decoder)?
            nonisolated(unsafe) static var encoder: (any Encoder)?

            init() {}

            init(from decoder: any Decoder) throws { unsafe Self.decoder = decoder }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                try container.encode("text")
                unsafe Self.encoder = container.superEncoder()
            }
        }
        _ = try Binary.copy([Holder()])
        let encoder = try #require(unsafe Holder.encoder)
        #expect(throws: (any Error).self) { try "more".encode(to: encoder) }
        let decoder = try #require(unsafe Holder.decoder)
        var container = try decoder.unkeyedContainer()
        #expect(throws: (any Error).self) { try container.decode(String.self) }
        unsafe (Holder.decoder, Holder.encoder) = (nil, nil)
    }
}
