// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPoolCluster

@Suite("The root's queue of ranges")
struct RangeQueueTests {
    @Test("each item is handed out once, whatever the hosts take for it and whenever they report")
    func once() {
        var dice = Dice(state: 1)
        for _ in 0..<200 {
            let hosts = Int.random(in: 1...5, using: &dice)
            let missing = [0..<7, 9..<10, 20..<400, 1000..<5000]
            let workers = (0..<hosts).map { _ in Int.random(in: 1...64, using: &dice) }
            var queue = RangeQueue(missing, workers: workers, stride: 8)
            var had: [Range<Int>] = []
            var inFlight: [(host: Int, items: Range<Int>, left: Int)] = []
            var now = 0
            while !queue.isDone {
                now += Int.random(in: 1...5_000_000, using: &dice)
                let host = Int.random(in: 0..<hosts, using: &dice)
                if let items = queue.next(for: host, at: now) {
                    #expect(!items.isEmpty)
                    had.append(items)
                    inFlight.append((host, items, items.count))
                }
                #expect(inFlight.count { $0.host == host } <= max(8, 2 * workers[host]))
                guard let place = inFlight.indices.randomElement(using: &dice) else { continue }
                let (answering, items, left) = inFlight[place]
                let over = Int.random(in: 0...left, using: &dice)
                inFlight[place].left -= over
                let isLast = inFlight[place].left == 0
                if isLast { inFlight.remove(at: place) }
                #expect(queue.answered(items, over: over, by: answering, isLast: isLast, at: now) == items)
            }
            #expect(inFlight.isEmpty)
            #expect(had.flatMap(Array.init) == missing.flatMap(Array.init), "in the order of the items")
        }
    }

    /// The items that a host gets until it has enough.
    private static func all(_ queue: inout RangeQueue, for host: Int, at now: Int = 0) -> [Range<Int>] {
        var all: [Range<Int>] = []
        while let items = queue.next(for: host, at: now) { all.append(items) }
        return all
    }

    @Test("a host has an item for each worker at first, and as many again in advance")
    func ahead() {
        var queue = RangeQueue([0..<1000], workers: [4, 2], stride: 8)
        #expect(Self.all(&queue, for: 0) == [0..<4, 4..<8])
        #expect(Self.all(&queue, for: 1) == [8..<10, 10..<12])
    }

    @Test("a slow item keeps one worker busy: its host gets items for the others")
    func slowItem() {
        var queue = RangeQueue([0..<1000], workers: [4, 4], stride: 8)
        #expect(Self.all(&queue, for: 0) == [0..<4, 4..<8])
        var now = 1_000_000_000
        // All but item 0.
        #expect(queue.answered(0..<4, over: 3, by: 0, isLast: false, at: now) == 0..<4)
        var ranges = [4..<8] + Self.all(&queue, for: 0, at: now)
        for _ in 0..<20 {
            #expect(ranges.reduce(0) { $0 + $1.count } == 7)
            now += 1_000_000_000
            for items in ranges { queue.end(items, by: 0, at: now) }
            ranges = Self.all(&queue, for: 0, at: now)
        }
        queue.end(0..<4, by: 0, at: now)
        #expect(Self.all(&queue, for: 0, at: now).reduce(0) { $0 + $1.count } == 1)
    }

    @Test("a host gets enough for all its workers where missing items are scattered")
    func scattered() {
        let missing = (0..<1000).map { 10 * $0..<10 * $0 + 1 }
        var queue = RangeQueue(missing, workers: [64, 64, 64], stride: 8)
        for host in 0..<3 { #expect(Self.all(&queue, for: host).count > 64 + 32) }
    }

    @Test(
        "a host gets enough for all its workers where results are large, few of them in a range", arguments: [23, 30])
    func large(_ bits: Int) {
        var queue = RangeQueue([0..<1000], workers: [64], stride: 1 << bits)
        let ranges = Self.all(&queue, for: 0)
        #expect(ranges.allSatisfy { $0.count == 1 })
        // 64 MiB in advance, or nearly so, or a single result.
        #expect(bits == 23 ? (64 + 7...64 + 8).contains(ranges.count) : ranges.count == 64 + 1)
        queue = RangeQueue([0..<1000], workers: [64], stride: 1 << 20)
        #expect(Self.all(&queue, for: 0).allSatisfy { $0.count == 8 })
    }

    @Test("a host has more ranges of one item while they are microseconds of work, up to eight")
    func shortRanges() {
        for (duration, expected) in [(1_000, 8), (1_000_000, 5), (1_000_000_000, 2)] {
            var queue = RangeQueue([0..<1000], workers: [1], stride: 8, fixed: 1)
            var now = 0
            for item in 0..<50 {
                #expect(queue.next(for: 0, at: now) == item..<item + 1)
                now += duration
                queue.end(item..<item + 1, by: 0, at: now)
            }
            #expect(Self.all(&queue, for: 0, at: now).count == expected, "items of \(duration) ns")
        }
    }

    @Test("short items make ranges of some milliseconds, and long ones of an item a worker")
    func sizes() {
        for (duration, expected) in [(1_000, 1000...2000), (100_000, 10...20), (20_000_000, 2...2)] {
            var queue = RangeQueue([0..<10_000_000], workers: [2], stride: 8)
            var now = 0
            var ranges = Self.all(&queue, for: 0)
            var last = 0
            for _ in 0..<20 {
                let items = ranges.removeFirst()
                now += items.count * duration
                queue.end(items, by: 0, at: now)
                let next = Self.all(&queue, for: 0, at: now)
                last = next.first?.count ?? last
                ranges += next
            }
            #expect(expected.contains(last), "items of \(duration) ns")
        }
    }

    @Test("two answers at once are one for the rate")
    func atOnce() {
        var queue = RangeQueue([0..<10_000_000], workers: [2], stride: 8)
        var (now, ranges) = (0, Self.all(&queue, for: 0))
        for _ in 0..<50 {
            // Each item takes 10 ms of a worker, and all answers come together.
            now += ranges.reduce(0) { $0 + $1.count } * 5_000_000
            for items in ranges { queue.end(items, by: 0, at: now) }
            ranges = Self.all(&queue, for: 0, at: now)
            #expect(ranges == [ranges[0], ranges[0].upperBound..<ranges[0].upperBound + 2])
            #expect(ranges[0].count == 2)
        }
    }

    @Test("ranges shrink toward the end, to one item, and to hosts with a free worker")
    func end() {
        var queue = RangeQueue([0..<3000], workers: [2, 2, 2], stride: 8)
        var sizes: [Int] = []
        var (now, host) = (0, 0)
        while let items = queue.next(for: host, at: now) {
            now += 10_000
            queue.end(items, by: host, at: now)
            sizes.append(items.count)
            host = (host + 1) % 3
        }
        #expect(sizes.reduce(0, +) == 3000)
        #expect(sizes.max()! <= 500, "no host has more than half of its share at once")
        #expect(sizes.last == 1)
        queue = RangeQueue([0..<7], workers: [2, 2, 2], stride: 8)
        for _ in 0..<2 { for host in 0..<3 { #expect(queue.next(for: host, at: 0)?.count == 1) } }
        // The last one goes to the first worker that is free.
        for host in 0..<3 { #expect(queue.next(for: host, at: 0) == nil) }
        queue.end(2..<3, by: 2, at: 1)
        #expect(queue.next(for: 2, at: 1) == 6..<7)
    }

    @Test("what a host did not run goes to others, and to nothing if there are none")
    func drop() {
        var queue = RangeQueue([0..<10], workers: [1, 1], stride: 8, fixed: 5)
        let first = queue.next(for: 0, at: 0)!
        #expect(first == 0..<5)
        queue.end(first, by: 0, at: 1)
        queue.drop(0, unrun: first)
        #expect(queue.next(for: 0, at: 2) == nil)
        #expect(queue.next(for: 1, at: 2) == 0..<5)
        queue.end(0..<5, by: 1, at: 3)
        #expect(queue.next(for: 1, at: 3) == 5..<10)
        #expect(!queue.isStuck)
        queue.end(5..<10, by: 1, at: 4)
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
        #expect(queue.answered(first, over: 1, by: 0, isLast: false, at: 150) == first)
        #expect(queue.silent(since: 150) == nil)
        queue.end(first, by: 0, at: 300)
        // It has nothing now.
        #expect(queue.silent(since: 400)?.host == 1)
        #expect(queue.silent(since: 400)?.items == 10..<20)
        #expect(queue.next(for: 0, at: 500) == 20..<30)
        queue.end(10..<20, by: 1, at: 500)
        #expect(queue.silent(since: 500) == nil)
    }

    @Test("after a stop nothing is handed out, and answers are still awaited")
    func stop() {
        var queue = RangeQueue([0..<100], workers: [1], stride: 8, fixed: 10)
        let first = queue.next(for: 0, at: 0)!
        queue.stop()
        #expect(queue.next(for: 0, at: 1) == nil)
        #expect(!queue.isDone)
        queue.end(first, by: 0, at: 2)
        #expect(queue.isDone)
    }

    @Test("an answer for items that the host does not have is none, and one for too many counts for as many as it has")
    func wrong() {
        var queue = RangeQueue([0..<100], workers: [1, 1], stride: 8, fixed: 10)
        let first = queue.next(for: 0, at: 0)!
        #expect(queue.answered(50..<60, over: 10, by: 0, isLast: true, at: 1) == nil)
        #expect(queue.answered(first, over: 10, by: 1, isLast: true, at: 1) == nil)
        #expect(queue.answered(first, over: 1000, by: 0, isLast: false, at: 1) == first)
        #expect(!queue.isDone)
        #expect(queue.next(for: 0, at: 1) == 10..<20)
    }
}

extension RangeQueue {
    /// Takes the only answer for a range.
    mutating func end(_ items: Range<Int>, by host: Int, at now: Int) {
        #expect(answered(items, over: items.count, by: host, isLast: true, at: now) == items)
    }
}
