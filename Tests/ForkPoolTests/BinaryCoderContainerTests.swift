// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

private enum Shape: Codable, Hashable {
    case point
    case circle(radius: Double)
    case named(String, at: [Int])
    case maybe(Int??)
}

private indirect enum Tree: Codable, Equatable {
    case leaf(Int)
    case node(Tree, Tree)
}

private struct Empty: Codable, Hashable {}

/// A type that encodes nothing at all.
private struct Silent: Codable, Equatable {
    init() {}
    init(from decoder: any Decoder) throws {}
    func encode(to encoder: any Encoder) throws {}
}

private enum Colour: String, Codable, CodingKeyRepresentable {
    case red
    case green
}

/// A number as its own key.
private struct Tag: RawRepresentable, Codable, Hashable, CodingKeyRepresentable {
    var rawValue: Int

    init(rawValue: Int) { self.rawValue = rawValue }
    init?<Key: CodingKey>(codingKey: Key) { self.init(rawValue: codingKey.intValue ?? 0) }
    var codingKey: any CodingKey { PlainKey(intValue: rawValue) }
}

@Suite("The binary coder and containers")
struct BinaryCoderContainerTests {
    @Test("keeps enums with payloads, in arrays, sets and as keys")
    func enums() throws {
        let shapes: [Shape] = [
            .point, .circle(radius: -0.0), .named("x", at: [1, 2]), .maybe(nil), .maybe(.some(.none)), .maybe(3),
        ]
        for shape in shapes { try expectCopy(shape) }
        try expectCopy(shapes)
        try expectCopy(Set(shapes))
        try expectCopy(Dictionary(uniqueKeysWithValues: shapes.map { ($0, [$0]) }))
    }

    @Test("keeps a recursive enum")
    func recursion() throws {
        var tree = Tree.leaf(0)
        for number in 1...200 { tree = number % 2 == 0 ? .node(tree, .leaf(number)) : .node(.leaf(-number), tree) }
        try expectCopy(tree)
    }

    @Test("keeps dictionaries with every kind of key")
    func dictionaries() throws {
        try expectCopy(["a": 1, "": 2, "é": 3, "👍": 4])
        try expectCopy([1: "a", -1: "b", .max: "c", .min: "d"])
        try expectCopy([Box(value: 1): 1, Box(value: 2): 2])
        try expectCopy([Colour.red: 1, .green: 2])
        try expectCopy([Tag(rawValue: 5): "five", Tag(rawValue: -6): "six"])
        try expectCopy([Empty(): [Empty()]])
        try expectCopy([[1, 2]: ["x": [Int8(1): UInt64.max]]])
        try expectCopy([String: Int]())
        try expectCopy([UInt8(1): Float(0.5), 255: .infinity])
        try expectCopy(Set(["a", "b"]))
        try expectCopy(Set<[Int]>())
    }

    @Test("keeps keys apart that are equal as text but not as scalars")
    func canonicallyEquivalentKeys() throws {
        let composed = ["\u{E9}": 1]
        let decomposed = ["e\u{301}": 2]
        let copies = try Binary.copy([composed, decomposed, composed])
        #expect(copies == [composed, decomposed, composed])
        let scalars = copies.map { Array($0.keys.first?.unicodeScalars ?? "".unicodeScalars) }
        #expect(scalars == [["\u{E9}"], ["e", "\u{301}"], ["\u{E9}"]])
    }

    @Test("keeps empty values and values that write nothing, in their positions")
    func emptiness() throws {
        struct Around: Codable, Equatable {
            var before = 1
            var silent = Silent()
            var empty = Empty()
            var maybe: Silent? = Silent()
            var after = 2
        }
        try expectCopy(Silent())
        try expectCopy(Empty())
        try expectCopy(Around())
        try expectCopy([Around()])
        try expectCopy(["a": Silent()])
        try expectCopy(Set<Int>())
        struct Silents: Codable {
            init() {}

            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                #expect(container.count == 3)
                _ = try container.decode(Silent.self)
                #expect(try container.decode(Int.self) == 1)
                #expect(try container.nestedContainer(keyedBy: PlainKey.self).allKeys.isEmpty)
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.unkeyedContainer()
                try container.encode(Silent())
                try container.encode(1)
                try container.encode(Silent())
            }
        }
        _ = try Binary.copy(Silents())
    }

    @Test("finds values in any order, and the last one of a key that was written twice")
    func orderAndRepeats() throws {
        struct Twice: Codable {
            let values: [String: Int]
            let order: [String]

            init(order: [String]) {
                values = [:]
                self.order = order
            }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: PlainKey.self)
                order = container.allKeys.map(\.stringValue)
                var values: [String: Int] = [:]
                for key in order.reversed() {
                    #expect(container.contains(PlainKey(stringValue: key)))
                    values[key] = try container.decode(Int.self, forKey: PlainKey(stringValue: key))
                }
                self.values = values
                #expect(!container.contains(PlainKey(stringValue: "unwritten")))
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: PlainKey.self)
                for (number, key) in order.enumerated() {
                    try container.encode(number, forKey: PlainKey(stringValue: key))
                }
            }
        }
        let few = try Binary.copy(Twice(order: ["a", "b", "a", "c"]))
        #expect(few.values == ["a": 2, "b": 1, "c": 3])
        #expect(few.order == ["b", "a", "c"])
        let names = (0..<100).map { "key\($0)" }
        let many = try Binary.copy(Twice(order: names + names.reversed()))
        #expect(many.values == Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, 199 - $0) }))
        #expect(many.order == names.reversed())
        let shared = try Binary.copy([Twice(order: ["x", "y"]), Twice(order: ["y", "x"])])
        #expect(shared.map(\.values) == [["x": 0, "y": 1], ["y": 0, "x": 1]])
    }

    @Test("reads dictionaries of numbers and texts from what others wrote, too")
    func scalarDictionaries() throws {
        struct Options: Codable {
            var width: Int?
            var height: Int?
            var depth: Int?
        }
        struct Twice: Encodable {
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: PlainKey.self)
                for number in 1...3 { try container.encode(number, forKey: PlainKey(stringValue: "5")) }
                try container.encode(4, forKey: PlainKey(stringValue: "-6"))
            }
        }
        try expectCopy([["a": 1.5, "": -0.0], [:]])
        try expectCopy([["a": true, "é": false], ["b": true]])
        try expectCopy([["a": "", "b": "text"], ["c": "more"]])
        try expectCopy([[1: 2, -3: Int.min], [Int.max: 0]])
        try expectCopy([[1: 0.5], [2: Double.infinity]])
        try expectCopy([[1: "one"], [2: "two", 3: ""]])
        let options = Options(width: 1, height: nil, depth: 3)
        #expect(try Binary.copy(options, as: [String: Int].self) == ["width": 1, "depth": 3])
        #expect(try Binary.copy(Twice(), as: [String: Int].self) == ["5": 3, "-6": 4])
        #expect(try Binary.copy(Twice(), as: [Int: Int].self) == [5: 3, -6: 4])
        #expect(try Binary.copy(Twice(), as: [Int: Double].self) == [5: 3, -6: 4])
        #expect(try Binary.copy(["a": 1, "b": 2], as: [String: Int8].self) == ["a": 1, "b": 2])
        #expect(throws: DecodingError.self) { try Binary.copy(["a": 1, "b": 2], as: [Int: Int].self) }
        #expect(throws: DecodingError.self) { try Binary.copy(["a": "1"], as: [String: Int].self) }
    }

    @Test("keeps a dictionary of a hundred thousand strings")
    func largeDictionary() throws {
        let large = Dictionary(uniqueKeysWithValues: (0..<100_000).map { ("key \($0)", $0) })
        try expectCopy(large)
    }

    @Test("gives no user info")
    func userInfo() throws {
        struct Curious: Codable {
            init() {}
            init(from decoder: any Decoder) throws { #expect(decoder.userInfo.isEmpty) }
            func encode(to encoder: any Encoder) throws { #expect(encoder.userInfo.isEmpty) }
        }
        _ = try Binary.copy(Curious())
    }

    @Test("keeps many values from one encoder, whatever came before them")
    func reuse() throws {
        let encoder = BinaryEncoder()
        for round in 0..<300 {
            let value = Dictionary(uniqueKeysWithValues: (0..<round).map { ("\(round)-\($0)", [$0]) })
            #expect(try Binary.decode([String: [Int]].self, from: Binary.bytes(of: value, with: encoder)) == value)
            let shape = Shape.named("\(round)", at: [round])
            #expect(try Binary.decode(Shape.self, from: Binary.bytes(of: shape, with: encoder)) == shape)
        }
    }
}
