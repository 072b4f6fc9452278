// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

@Suite("Maps of shards") struct ShardMapTests {
    /// What a merge that must fail says.
    private static func refusal<R: Codable>(_ paths: [String], _ type: R.Type) -> String {
        failure { () throws(ForkPool.Failure) in try ForkPool.merge(journals: paths, as: type) }?.message ?? ""
    }

    @Test("put together they are the whole; one that is missing is named")
    func merge() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in try ShardMapTests.merge(scene) }
        }
    }

    private static func merge(_ scene: JournalScene) throws {
        let words = (0..<10).map { "item \($0)" }
        let paths = (0..<3).map { "\(scene.folder)/\($0).part" }
        for index in 0..<3 {
            let shard = ForkPool.Shard(index: index, count: 3)
            let part = try ForkPool(workers: 2).map(0..<10, shard: shard, journal: scene.folder + "/{shard}.part") {
                item in
                words[item]
            }
            #expect(part == Array(words[shard.range(of: 10)]))
        }
        #expect(try ForkPool.merge(journals: paths, as: String.self) == words)
        #expect(try ForkPool.merge(journals: paths + paths, as: String.self) == words)
        #expect(refusal([paths[0], paths[2]], String.self).contains("3 of 10 items: 4..<7;"))
        #expect(refusal(paths, Int.self).contains("results of another type"))
        #expect(refusal([], String.self).contains("no path of a journal was given"))
        #expect(refusal([scene.folder + "/none"], String.self).contains("run its shard first"))
        // A shard of another number of items.
        _ = try ForkPool(workers: 1).map(0..<11, journal: scene.path) { item in "item \(item)" }
        #expect(refusal(paths + [scene.path], String.self).contains("has 11 items and not 10"))
    }

    @Test("two results of one item are the same by their bytes or by their value, or the merge fails and names it")
    func overlaps() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in try ShardMapTests.mergeOverlaps(scene) }
        }
    }

    private static func mergeOverlaps(_ scene: JournalScene) throws {
        let (pool, old, new) = (ForkPool(workers: 2), scene.folder + "/old", scene.folder + "/new")
        let (half, third) = (ForkPool.Shard(index: 0, count: 2), ForkPool.Shard(index: 1, count: 3))
        // The items 0 to 5 and 4 to 7 of 12.
        func merged<R: Codable>(_ type: R.Type) -> String {
            refusal([old, new], type)
        }
        func forget() { for path in [old, new] { unsafe unlink(path) } }

        _ = try pool.map(0..<12, shard: half, journal: old) { $0 == 5 ? -0.0 : Double($0) }
        _ = try pool.map(0..<12, shard: third, journal: new) { $0 == 5 ? 0.0 : Double($0) }
        #expect(merged(Double.self).contains("4 of 12 items: 8..<12;"))
        unsafe unlink(new)
        _ = try pool.map(0..<12, shard: third, journal: new) { $0 == 5 ? 0.5 : Double($0) }
        #expect(merged(Double.self).contains("\(new) cannot be used: it has another result of item 5 than"))
        forget()

        let words = (0..<40).map { "\($0)" }
        _ = try pool.map(0..<12, shard: half, journal: old) { _ in Set(words) }
        _ = try pool.map(0..<12, shard: third, journal: new) { _ in
            var set = Set<String>(minimumCapacity: 4000)
            set.formUnion(words.reversed())
            return set
        }
        #expect(merged(Set<String>.self).contains("4 of 12 items: 8..<12;"))
        unsafe unlink(new)
        _ = try pool.map(0..<12, shard: third, journal: new) { item in item == 4 ? [] : Set(words) }
        #expect(merged(Set<String>.self).contains("it has another result of item 4 than"))
        forget()

        // No values can be compared that are not Equatable: their bytes say it.
        _ = try pool.map(0..<12, shard: half, journal: old) { Unequatable(text: "\($0)") }
        _ = try pool.map(0..<12, shard: third, journal: new) { Unequatable(text: "\($0)") }
        #expect(merged(Unequatable.self).contains("4 of 12 items: 8..<12;"))
        unsafe unlink(new)
        _ = try pool.map(0..<12, shard: third, journal: new) { _ in Unequatable(text: "") }
        #expect(merged(Unequatable.self).contains("it has another result of item 4 than"))
    }

    private struct Unequatable: Codable {
        let text: String
    }

    @Test("a header of more items than memory has room for is a failure", arguments: [1 << 40, 1 << 61, .max])
    func hugeHeader(_ total: Int) async {
        await #expect(processExitsWith: .success) { [total] in
            JournalScene.run { scene throws in
                try ShardMapTests.mergeHuge(scene, total, Int.self, isCoded: false)
                try ShardMapTests.mergeHuge(scene, total, String.self, isCoded: true)
            }
        }
    }

    /// Merges a journal that has a result of the last item alone, or of none.
    private static func mergeHuge<R: Codable>(
        _ scene: JournalScene, _ total: Int, _ type: R.Type, isCoded: Bool
    ) throws {
        let header = JournalHeader(
            total: total, part: 0..<total, isCoded: isCoded, stride: isCoded ? MemoryLayout<Extent>.stride : 8,
            type: ResultKind(type: type, isCoded: isCoded).typeName, key: "")
        let result = [UInt8](repeating: 0, count: 8)
        let record = JournalRecord(first: total - 1, count: 1, length: 8, sum: CRC32C.of(result[...]))
        for (number, rest) in [[], record.encoded(at: header.size) + result].enumerated() {
            scene.write(header.encoded() + rest)
            let failure = failure { () throws(ForkPool.Failure) in
                try ForkPool.merge(journals: [scene.path], as: type)
            }
            // Where the system grants the memory, of which little is touched, the items are missing.
            let lack = "lack the results of \(total - number) of \(total) items: 0..<\(total - number);"
            let message = failure?.message ?? "nothing is refused"
            #expect(failure?.code == .noMemory || failure?.errno == ENOMEM || message.contains(lack), "\(message)")
        }
    }

    @Test("more shards than items: some are empty, and the whole is complete")
    func emptyShards() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let pool = ForkPool(workers: 2)
                let squares = try pool.resident { (item: Int) in item * item }
                for index in 0..<4 {
                    let shard = ForkPool.Shard(index: index, count: 4)
                    #expect(
                        try pool.map(0..<2, shard: shard, journal: scene.folder + "/{shard}-a") { $0 }
                            == (index < 2 ? [index] : []))
                    #expect(
                        try squares.map([5, 6], shard: shard, journal: scene.folder + "/{shard}-b")
                            == (index < 2 ? [[25], [36]][index] : []))
                    let slots = try pool.fill(
                        count: 2, slot: 2, of: Int.self, shard: shard, journal: scene.folder + "/{shard}-c"
                    ) { slot, out in out[1] = slot + 1 }
                    #expect(Array(slots).suffix(1) == (index < 2 ? [index + 1] : []))
                    try pool.forEach(0..<2, shard: shard, journal: scene.folder + "/{shard}-d") { _ in }
                }
                squares.close()
                let paths = ["a", "b"].map { name in (0..<4).map { "\(scene.folder)/\($0)-\(name)" } }
                #expect(try paths.map { try ForkPool.merge(journals: $0, as: Int.self) } == [[0, 1], [25, 36]])
                #expect(Files.names(in: scene.folder).count { !$0.hasPrefix(".") } == 16)
            }
        }
    }

    @Test("the failure of an item has its index among all, and a body sees its own item")
    func indices() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let shard = ForkPool.Shard(index: 1, count: 2)
                let failure = failure { () throws(ForkPool.Failure) in
                    try ForkPool(workers: 2).map(0..<10, shard: shard, journal: scene.path) { item in
                        if item == 7 { throw JournalScene.Refused() }
                        return item
                    }
                }
                #expect(failure?.index == 7)
                #expect(failure?.description.hasPrefix("item 7 ") == true)
                let results = ForkPool(workers: 2).mapResults(0..<10, shard: shard, journal: scene.path) { item in
                    if item == 7 { throw JournalScene.Refused() }
                    return item
                }
                #expect(results.map { $0.value ?? -1 } == [5, 6, -1, 8, 9])
                #expect(results[2].failure?.index == 7)
            }
        }
    }

    @Test("a path without a shard has the number 0, and every {shard} in it is one")
    func names() {
        func path(_ path: String, _ shard: ForkPool.Shard?) -> String {
            JournalRequest(path, key: "", sync: .none, items: 1, shard: shard, onFailure: nil).path
        }
        #expect(path("a/{shard}.b", nil) == "a/0.b")
        #expect(path("{shard}/{shard}{shar}", .init(index: 12, count: 13)) == "12/12{shar}")
        #expect(path("plain", .init(index: 12, count: 13)) == "plain")
    }

    @Test("random numbers of an item are the same in a shard as in the whole")
    func seeds() async {
        await #expect(processExitsWith: .success) {
            JournalScene.run { scene throws in
                let pool = ForkPool(workers: 2, options: .init(seed: 7))
                let body: (Int) -> UInt64 = { _ in
                    var generator = ForkPool.worker!.itemGenerator
                    return generator.next()
                }
                let whole = try pool.map(0..<6, body)
                let part = try pool.map(0..<6, shard: .init(index: 1, count: 2), journal: scene.path, body)
                #expect(part == Array(whole[3...]))
            }
        }
    }
}
