// SPDX-License-Identifier: Apache-2.0
import ForkPool

/// Does the part of a map that is this process's: a task of an array.
func runShard(_ folder: String) throws {
    guard let shard = try ForkPool.Shard.fromEnvironment() else { fail("no shard") }
    let part = try ForkPool(workers: 1).map(0..<10_000, shard: shard, journal: "\(folder)/{shard}.journal") { $0 * 3 }
    print("shard \(shard): \(part.count) results")
}

/// Puts the parts together.
func mergeShards(_ folder: String, _ count: Int) throws {
    do throws(ForkPool.Failure) {
        let whole = try ForkPool.merge(journals: (0..<count).map { "\(folder)/\($0).journal" }, as: Int.self)
        expect(whole == (0..<10_000).map { $0 * 3 }, "the merged results are wrong")
        print("merged \(whole.count) results of \(count) shards")
    } catch {
        fail("\(error)")
    }
}
