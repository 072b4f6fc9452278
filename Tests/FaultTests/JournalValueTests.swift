// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Results of every kind go into a journal and come back.
@Suite("What journals keep") struct JournalValueTests {
    private struct Record: Codable, Equatable {
        var name: String
        var values: [Double]
        var tags: [String: [Int]]
        var next: [Record]
    }

    /// Runs a map twice, the second time beside the results of the first one, and checks that no body runs then.
    private static func twice<T>(
        _ name: String, _ scene: JournalScene, _ map: (String, SharedCounter) throws -> T, _ isRight: (T) -> Bool
    ) throws {
        let runs = SharedCounter()
        // What the first map returned may keep its memory, and does not keep the file.
        let first = try map(scene.folder + "/" + name, runs)
        let count = runs.value
        #expect(count > 0 && isRight(first), "\(name)")
        let second = try map(scene.folder + "/" + name, runs)
        #expect(runs.value == count && isRight(second), "\(name)")
        extendLifetime(first)
    }

    @Test("bits, codes, effects and slots")
    func everyKind() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                try JournalValueTests.keepsBits(scene)
                try JournalValueTests.keepsCodes(scene)
                try JournalValueTests.keepsSlots(scene)
            }
        }
    }

    private static func keepsBits(_ scene: JournalScene) throws {
        let pool = ForkPool(workers: 2)
        try twice("bits", scene) { (path: String, runs: SharedCounter) throws -> [(UInt8, Double)] in
            try pool.map(0..<5, journal: path) { (item: Int) -> (UInt8, Double) in
                runs.add()
                return (UInt8(item), Double(item))
            }
        } _: { (pairs: [(UInt8, Double)]) -> Bool in
            pairs.map(\.0) == [0, 1, 2, 3, 4] && pairs.map(\.1) == [0, 1, 2, 3, 4]
        }
        try twice("many", scene) { (path: String, runs: SharedCounter) throws -> [Int] in
            try pool.map(0..<100_000, journal: path) { (item: Int) -> Int in
                if item == 50_000 { runs.add() }
                return item
            }
        } _: { (items: [Int]) -> Bool in
            items == Array(0..<100_000)
        }
        try twice("effects", scene) { (path: String, runs: SharedCounter) throws in
            try pool.forEach(0..<3, journal: path) { _ in runs.add() }
        } _: {
            true
        }
    }

    private static func keepsCodes(_ scene: JournalScene) throws {
        let pool = ForkPool(workers: 2)
        let record = Record(name: "Zoë 👩‍👩‍👧", values: [.pi, -0.0, .infinity], tags: ["a": [], "b": [1, 2]], next: [])
        try twice("structs", scene) { (path: String, runs: SharedCounter) throws -> [Record] in
            try pool.map(0..<40, journal: path) { (item: Int) -> Record in
                runs.add()
                return Record(name: "\(item)", values: [Double](repeating: 0.5, count: item), tags: [:], next: [record])
            }
        } _: { (records: [Record]) -> Bool in
            records.enumerated().allSatisfy { item, found in
                found.name == "\(item)" && found.values.count == item && found.next == [record]
            }
        }
        let large = (0..<4).map { [UInt8](repeating: UInt8($0), count: $0 * 700_000) }
        try twice("large", scene) { (path: String, runs: SharedCounter) throws -> [[UInt8]] in
            let results = pool.mapResults(0..<4, journal: path) { (item: Int) -> [UInt8] in
                runs.add()
                return large[item]
            }
            return try results.map { try $0.get() }
        } _: { (results: [[UInt8]]) -> Bool in
            results == large
        }
        try twice("optionals", scene) { (path: String, runs: SharedCounter) throws -> [String?] in
            try pool.map(0..<3, journal: path) { (item: Int) -> String? in
                runs.add()
                return item == 1 ? nil : "\(item)"
            }
        } _: { (results: [String?]) -> Bool in
            results == ["0", nil, "2"]
        }
    }

    private static func keepsSlots(_ scene: JournalScene) throws {
        let pool = ForkPool(workers: 2)
        try twice("slots", scene) { (path: String, runs: SharedCounter) throws -> SharedArray<Int> in
            try pool.fill(count: 3, slot: 2, of: Int.self, journal: path) { slot, out in
                runs.add()
                out[0] = slot
                out[1] = -slot
            }
        } _: { (slots: SharedArray<Int>) -> Bool in
            Array(slots) == [0, 0, 1, -1, 2, -2]
        }
        try twice("pages", scene) { (path: String, runs: SharedCounter) throws -> [UInt8] in
            try pool.fill(count: 3, slot: 300_000, of: UInt8.self, journal: path) { slot, out in
                runs.add()
                out.update(repeating: UInt8(slot + 1))
            } read: { span in
                [0, 299_999, 300_000, 899_999].map { span[$0] }
            }
        } _: { (bytes: [UInt8]) -> Bool in
            bytes == [1, 1, 2, 3]
        }
    }

    @Test("async code and resident pools", arguments: Kind.resident)
    func asynchronously(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            Scene.setDeadline()
            let scene = JournalScene()
            do {
                let pool = ForkPool(workers: 2)
                let words = try kind.start(JournalWordJob(folder: scene.folder))
                for _ in 0..<2 {
                    #expect(try await pool.map(0..<5, journal: scene.folder + "/a") { Double($0) } == [0, 1, 2, 3, 4])
                    let texts = await pool.mapResults(0..<5, journal: scene.folder + "/b") { "\($0)" }
                    #expect(texts.map(\.value) == ["0", "1", "2", "3", "4"])
                    try await pool.forEach(0..<5, journal: scene.folder + "/c") { _ in }
                    let slots = try await pool.fill(count: 2, slot: 2, of: Int.self, journal: scene.folder + "/d") {
                        slot, out in
                        out[0] = 0
                        out[1] = slot
                    }
                    #expect(Array(slots) == [0, 0, 0, 1])
                    #expect(
                        try await words.map(0..<JournalScene.count, journal: scene.path)
                            == (0..<JournalScene.count).map(JournalWordJob.result))
                    let outcomes = await words.resident.mapResults(0..<JournalScene.count, journal: scene.path)
                    #expect(outcomes.compactMap(\.value).count == JournalScene.count)
                    try await words.resident.forEach(0..<JournalScene.count, journal: scene.path)
                    #expect(scene.runs == Array(repeating: 1, count: JournalScene.count))
                }
                await words.finish()
            } catch { Issue.record(error) }
            scene.remove()
        }
    }

    @Test("a result that cannot be decoded fails each time, until the journal has another key")
    func notDecodable() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                for _ in 0..<2 {
                    let failure = failure { () throws(ForkPool.Failure) in
                        try ForkPool(workers: 1).map(0..<2, journal: scene.path) { Deceiving(number: $0) }
                    }
                    #expect(failure?.code == .notDecodable && failure?.index == 1)
                }
                let merged = FaultTests.failure { () throws(ForkPool.Failure) in
                    try ForkPool.merge(journals: [scene.path], as: Deceiving.self)
                }
                #expect(merged?.code == .notDecodable && merged?.index == 1)
            }
        }
    }
}

/// Is encoded, and for some numbers not decoded.
private struct Deceiving: Codable {
    let number: Int
    let text: String

    init(number: Int) {
        self.number = number
        text = "\(number)"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        number = try container.decode(Int.self, forKey: .number)
        text = try container.decode(String.self, forKey: .text)
        if number == 1 { throw JournalScene.Refused() }
    }
}
