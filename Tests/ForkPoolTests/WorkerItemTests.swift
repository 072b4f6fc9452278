// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Testing

/// Maps in its worker, and returns which item the worker is on then.
struct ItemAfterMap: ForkPool.Job {
    func run(_ item: Int) async throws -> Int? {
        let inner = try await ForkPool(workers: 1).map(0..<2) { _ in ForkPool.currentItem }
        return inner == [0, 1] ? ForkPool.currentItem : nil
    }
}

@Suite("A worker's item")
struct WorkerItemTests {
    @Test("is the one that it is on, also when it has mapped itself, and no other process has one")
    func item() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                #expect(try ForkPool(workers: 2).map(0..<3) { _ in ForkPool.currentItem } == [0, 1, 2])
                for start in [ForkPool.Start.fork, .exec] {
                    let pool = try ForkPool(workers: 2).resident(ItemAfterMap(), start: start)
                    #expect(try pool.map([7, 8, 9]) == [0, 1, 2])
                    pool.close()
                }
                #expect(ForkPool.currentItem == nil)
            }
        }
    }
}
