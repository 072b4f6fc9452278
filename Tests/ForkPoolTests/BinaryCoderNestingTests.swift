// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

private class Animal: Codable {
    var name: String

    init(name: String) { self.name = name }
}

private final class Dog: Animal {
    enum Keys: CodingKey {
        case tricks
    }

    var tricks: [String]

    init(name: String, tricks: [String]) {
        self.tricks = tricks
        super.init(name: name)
    }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        tricks = try container.decode([String].self, forKey: .tricks)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(tricks, forKey: .tricks)
    }
}

private final class Cat: Animal {
    enum Keys: CodingKey {
        case lives
    }

    var lives: Int

    init(name: String, lives: Int) {
        self.lives = lives
        super.init(name: name)
    }

    required init(from decoder: any Decoder) throws {
        lives = try decoder.container(keyedBy: Keys.self).decode(Int.self, forKey: .lives)
        try super.init(from: decoder)
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(lives, forKey: .lives)
        try super.encode(to: encoder)
    }
}

private final class Bird: Animal {
    var song: Double

    init(name: String, song: Double) {
        self.song = song
        super.init(name: name)
    }

    required init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        let parent = try container.superDecoder()
        song = try container.decode(Double.self)
        #expect(container.isAtEnd)
        try super.init(from: parent)
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        let parent = container.superEncoder()
        try container.encode(song)
        try super.encode(to: parent)
    }
}

/// Writes to four open containers in turn.
private struct Weave: Codable, Equatable {
    var odd: [Int]
    var even: [Int]
    var named: [String: Int]
    var tail: String

    enum Keys: CodingKey {
        case odd
        case even
        case named
        case tail
    }

    init(odd: [Int], even: [Int], named: [String: Int], tail: String) {
        (self.odd, self.even, self.named, self.tail) = (odd, even, named, tail)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        tail = try container.decode(String.self, forKey: .tail)
        var evens = try container.nestedUnkeyedContainer(forKey: .even)
        var odds = try container.nestedUnkeyedContainer(forKey: .odd)
        let names = try container.nestedContainer(keyedBy: PlainKey.self, forKey: .named)
        (odd, even, named) = ([], [], [:])
        while !evens.isAtEnd {
            even.append(try evens.decode(Int.self))
            var row = try odds.nestedUnkeyedContainer()
            odd.append(try row.decode(Int.self))
        }
        for key in names.allKeys { named[key.stringValue] = try names.decode(Int.self, forKey: key) }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        var odds = container.nestedUnkeyedContainer(forKey: .odd)
        var names = container.nestedContainer(keyedBy: PlainKey.self, forKey: .named)
        var evens = container.nestedUnkeyedContainer(forKey: .even)
        var rest = named
        for index in odd.indices {
            var row = odds.nestedUnkeyedContainer()
            try evens.encode(even[index])
            if let (key, value) = rest.popFirst() { try names.encode(value, forKey: PlainKey(stringValue: key)) }
            try row.encode(odd[index])
        }
        for (key, value) in rest { try names.encode(value, forKey: PlainKey(stringValue: key)) }
        try container.encode(tail, forKey: .tail)
    }
}

@Suite("The binary coder and nesting")
struct BinaryCoderNestingTests {
    @Test("keeps a superclass that has a container of its own")
    func superclassUnderKey() throws {
        let copy = try Binary.copy([Dog(name: "Rex", tricks: ["sit", ""]), Dog(name: "Ida", tricks: [])])
        #expect(copy.map(\.name) == ["Rex", "Ida"])
        #expect(copy.map(\.tricks) == [["sit", ""], []])
    }

    @Test("keeps a superclass that shares its subclass's container")
    func superclassInSameContainer() throws {
        let copy = try Binary.copy(["tom": Cat(name: "Tom", lives: 7)])["tom"]
        #expect(copy?.name == "Tom")
        #expect(copy?.lives == 7)
    }

    @Test("keeps the position of a superclass that is written after its neighbours")
    func superclassInUnkeyedContainer() throws {
        let copy = try Binary.copy([Bird(name: "Tit", song: 1), Bird(name: "Owl", song: -0.0)])
        #expect(copy.map(\.name) == ["Tit", "Owl"])
        #expect(copy.map(\.song.sign) == [.plus, .minus])
    }

    @Test("gives an empty decoder for a superclass that wrote nothing")
    func silentSuperclass() throws {
        struct Lonely: Codable {
            init() {}

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: PlainKey.self)
                let parent = try container.superDecoder().container(keyedBy: PlainKey.self)
                #expect(parent.allKeys.isEmpty)
                let other = try container.superDecoder(forKey: PlainKey(stringValue: "other"))
                #expect(try other.singleValueContainer().decode(Int.self) == 3)
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: PlainKey.self)
                _ = container.superEncoder()
                try 3.encode(to: container.superEncoder(forKey: PlainKey(stringValue: "other")))
            }
        }
        _ = try Binary.copy(Lonely())
    }

    @Test("keeps what was written to several open containers in turn")
    func interleaving() throws {
        let weave = Weave(odd: [1, 3, 5], even: [2, 4, 6], named: ["a": 1, "b": 2, "c": 3, "d": 4], tail: "end")
        try expectCopy(weave)
        try expectCopy([weave, weave])
        try expectCopy(["x": Box(value: weave), "y": Box(value: weave)])
    }

    @Test("keeps values that are wrapped in one another's single value")
    func singleValues() throws {
        enum Level: Int, Codable {
            case low = -4
            case high = 300
        }
        struct Name: RawRepresentable, Codable, Equatable {
            var rawValue: String
        }
        struct Layer<Value: Codable & Equatable>: Codable, Equatable {
            var value: Value

            init(_ value: Value) { self.value = value }

            init(from decoder: any Decoder) throws {
                value = try decoder.singleValueContainer().decode(Value.self)
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(value)
            }
        }
        try expectCopy([Level.low, .high])
        try expectCopy(Box(value: Level.high))
        try expectCopy([Name(rawValue: "n")])
        try expectCopy(Layer(Layer(Layer(Name(rawValue: "deep")))))
        try expectCopy(["k": Layer(Layer([Box(value: Layer(Int128.min))]))])
        try expectCopy(Layer(UInt128.max))
        try expectCopy(Layer<Int?>(nil))
        try expectCopy([Layer(Layer(["a": Layer(true)]))])
    }

    @Test("keeps a value that several types write into one container")
    func flattening() throws {
        struct Flat: Codable, Equatable {
            var first: Box<Int>
            var second: Named

            init(first: Int, second: String) {
                self.first = Box(value: first)
                self.second = Named(name: second)
            }

            init(from decoder: any Decoder) throws {
                second = try Named(from: decoder)
                first = try Box(from: decoder)
            }

            func encode(to encoder: any Encoder) throws {
                try first.encode(to: encoder)
                try second.encode(to: encoder)
            }
        }
        struct Named: Codable, Equatable {
            var name: String
        }
        try expectCopy([Flat(first: 1, second: "a"), Flat(first: 2, second: "b")])
    }
}
