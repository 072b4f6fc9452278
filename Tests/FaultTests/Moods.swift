// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

struct Plain: Error, CustomStringConvertible {
    let description: String
}

struct Typed: Error, Codable, Equatable {
    let line: Int
    let words: [String]
}

struct Unspeakable: Error, Codable, CustomStringConvertible {
    let number: Int

    var description: String { fatalError("no words") }
}

/// An error with an endless description.
struct Endless: Error, Codable, CustomStringConvertible {
    var description: String {
        while opaque(true) {}
        return ""
    }
}

/// A result that behaves in `encode(to:)` and `init(from:)` as a test asks.
struct Moody: Codable, Equatable {
    enum Mood: Int, Codable {
        case fine
        case throwing
        case exiting
        case crashing
        case undecodable
    }

    struct BadMood: Error {}

    let mood: Mood
    let number: Int
    /// Keeps it from being a bit pattern, which would never be coded.
    var text = ""

    private enum CodingKeys: CodingKey {
        case mood
        case number
    }

    init(_ mood: Mood, _ number: Int) {
        self.mood = mood
        self.number = number
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        mood = try container.decode(Mood.self, forKey: .mood)
        number = try container.decode(Int.self, forKey: .number)
        if mood == .undecodable { throw BadMood() }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mood, forKey: .mood)
        switch mood {
        case .throwing: throw BadMood()
        case .exiting: exit(3)
        case .crashing: abort()
        case .fine, .undecodable: try container.encode(number, forKey: .number)
        }
    }
}

/// An input that behaves in `encode(to:)` and `init(from:)` as a test asks.
struct Parcel: Codable, Sendable {
    enum Kind: Int, Codable {
        case fine
        case unsendable
        case unreadable
        case exiting
        case crashing
    }

    struct Damage: Error {}

    let kind: Kind
    let number: Int
    /// Keeps it from being a bit pattern.
    let label: String

    init(_ kind: Kind, _ number: Int) {
        self.kind = kind
        self.number = number
        label = "parcel \(number)"
    }

    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        kind = try container.decode(Kind.self)
        number = try container.decode(Int.self)
        label = try container.decode(String.self)
        switch kind {
        case .unreadable: throw Damage()
        case .exiting: exit(3)
        case .crashing: abort()
        case .fine, .unsendable: break
        }
    }

    func encode(to encoder: any Encoder) throws {
        if kind == .unsendable { throw Damage() }
        var container = encoder.unkeyedContainer()
        try container.encode(kind)
        try container.encode(number)
        try container.encode(label)
    }
}

/// Opens a parcel.
struct Opening: PlainJob {
    typealias Input = Parcel
    typealias Output = String

    func act(_ parcel: Parcel) throws -> String { parcel.label }
}

/// The order for a moody result.
struct MoodOrder: Codable, Sendable {
    let mood: Moody.Mood
    let number: Int
}

/// Makes moody results, which name the process that made them.
struct Moods: PlainJob {
    typealias Input = MoodOrder
    typealias Output = Moody

    func act(_ order: MoodOrder) throws -> Moody {
        order.number == .max ? Moody(order.mood, Int(getpid())) : Moody(order.mood, order.number)
    }
}
