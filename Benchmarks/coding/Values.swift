// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A row of a table: strings and numbers.
struct Line: Codable, Sendable {
    var id: Int
    var name: String
    var city: String
    var score: Double
    var visits: Int32
    var isActive: Bool
    var note: String?

    init(_ number: Int) {
        id = number
        name = "customer number \(number)"
        city = "city \(number % 100)"
        score = Double(number) / 7
        visits = Int32(truncatingIfNeeded: number)
        isActive = number % 3 == 0
        note = number % 4 == 0 ? "called twice" : nil
    }
}

/// A struct of eight fields of different types.
struct Record: Codable, Sendable {
    var id: Int
    var name: String
    var score: Double
    var tags: [String]
    var rank: Int?
    var isActive: Bool
    var note: String?
    var values: [Double]

    init(_ number: Int) {
        id = number
        name = "customer number \(number)"
        score = Double(number) / 7
        tags = ["red", "green", "tag \(number % 10)"]
        rank = number % 3 == 0 ? nil : number
        isActive = number % 2 == 0
        note = number % 4 == 0 ? nil : "called twice"
        values = [1, 2, Double(number)]
    }
}

/// A row with a string, which makes its array none of bit patterns.
struct Holder<Value: Codable & Sendable>: Codable, Sendable {
    var name = "name"
    var value: Value
}

/// A row whose fields are types of Foundation.
struct Order: Codable, Sendable {
    var id: UUID
    var time: Date
    var page: URL
    var price: Decimal
    var receipt: Data

    init(_ number: Int) {
        id = Self.uuid(number)
        time = Self.date(number)
        page = Self.url(number)
        price = Self.decimal(number)
        receipt = Data(repeating: UInt8(truncatingIfNeeded: number), count: 100)
    }

    static func uuid(_ number: Int) -> UUID {
        UUID(uuidString: String(format: "%08X-1234-4567-89AB-%012lX", number, number * 0x9E37_79B9 % 0xFFFF_FFFF))!
    }

    static func date(_ number: Int) -> Date { Date(timeIntervalSinceReferenceDate: Double(number) * 1.5) }

    static func url(_ number: Int) -> URL { URL(string: "https://example.org/orders/\(number)?page=\(number % 9)")! }

    static func decimal(_ number: Int) -> Decimal { Decimal(number) / 100 }
}
