// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Foundation

/// Types of the values that are encoded and then damaged.
indirect enum Nest: Codable {
    case leaf
    case node(Nest, label: String?)
}

final class Chain: Codable {
    let value: Int
    let next: Chain?

    init(_ value: Int, _ next: Chain?) {
        self.value = value
        self.next = next
    }
}

struct Record: Codable {
    enum Kind: String, Codable, CaseIterable {
        case plain
        case odd = "ödd"
    }

    struct Error: Swift.Error, Codable {
        var line: Int
        var words: [String]
    }

    var kind: Kind
    var name: String
    var flags: [Bool]
    var bytes: [UInt8]
    var numbers: [Double]
    var maybe: Int???
    var table: [String: [Int: String?]]
    var wide: UInt128
    var places: Set<Int16>
    var ratio: Float
    var chain: Chain?
}

/// Types of Foundation that the coder handles itself.
struct Parcel: Codable {
    var id: UUID
    var time: Date?
    var price: [Decimal?]
    var bytes: Data
    var list: [Data]
    var table: [String: Data]
}

/// A value with few valid bit patterns.
enum Colour: UInt8, Codable, CaseIterable {
    case red = 3
    case green = 77
    case blue = 200
}

/// Makes valid messages, and decodes bytes as each of their types.
enum Samples {
    private static let scalars: [Unicode.Scalar] = ["a", "b", "\0", "é", "\u{301}", "日", "👍", "\u{10FFFF}"]

    private static func text(_ dice: inout Dice) -> String {
        var text = ""
        for _ in 0..<dice.below(20) { text.unicodeScalars.append(scalars[dice.below(scalars.count)]) }
        return text
    }

    private static func list<T>(_ dice: inout Dice, _ element: (inout Dice) -> T) -> [T] {
        (0..<dice.below(6)).map { _ in element(&dice) }
    }

    private static func number(_ dice: inout Dice) -> Int { Int(truncatingIfNeeded: dice.edge()) }

    private static func nest(_ dice: inout Dice) -> Nest {
        (0..<dice.below(12)).reduce(.leaf) { nest, _ in .node(nest, label: dice.oneIn(2) ? nil : text(&dice)) }
    }

    private static func chain(_ dice: inout Dice) -> Chain? {
        (0..<dice.below(8)).reduce(nil) { next, value in Chain(value, next) }
    }

    private static func record(_ dice: inout Dice) -> Record {
        Record(
            kind: .allCases[dice.below(2)], name: text(&dice), flags: list(&dice) { $0.oneIn(2) },
            bytes: list(&dice) { UInt8(truncatingIfNeeded: $0.next()) },
            numbers: list(&dice) { Double(bitPattern: $0.next()) },
            maybe: [.none, .some(.none), .some(.some(.none)), number(&dice)][dice.below(4)],
            table: .init(list(&dice) { (text(&$0), [number(&$0): $0.oneIn(2) ? nil : text(&$0)]) }) { $1 },
            wide: UInt128(dice.next()) << 60, places: Set(list(&dice) { Int16(truncatingIfNeeded: $0.next()) }),
            ratio: Float(dice.below(1000)) / 8, chain: chain(&dice))
    }

    private static func data(_ dice: inout Dice) -> Data {
        let part = list(&dice) { UInt8(truncatingIfNeeded: $0.next()) }
        // From some size on, data is not copied before it is decoded.
        return (0..<(dice.oneIn(8) ? 2000 : 1)).reduce(into: Data()) { data, _ in data += part }
    }

    private static func parcel(_ dice: inout Dice) -> Parcel {
        let byte = UInt8(truncatingIfNeeded: dice.next())
        return Parcel(
            id: UUID(uuid: (byte, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, byte)),
            time: dice.oneIn(2) ? nil : Date(timeIntervalSinceReferenceDate: Double(number(&dice))),
            price: list(&dice) { $0.oneIn(2) ? nil : Decimal(number(&$0)) }, bytes: data(&dice),
            list: list(&dice, data),
            table: .init(list(&dice) { (text(&$0), data(&$0)) }) { $1 })
    }

    /// The number of types.
    static let kinds = 17

    /// Encodes a random value of a type.
    static func bytes(_ kind: Int, _ dice: inout Dice) throws -> [UInt8] {
        switch kind {
        case 0: try WireProbe.encode(nest(&dice))
        case 1: try WireProbe.encode(chain(&dice))
        case 2: try WireProbe.encode(record(&dice))
        case 3: try WireProbe.encode(list(&dice) { record(&$0) })
        case 4: try WireProbe.encode(text(&dice))
        case 5: try WireProbe.encode(list(&dice) { text(&$0) })
        case 6: try WireProbe.encode(list(&dice) { Colour.allCases[$0.below(3)] })
        case 7: try WireProbe.encode(list(&dice) { $0.oneIn(2) })
        case 8: try WireProbe.encode(list(&dice) { $0.next() })
        case 9: try WireProbe.encode(["a": list(&dice) { text(&$0) }, "b": []])
        case 10: try WireProbe.encode([1: nest(&dice), 2: .leaf])
        case 11: try WireProbe.encode(number(&dice))
        case 12: try WireProbe.encode(list(&dice) { $0.oneIn(2) ? nil : number(&$0) })
        case 13: try WireProbe.encode(parcel(&dice))
        case 14: try WireProbe.encode(data(&dice))
        case 15: try WireProbe.encode(Decimal(number(&dice)))
        default:
            try WireProbe.report(
                Record.Error(line: number(&dice), words: list(&dice) { text(&$0) }), item: 0, previous: 0)
        }
    }

    /// Decodes bytes as a type; returns whether they are one.
    static func decode(_ kind: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        func attempt<T: Decodable>(_ type: T.Type) -> Bool {
            do {
                _ = unsafe try WireProbe.decode(type, from: bytes)
                return true
            } catch {
                // The parent describes a value too.
                return String(describing: error).isEmpty
            }
        }
        return switch kind {
        case 0: attempt(Nest.self)
        case 1: attempt(Chain?.self)
        case 2: attempt(Record.self)
        case 3: attempt([Record].self)
        case 4: attempt(String.self)
        case 5: attempt([String].self)
        case 6: attempt([Colour].self)
        case 7: attempt([Bool].self)
        case 8: attempt([UInt64].self)
        case 9: attempt([String: [String]].self)
        case 10: attempt([Int: Nest].self)
        case 11: attempt(Int.self)
        case 12: attempt([Int?].self)
        case 13: attempt(Parcel.self)
        case 14: attempt(Data.self)
        case 15: attempt(Decimal.self)
        default: unsafe (try? WireProbe.report(from: bytes)) != nil
        }
    }
}
