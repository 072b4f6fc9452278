// SPDX-License-Identifier: Apache-2.0
import ForkPool

/// The results that are coded: the same values in every language.
enum Values {
    /// A string of 105 bytes.
    static func text(_ item: Int) -> String {
        "\(1_000_000_000 + item)\(Self.words)"
    }

    private static let words =
        " is the number of this line, which says nothing else and goes on until it has all of its bytes."

    /// The names of the entries of a dictionary.
    private static let names = (0..<100).map { "entry \($0)" }

    /// A dictionary of 100 entries.
    static func entries(_ item: Int) -> [String: Int] {
        var entries: [String: Int] = Dictionary(minimumCapacity: names.count)
        for (number, name) in names.enumerated() { entries[name] = item + number }
        return entries
    }

    /// A struct of eight fields.
    struct Record: Codable, Equatable, Sendable {
        var id: Int
        var name: String
        var score: Double
        var tags: [String]
        var parent: Int?
        var isActive: Bool
        var note: String?
        var samples: [Double]

        init(_ item: Int) {
            id = item
            name = "record \(item)"
            score = Double(item) / 4
            tags = ["red", "green", "blue"]
            parent = item % 3 == 0 ? nil : item - 1
            isActive = item % 2 == 0
            note = item % 4 == 0 ? "called twice" : nil
            samples = [Double(item), Double(item) + 0.5, Double(item) * 2]
        }
    }
}

extension Work {
    struct Text: ForkPool.Job {
        func run(_ item: Int) -> String { Values.text(item) }
    }

    struct Entries: ForkPool.Job {
        func run(_ item: Int) -> [String: Int] { Values.entries(item) }
    }

    struct Records: ForkPool.Job {
        func run(_ item: Int) -> Values.Record { Values.Record(item) }
    }
}

/// The rows whose results are coded.
struct Coded {
    private let pool = ForkPool(workers: 2)

    /// The first map of a pool that is made for it.
    func oneShot(_ name: String, _ count: Int) throws -> Row? {
        switch name {
        case "strings": try timed(isEach(Values.text)) { try pool.map(0..<count, Values.text) }
        case "dictionaries": try timed(isEach(Values.entries)) { try pool.map(0..<count, Values.entries) }
        case "structs": try timed(isEach(Values.Record.init)) { try pool.map(0..<count) { Values.Record($0) } }
        default: nil
        }
    }

    /// The map of a pool with its start and close, and the second map of one that runs.
    func resident(_ name: String, _ count: Int, _ start: ForkPool.Start) throws -> Row? {
        let isExec = start == .exec
        return switch name {
        case "strings":
            try coldAndWarm(isEach(Values.text), { try $0.map(0..<count) }) {
                isExec ? try pool.resident(Work.Text(), start: .exec) : try pool.resident(Work.Text().run)
            }
        case "dictionaries":
            try coldAndWarm(isEach(Values.entries), { try $0.map(0..<count) }) {
                isExec ? try pool.resident(Work.Entries(), start: .exec) : try pool.resident(Work.Entries().run)
            }
        case "structs":
            try coldAndWarm(isEach(Values.Record.init), { try $0.map(0..<count) }) {
                isExec ? try pool.resident(Work.Records(), start: .exec) : try pool.resident(Work.Records().run)
            }
        default: nil
        }
    }

    private func isEach<R: Equatable>(_ value: @escaping (Int) -> R) -> ([R]) -> Bool {
        { results in results.indices.allSatisfy { results[$0] == value($0) } }
    }
}
