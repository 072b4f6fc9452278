import ForkPool
import Glibc
import Testing

@Suite struct ResidentErrorTests {
    @Test(
        "A4: a resident body's plain error names its item once, and says its type and description",
        arguments: Way.allCases)
    func plain(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.plain(way) }
    }

    @Test("A4: a resident body's Codable error comes back typed", arguments: Way.allCases)
    func codable(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.codable(way) }
        await #expect(processExitsWith: .success) { [way] in await ResidentErrorScenes.codableAsynchronously(way) }
    }

    @Test("A4: an error whose own description traps in a resident worker is still that error", arguments: Way.allCases)
    func trappingDescription(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.trappingDescription(way) }
    }

    @Test("B1: an input that fails in encode(to:) costs its own item, which never runs", arguments: Way.allCases)
    func inputNotEncodable(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.inputNotEncodable(way) }
    }

    @Test("B3: an input that fails, exits or crashes when decoded costs its own item", arguments: Way.allCases)
    func inputNotDecodable(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.inputNotDecodable(way) }
    }

    @Test(
        "B4: a result that fails in encode(to:), 20 times in a row, loses no resident worker", arguments: Way.allCases)
    func encodeThrows(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.encodeThrows(way) }
    }

    @Test(
        "B4: a result that exits or crashes in encode(to:), 20 times in a row, costs its own item",
        arguments: Way.allCases)
    func encodeEnds(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.encodeEnds(way) }
    }

    @Test("B5: a resident worker's result that throws when decoded costs its own item", arguments: Way.allCases)
    func decodeThrows(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentErrorScenes.decodeThrows(way) }
    }
}

/// An input that does in `encode(to:)` and `init(from:)` what a test asks for.
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

/// What a moody result is to be made of.
struct MoodOrder: Codable, Sendable {
    let mood: Moody.Mood
    let number: Int
}

/// Makes results that do in `encode(to:)` and `init(from:)` what is asked for, and say who made them.
struct Moods: PlainJob {
    typealias Input = MoodOrder
    typealias Output = Moody

    func act(_ order: MoodOrder) throws -> Moody {
        order.number == .max ? Moody(order.mood, Int(getpid())) : Moody(order.mood, order.number)
    }
}

private enum ResidentErrorScenes {
    static func plain(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let deeds = (0..<20).map { (item: Int) -> Deed in
                item == 5 || item == 11 ? .throwPlain("no luck with \(item)") : .give(item)
            }
            let results = pool.mapResults(deeds)
            #expect(results.compactMap(\.value) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10] + Array(12..<20))
            #expect(results[5].failure?.code == .thrown)
            #expect(results[5].failure?.index == 5)
            #expect(results[5].failure?.description == "item 5 threw Plain: no luck with 5")
            #expect(results[5].failure?.thrown?.decode(as: Typed.self) == nil)
            #expect(results[11].failure?.description == "item 11 threw Plain: no luck with 11")
            for _ in 0..<50 {
                #expect(failure { () throws(ForkPool.Failure) in try pool.map(deeds) }?.index == 5)
            }
        }
    }

    static func codable(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let thrown = failure { () throws(ForkPool.Failure) in
                try pool.map((0..<9).map { $0 >= 4 ? .throwTyped($0) : .give($0) })
            }
            #expect(thrown?.index == 4)
            #expect(thrown?.code == .thrown)
            #expect(thrown?.thrown?.decode(as: Typed.self) == Typed(line: 4, words: ["a", "bé"]))
            #expect(thrown?.thrown?.decode(as: Unspeakable.self) == nil)
            let called = failure { () throws(ForkPool.Failure) in try pool(.throwTyped(77)) }
            #expect(called?.index == 0)
            #expect(called?.thrown?.decode(as: Typed.self)?.line == 77)
        }
    }

    static func codableAsynchronously(_ way: Way) async {
        await ResidentScene.survive(way) { pool in
            let results = await pool.mapResults((0..<9).map { $0 == 4 ? .throwTyped($0) : .give($0) })
            #expect(results.compactMap(\.value) == [0, 1, 2, 3, 5, 6, 7, 8])
            #expect(results[4].failure?.thrown?.decode(as: Typed.self) == Typed(line: 4, words: ["a", "bé"]))
        }
    }

    static func trappingDescription(_ way: Way) {
        ResidentScene.survive(way) { pool throws in
            let results = pool.mapResults((0..<6).map { $0 % 2 == 1 ? .throwUnspeakable($0) : .give($0) })
            #expect(results.map(\.value) == [0, nil, 2, nil, 4, nil])
            for item in [1, 3, 5] {
                #expect(results[item].failure?.code == .thrown)
                #expect(results[item].failure?.message == "threw Unspeakable")
                #expect(results[item].failure?.thrown?.decode(as: Unspeakable.self)?.number == item)
            }
        }
    }

    private static func opens(_ pool: ForkPool.Resident<Parcel, String>) throws(ForkPool.Failure) {
        #expect(try pool.map((0..<3).map { Parcel(.fine, $0) }) == ["parcel 0", "parcel 1", "parcel 2"])
    }

    static func inputNotEncodable(_ way: Way) {
        ResidentScene.survive(Opening(), way, opens) { pool throws in
            let parcels = (0..<20).map { Parcel($0 % 4 == 3 ? .unsendable : .fine, $0) }
            let results = pool.mapResults(parcels)
            for item in 0..<20 where item % 4 != 3 { #expect(results[item].value == "parcel \(item)") }
            for item in stride(from: 3, to: 20, by: 4) {
                #expect(results[item].failure?.code == .notEncodable)
                #expect(results[item].failure?.index == item)
                #expect(results[item].failure?.bodyRan == .no)
                #expect(results[item].failure?.message == "has an input that cannot be encoded: Damage()")
            }
            #expect(failure { () throws(ForkPool.Failure) in try pool.map(parcels) }?.index == 3)
            #expect(failure { () throws(ForkPool.Failure) in try pool.map(parcels[3...]) }?.index == 0)
            // What runs below fails first.
            let earlier = [parcels[0], Parcel(.crashing, 1), parcels[3]]
            #expect(failure { () throws(ForkPool.Failure) in try pool.map(earlier) }?.index == 1)
            #expect(failure { () throws(ForkPool.Failure) in try pool(parcels[3]) }?.code == .notEncodable)
            #expect(failure(of: pool.submit(parcels[3]).wait)?.code == .notEncodable)
        }
    }

    static func inputNotDecodable(_ way: Way) {
        let kinds: [(Parcel.Kind, ForkPool.Failure.Code)] = [
            (.unreadable, .notDecodable), (.exiting, .exited), (.crashing, .crashed),
        ]
        for (kind, code) in kinds {
            ResidentScene.survive(Opening(), way, opens) { pool throws in
                let results = pool.mapResults((0..<12).map { Parcel($0 < 10 ? kind : .fine, $0) })
                #expect(results[..<10].allSatisfy { $0.failure?.code == code })
                #expect(results[..<10].map { $0.failure?.index } == Array(0..<10))
                #expect(results[10...].map(\.value) == ["parcel 10", "parcel 11"])
            }
        }
    }

    private static func works(_ pool: ForkPool.Resident<MoodOrder, Moody>) throws(ForkPool.Failure) {
        #expect(try pool.map((0..<3).map { MoodOrder(mood: .fine, number: $0) }).map(\.number) == [0, 1, 2])
    }

    private static func moods(_ mood: Moody.Mood) -> [MoodOrder] {
        (0..<24).map { MoodOrder(mood: $0 < 20 ? mood : .fine, number: $0) }
    }

    private static func pids(_ pool: ForkPool.Resident<MoodOrder, Moody>) throws(ForkPool.Failure) -> Set<Int> {
        Set(try pool.map((0..<100).map { _ in MoodOrder(mood: .fine, number: .max) }).map(\.number))
    }

    static func encodeThrows(_ way: Way) {
        ResidentScene.survive(Moods(), way, workers: 1, works) { pool throws in
            let before = try pids(pool)
            let results = pool.mapResults(moods(.throwing))
            #expect(results[..<20].allSatisfy { $0.failure?.code == .notEncodable })
            #expect(results[..<20].map { $0.failure?.index } == Array(0..<20))
            #expect(results[0].failure?.message == "has a result that cannot be encoded: BadMood()")
            #expect(results[20...].map { $0.value?.number } == [20, 21, 22, 23])
            #expect(try pids(pool) == before, "the worker was replaced")
        }
    }

    static func encodeEnds(_ way: Way) {
        for (mood, code) in [(Moody.Mood.exiting, ForkPool.Failure.Code.exited), (.crashing, .crashed)] {
            ResidentScene.survive(Moods(), way, works) { pool throws in
                let results = pool.mapResults(moods(mood))
                #expect(results[..<20].allSatisfy { $0.failure?.code == code })
                #expect(results[..<20].map { $0.failure?.index } == Array(0..<20))
                #expect(results[20...].map { $0.value?.number } == [20, 21, 22, 23])
                #expect(results[3].failure?.exitStatus == (code == .exited ? 3 : nil))
            }
        }
    }

    static func decodeThrows(_ way: Way) {
        ResidentScene.survive(Moods(), way, works) { pool throws in
            let orders = (0..<6).map { MoodOrder(mood: $0 == 2 ? .undecodable : .fine, number: $0) }
            let results = pool.mapResults(orders)
            #expect(results.map { $0.value?.number } == [0, 1, nil, 3, 4, 5])
            #expect(results[2].failure?.code == .notDecodable)
            #expect(results[2].failure?.index == 2)
            #expect(results[2].failure?.bodyRan == .yes)
            let thrown = failure { () throws(ForkPool.Failure) in try pool.map(orders) }
            #expect(thrown?.code == .notDecodable)
            #expect(thrown?.index == 2)
        }
    }
}
