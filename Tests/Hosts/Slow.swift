// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolCluster
import Glibc

/// Items of which one in a hundred takes a hundred times as long: how near all workers come to the ideal.
///
/// Its arguments: slow ITEMS MICROSECONDS, an item's time.
func measureSlowItems(_ cluster: Cluster, items: Int, time: Int) throws {
    // Spread over all items, not one in each hundred: some are neighbours.
    func duration(_ item: Int) -> Int { item &* 0x9E37_79B9 % 65_536 % 100 == 7 ? 100 * time : time }
    let start = ContinuousClock.now
    let results = try cluster.map(0..<items) { item in
        usleep(UInt32(duration(item)))
        return item
    }
    let (seconds, rest) = (ContinuousClock.now - start).components
    expect(results == Array(0..<items), "\(cluster.hostName): wrong results of slow items")
    guard cluster.isRoot else { return }
    let workers = cluster.hosts * cluster.pool.workers
    let took = Double(seconds) + Double(rest) / 1e18
    let ideal = Double((0..<items).reduce(0) { $0 + duration($1) }) / 1e6 / Double(workers)
    let ratio = Double(Int(took / ideal * 100)) / 100
    print("slow items: \(items) by \(workers) workers of \(cluster.hosts) hosts took x\(ratio) of the ideal \(ideal) s")
}
