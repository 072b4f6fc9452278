import ForkPool
import Glibc
import Testing

@Suite struct ErrorTests {
    @Test("A4: a plain error names its item once, and says its type and description")
    func plain() async {
        await #expect(processExitsWith: .success) { ErrorScenes.plain() }
    }

    @Test("A4: a Codable error comes back typed")
    func codable() async {
        await #expect(processExitsWith: .success) { ErrorScenes.codable() }
    }

    @Test("A4: a Codable error comes back typed in asynchronous code")
    func codableAsynchronously() async {
        await #expect(processExitsWith: .success) { await ErrorScenes.codableAsynchronously() }
    }

    @Test("A4: an error whose own description traps is still that error")
    func trappingDescription() async {
        await #expect(processExitsWith: .success) { ErrorScenes.trappingDescription() }
    }

    @Test("B4: a result that fails in encode(to:), 20 times in a row, loses no worker")
    func encodeThrows() async {
        await #expect(processExitsWith: .success) { ErrorScenes.encodeThrows() }
    }

    @Test("B4: a result that exits or crashes in encode(to:), 20 times in a row, costs its own item")
    func encodeEnds() async {
        await #expect(processExitsWith: .success) { ErrorScenes.encodeEnds() }
    }

    @Test("B5: a result that throws when decoded costs its own item")
    func decodeThrows() async {
        await #expect(processExitsWith: .success) { ErrorScenes.decodeThrows() }
    }
}

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

/// An error that never comes to the end of what it says of itself.
struct Endless: Error, Codable, CustomStringConvertible {
    var description: String {
        while opaque(true) {}
        return ""
    }
}

/// A result that does in `encode(to:)` and `init(from:)` what a test asks for.
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

private enum ErrorScenes {
    static func plain() {
        Scene.survive { pool throws in
            let body: (Int) throws -> Int = { item in
                if item == 5 || item == 11 { throw Plain(description: "no luck with \(item)") }
                return item
            }
            let results = pool.mapResults(0..<20, body)
            #expect(results.compactMap(\.value) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10] + Array(12..<20))
            #expect(results[5].failure?.code == .thrown)
            #expect(results[5].failure?.index == 5)
            #expect(results[5].failure?.description == "item 5 threw Plain: no luck with 5")
            #expect(results[5].failure?.thrown?.decode(as: Typed.self) == nil)
            #expect(results[11].failure?.description == "item 11 threw Plain: no luck with 11")
            #expect(failure { () throws(ForkPool.Failure) in try pool.map(0..<20, body) }?.index == 5)
        }
    }

    static func codable() {
        Scene.survive { pool throws in
            let thrown = failure { () throws(ForkPool.Failure) in
                try pool.map(0..<9) { item in
                    if item >= 4 { throw Typed(line: item, words: ["a", "bé"]) }
                    return "value"
                }
            }
            #expect(thrown?.index == 4)
            #expect(thrown?.code == .thrown)
            #expect(thrown?.thrown?.decode(as: Typed.self) == Typed(line: 4, words: ["a", "bé"]))
            #expect(thrown?.thrown?.decode(as: Unspeakable.self) == nil)
        }
    }

    static func codableAsynchronously() async {
        await Scene.survive { pool in
            let results = await pool.mapResults(0..<9) { item in
                if item == 4 { throw Typed(line: item, words: ["a", "bé"]) }
                return item
            }
            #expect(results.compactMap(\.value) == [0, 1, 2, 3, 5, 6, 7, 8])
            #expect(results[4].failure?.thrown?.decode(as: Typed.self) == Typed(line: 4, words: ["a", "bé"]))
        }
    }

    static func trappingDescription() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<6) { item in
                if item % 2 == 1 { throw Unspeakable(number: item) }
                return item
            }
            #expect(results.map(\.value) == [0, nil, 2, nil, 4, nil])
            for item in [1, 3, 5] {
                #expect(results[item].failure?.code == .thrown)
                #expect(results[item].failure?.message == "threw Unspeakable")
                #expect(results[item].failure?.thrown?.decode(as: Unspeakable.self)?.number == item)
            }
        }
    }

    static func encodeThrows() {
        Scene.survive { pool throws in
            let pids = SharedArray<Int32>(count: 24)
            let results = pool.mapResults(0..<24) { item in
                pids[item] = getpid()
                return Moody(item < 20 ? .throwing : .fine, item)
            }
            #expect(results[..<20].allSatisfy { $0.failure?.code == .notEncodable })
            #expect(results[..<20].map { $0.failure?.index } == Array(0..<20))
            #expect(results[0].failure?.message == "has a result that cannot be encoded: BadMood()")
            #expect(results[20...].map { $0.value?.number } == [20, 21, 22, 23])
            #expect(Set(pids).count <= 2, "a worker was replaced")
        }
    }

    static func encodeEnds() {
        for (mood, code) in [(Moody.Mood.exiting, ForkPool.Failure.Code.exited), (.crashing, .crashed)] {
            Scene.survive { pool throws in
                let results = pool.mapResults(0..<24) { item in Moody(item < 20 ? mood : .fine, item) }
                #expect(results[..<20].allSatisfy { $0.failure?.code == code })
                #expect(results[..<20].map { $0.failure?.index } == Array(0..<20))
                #expect(results[20...].map { $0.value?.number } == [20, 21, 22, 23])
                #expect(results[3].failure?.exitStatus == (code == .exited ? 3 : nil))
            }
        }
    }

    static func decodeThrows() {
        Scene.survive { pool throws in
            let results = pool.mapResults(0..<6) { item in Moody(item == 2 ? .undecodable : .fine, item) }
            #expect(results.map { $0.value?.number } == [0, 1, nil, 3, 4, 5])
            #expect(results[2].failure?.code == .notDecodable)
            #expect(results[2].failure?.index == 2)
            #expect(results[2].failure?.bodyRan == .yes)
            let thrown = failure { () throws(ForkPool.Failure) in
                try pool.map(0..<6) { item in Moody(item >= 2 ? .undecodable : .fine, item) }
            }
            #expect(thrown?.code == .notDecodable)
            #expect(thrown?.index == 2)
        }
    }
}
