// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct ErrorTests {
    @Test(
        "A4: a plain error, and one with a description that traps, names its item once and says its type",
        arguments: Kind.allCases)
    func plain(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ErrorScenes.plain(kind)
            ErrorScenes.trappingDescription(kind)
        }
    }

    @Test("A4: a Codable error comes back typed, to threads and to tasks", arguments: Kind.allCases)
    func codable(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ErrorScenes.codable(kind)
            await ErrorScenes.codableAsynchronously(kind)
        }
    }

    // A one-shot map's workers inherit the inputs: none is encoded or decoded.

    @Test("B1: an input that fails in encode(to:) costs its own item, which never runs", arguments: Kind.resident)
    func inputNotEncodable(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ErrorScenes.inputNotEncodable(kind) }
    }

    @Test("B3: an input that fails, exits or crashes when decoded costs its own item", arguments: Kind.resident)
    func inputNotDecodable(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ErrorScenes.inputNotDecodable(kind) }
    }

    @Test(
        "B4: a result that fails, exits or crashes in encode(to:), 20 times in a row, costs its own item",
        arguments: Kind.allCases)
    func encode(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ErrorScenes.encodeThrows(kind)
            ErrorScenes.encodeEnds(kind)
        }
    }

    @Test("B5: a result that throws when decoded costs its own item", arguments: Kind.allCases)
    func decodeThrows(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ErrorScenes.decodeThrows(kind) }
    }
}

private enum ErrorScenes {
    static func plain(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let deeds = (0..<20).map { (item: Int) -> Deed in
                item == 5 || item == 11 ? .throwPlain("no luck with \(item)") : .give(item)
            }
            let results = pool.mapResults(deeds)
            #expect(results.compactMap(\.value) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10] + Array(12..<20))
            for item in [5, 11] {
                #expect(results[item].failure?.code == .thrown)
                #expect(results[item].failure?.index == item)
                #expect(results[item].failure?.description == "item \(item) threw Plain: no luck with \(item)")
                #expect(results[item].failure?.thrown?.decode(as: Typed.self) == nil)
            }
            for _ in 0..<50 {
                #expect(failure { () throws(ForkPool.Failure) in try pool.map(deeds) }?.index == 5)
            }
        }
    }

    static func codable(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
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

    static func codableAsynchronously(_ kind: Kind) async {
        await Scene.survive(kind) { pool in
            let results = await pool.mapResults((0..<9).map { $0 == 4 ? .throwTyped($0) : .give($0) })
            #expect(results.compactMap(\.value) == [0, 1, 2, 3, 5, 6, 7, 8])
            #expect(results[4].failure?.thrown?.decode(as: Typed.self) == Typed(line: 4, words: ["a", "bé"]))
        }
    }

    static func trappingDescription(_ kind: Kind) {
        Scene.survive(kind) { pool throws in
            let results = pool.mapResults((0..<6).map { $0 % 2 == 1 ? .throwUnspeakable($0) : .give($0) })
            #expect(results.map(\.value) == [0, nil, 2, nil, 4, nil])
            for item in [1, 3, 5] {
                #expect(results[item].failure?.code == .thrown)
                #expect(results[item].failure?.message == "threw Unspeakable")
                #expect(results[item].failure?.thrown?.decode(as: Unspeakable.self)?.number == item)
            }
        }
    }

    private static func opens(_ pool: AnyPool<Opening>) throws {
        #expect(try pool.map((0..<3).map { Parcel(.fine, $0) }) == ["parcel 0", "parcel 1", "parcel 2"])
    }

    static func inputNotEncodable(_ kind: Kind) {
        Scene.survive(Opening(), kind, opens) { pool throws in
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
            // Lower items fail first.
            let earlier = [parcels[0], Parcel(.crashing, 1), parcels[3]]
            #expect(failure { () throws(ForkPool.Failure) in try pool.map(earlier) }?.index == 1)
            #expect(failure { () throws(ForkPool.Failure) in try pool(parcels[3]) }?.code == .notEncodable)
            #expect(failure(of: pool.submit(parcels[3]).wait)?.code == .notEncodable)
        }
    }

    static func inputNotDecodable(_ kind: Kind) {
        let damages: [(Parcel.Kind, ForkPool.Failure.Code)] = [
            (.unreadable, .notDecodable), (.exiting, .exited), (.crashing, .crashed),
        ]
        for (damage, code) in damages {
            Scene.survive(Opening(), kind, opens) { pool throws in
                let results = pool.mapResults((0..<12).map { Parcel($0 < 10 ? damage : .fine, $0) })
                #expect(results[..<10].allSatisfy { $0.failure?.code == code })
                #expect(results[..<10].map { $0.failure?.index } == Array(0..<10))
                #expect(results[10...].map(\.value) == ["parcel 10", "parcel 11"])
            }
        }
    }

    private static func works(_ pool: AnyPool<Moods>) throws {
        #expect(try pool.map((0..<3).map { MoodOrder(mood: .fine, number: $0) }).map(\.number) == [0, 1, 2])
    }

    static func encodeThrows(_ kind: Kind) {
        Scene.survive(Moods(), kind, workers: 1, works) { pool throws in
            // The first and the last result name their worker.
            let orders = (0..<24).map { number in
                (1...20).contains(number)
                    ? MoodOrder(mood: .throwing, number: number) : MoodOrder(mood: .fine, number: .max)
            }
            let results = pool.mapResults(orders)
            #expect(results[1...20].allSatisfy { $0.failure?.code == .notEncodable })
            #expect(results[1...20].map { $0.failure?.index } == Array(1...20))
            #expect(results[1].failure?.message == "has a result that cannot be encoded: BadMood()")
            let makers = results.compactMap { $0.value?.number }
            #expect(makers.count == 4)
            #expect(Set(makers).count == 1, "the worker was replaced")
        }
    }

    static func encodeEnds(_ kind: Kind) {
        for (mood, code) in [(Moody.Mood.exiting, ForkPool.Failure.Code.exited), (.crashing, .crashed)] {
            Scene.survive(Moods(), kind, works) { pool throws in
                let orders = (0..<24).map { MoodOrder(mood: $0 < 20 ? mood : .fine, number: $0) }
                let results = pool.mapResults(orders)
                #expect(results[..<20].allSatisfy { $0.failure?.code == code })
                #expect(results[..<20].map { $0.failure?.index } == Array(0..<20))
                #expect(results[20...].map { $0.value?.number } == [20, 21, 22, 23])
                #expect(results[3].failure?.exitStatus == (code == .exited ? 3 : nil))
            }
        }
    }

    static func decodeThrows(_ kind: Kind) {
        Scene.survive(Moods(), kind, works) { pool throws in
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
