// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPoolCluster

@Suite("The root's queue of ranges")
struct RangeQueueTests {
    @Test("each item is handed out once, whatever the hosts take for it")
    func once() {
        var dice = Dice(state: 1)
        for _ in 0..<200 {
            let hosts = Int.random(in: 1...5, using: &dice)
            let missing = [0..<7, 9..<10, 20..<400, 1000..<5000]
            var queue = RangeQueue(
                missing, workers: (0..<hosts).map { _ in Int.random(in: 1...64, using: &dice) }, stride: 8)
            var had: [Range<Int>] = []
            var inFlight: [(host: Int, items: Range<Int>)] = []
            var now = 0
            while !queue.isDone {
                now += Int.random(in: 1...5_000_000, using: &dice)
                let host = Int.random(in: 0..<hosts, using: &dice)
                if let items = queue.next(for: host, at: now) {
                    #expect(!items.isEmpty)
                    had.append(items)
                    inFlight.append((host, items))
                }
                #expect(inFlight.count { $0.host == host } <= 8)
                if let done = inFlight.indices.randomElement(using: &dice) {
                    let answer = inFlight.remove(at: done)
                    #expect(queue.answered(answer.items, by: answer.host, isLast: true, at: now) == answer.items)
                }
            }
            #expect(inFlight.isEmpty)
            #expect(had.flatMap(Array.init) == missing.flatMap(Array.init), "in the order of the items")
        }
    }

    @Test("a host has two ranges, with an item for each worker at first")
    func flights() {
        var queue = RangeQueue([0..<1000], workers: [4, 2], stride: 8)
        #expect(queue.next(for: 0, at: 0) == 0..<4)
        #expect(queue.next(for: 0, at: 0) == 4..<8)
        #expect(queue.next(for: 0, at: 0) == nil)
        #expect(queue.next(for: 1, at: 0) == 8..<10)
    }

    @Test("a host has more ranges while they are microseconds of work")
    func shortFlights() {
        for (duration, expected) in [(1_000, 8), (30_000, 4), (1_000_000, 2)] {
            var queue = RangeQueue([0..<1000], workers: [1], stride: 8, fixed: 1)
            let first = queue.next(for: 0, at: 0)!
            queue.answered(first, by: 0, isLast: true, at: duration)
            var count = 0
            while queue.next(for: 0, at: duration) != nil { count += 1 }
            #expect(count == expected, "items of \(duration) ns")
        }
    }

    @Test("short items make ranges of some milliseconds, and long ones of an item a worker")
    func sizes() {
        for (duration, expected) in [(1_000, 2000), (100_000, 20), (20_000_000, 2)] {
            var queue = RangeQueue([0..<10_000_000], workers: [2], stride: 8)
            var now = 0
            var last = 0..<0
            for _ in 0..<10 {
                last = queue.next(for: 0, at: now)!
                now += last.count * duration
                queue.answered(last, by: 0, isLast: true, at: now)
            }
            #expect(last.count == expected, "items of \(duration) ns")
        }
    }

    @Test("ranges shrink toward the end, to one item")
    func end() {
        var queue = RangeQueue([0..<3000], workers: [2, 2, 2], stride: 8)
        var sizes: [Int] = []
        var (now, host) = (0, 0)
        while let items = queue.next(for: host, at: now) {
            now += 10_000
            queue.answered(items, by: host, isLast: true, at: now)
            sizes.append(items.count)
            host = (host + 1) % 3
        }
        #expect(sizes.reduce(0, +) == 3000)
        #expect(sizes.max()! <= 500, "no host has more than half of its share at once")
        #expect(sizes.last == 1)
    }

    @Test("results of a range have 8 MiB at most, or are one")
    func bytes() {
        var queue = RangeQueue([0..<1000], workers: [64], stride: 1 << 20)
        #expect(queue.next(for: 0, at: 0)?.count == 8)
        queue = RangeQueue([0..<1000], workers: [64], stride: 1 << 30)
        #expect(queue.next(for: 0, at: 0)?.count == 1)
    }

    @Test("what a host did not run goes to others, and to nothing if there are none")
    func drop() {
        var queue = RangeQueue([0..<10], workers: [1, 1], stride: 8, fixed: 5)
        let first = queue.next(for: 0, at: 0)!
        #expect(first == 0..<5)
        queue.answered(first, by: 0, isLast: true, at: 1)
        queue.drop(0, unrun: first)
        #expect(queue.next(for: 0, at: 2) == nil)
        #expect(queue.next(for: 1, at: 2) == 0..<5)
        #expect(queue.next(for: 1, at: 2) == 5..<10)
        #expect(!queue.isStuck)
        queue.answered(0..<5, by: 1, isLast: true, at: 3)
        queue.answered(5..<10, by: 1, isLast: true, at: 3)
        queue.drop(1, unrun: 5..<10)
        #expect(queue.isStuck && !queue.isDone)
        #expect(queue.left == [5..<10])
        queue.stop()
        #expect(queue.isDone)
    }

    @Test("a host that answers nothing is found, one that answers is not")
    func silence() {
        var queue = RangeQueue([0..<100], workers: [1, 1], stride: 8, fixed: 10)
        let first = queue.next(for: 0, at: 100)!
        #expect(queue.next(for: 1, at: 200) == 10..<20)
        #expect(queue.silent(since: 100) == nil)
        #expect(queue.silent(since: 101)?.host == 0)
        queue.answered(first, by: 0, isLast: false, at: 150)
        #expect(queue.silent(since: 150) == nil)
        queue.answered(first, by: 0, isLast: true, at: 300)
        // It has nothing now.
        #expect(queue.silent(since: 400)?.host == 1)
        #expect(queue.silent(since: 400)?.items == 10..<20)
        #expect(queue.next(for: 0, at: 500) == 20..<30)
        queue.answered(10..<20, by: 1, isLast: true, at: 500)
        #expect(queue.silent(since: 500) == nil)
    }

    @Test("after a stop nothing is handed out, and answers are still awaited")
    func stop() {
        var queue = RangeQueue([0..<100], workers: [1], stride: 8, fixed: 10)
        let first = queue.next(for: 0, at: 0)!
        queue.stop()
        #expect(queue.next(for: 0, at: 1) == nil)
        #expect(!queue.isDone)
        queue.answered(first, by: 0, isLast: true, at: 2)
        #expect(queue.isDone)
    }
}
