// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Synchronization
import Testing

@testable import ForkPool

@Suite("A set of numbers in shared memory")
struct AtomicBitsetTests {
    /// Runs `work` with an empty set.
    private func withSet(_ capacity: Int, _ work: (AtomicBitset) -> Void) {
        let size = AtomicBitset.size(capacity: capacity)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 128)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        work(unsafe AtomicBitset(at: memory, capacity: capacity))
    }

    @Test(
        "takes a bit for each number, in pairs of cache lines",
        arguments: [(1, 128), (64, 128), (1024, 128), (1025, 256), (4096, 512)])
    func size(capacity: Int, size: Int) {
        #expect(AtomicBitset.size(capacity: capacity) == size)
    }

    @Test("has no numbers beyond its capacity, whatever its memory holds there", arguments: [1, 2, 63, 64, 65, 100])
    func beyond(capacity: Int) {
        withSet(capacity) { set in
            for number in capacity..<(capacity + 63) / 64 * 64 { set.insert(number) }
            #expect(set.isEmpty)
            #expect(set.population == 0)
            #expect(set.next(from: 0) == nil)
            set.insert(capacity - 1)
            #expect(set.population == 1)
            #expect(set.next(from: 0) == capacity - 1)
        }
    }

    @Test("has what was added and not removed", arguments: [1, 2, 63, 64, 65, 128, 1000])
    func members(capacity: Int) {
        withSet(capacity) { set in
            #expect(set.isEmpty)
            #expect(set.population == 0)
            #expect(set.next(from: 0) == nil)
            for number in 0..<capacity {
                #expect(!set.contains(number))
                set.insert(number)
                set.insert(number)
                #expect(set.contains(number))
                #expect(set.population == number + 1)
            }
            for number in 0..<capacity {
                #expect(set.remove(number))
                #expect(!set.remove(number))
                #expect(set.population == capacity - 1 - number)
            }
            #expect(set.isEmpty)
        }
    }

    @Test("finds the next one from a number on, and then from the beginning")
    func next() {
        withSet(200) { set in
            for number in [3, 64, 130, 199] { set.insert(number) }
            let expected = [
                (0, 3), (3, 3), (4, 64), (63, 64), (64, 64), (65, 130), (127, 130), (128, 130), (131, 199), (199, 199),
                (200, 3), (255, 3), (256, 3), (1000, 3),
            ]
            for (start, found) in expected { #expect(set.next(from: start) == found, "from \(start)") }
            for number in [3, 64, 130] { set.remove(number) }
            for start in [0, 64, 198, 199, 200] { #expect(set.next(from: start) == 199) }
        }
    }

    @Test("loses no change that several threads make at once")
    func threads() {
        withSet(64) { set in
            nonisolated(unsafe) let shared = set
            let removed = Threads.run(8) { thread in
                var removed = 0
                for round in 0..<20_000 {
                    let number = thread * 8 + round % 8
                    unsafe shared.insert(number)
                    if round % 3 != 0, unsafe shared.remove(number) { removed += 1 }
                }
                return removed
            }
            // Each thread has its own numbers, so every removal finds what was added just before.
            #expect(removed == Array(repeating: 13_333, count: 8))
            // Every third round does not remove, so a number stays if its last round was such a one.
            for thread in 0..<8 {
                let left = (0..<8).filter { set.contains(thread * 8 + $0) }
                #expect(
                    left
                        == (0..<8).filter { remaining in
                            (0..<20_000).last { $0 % 8 == remaining }! % 3 == 0
                        })
            }
        }
    }

    @Test("is taken apart by several threads, each number by one of them")
    func takenOnce() {
        withSet(1000) { set in
            for number in 0..<1000 { set.insert(number) }
            nonisolated(unsafe) let shared = set
            let taken = Threads.run(8) { thread in
                var taken = 0
                while let number = unsafe shared.next(from: thread * 125) {
                    if unsafe shared.remove(number) { taken += 1 }
                }
                return taken
            }
            #expect(taken.reduce(0, +) == 1000)
            #expect(set.isEmpty)
        }
    }
}
