// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPoolCluster

/// Hosts whose items take a time of their own, on a clock that is only a number: the root's queue decides what they run.
struct Schedule {
    let hosts: Int
    let workers: Int
    /// The time of an item in nanoseconds.
    let duration: (Int) -> Int

    private struct Running {
        let host: Int
        let range: Range<Int>
        let end: Int
    }

    /// How long all takes, beside the sum of all items divided by the workers.
    func ratio(_ missing: [Range<Int>], stride: Int = 8) -> Double {
        var queue = RangeQueue(missing, workers: Array(repeating: workers, count: hosts), stride: stride)
        var now = 0
        var running: [Running] = []
        var waiting: [[(item: Int, range: Range<Int>)]] = Array(repeating: [], count: hosts)
        var (left, told): ([Range<Int>: Int], [Range<Int>: Int]) = ([:], [:])
        func hand(to host: Int) -> Bool {
            guard let range = queue.next(for: host, at: now) else { return false }
            left[range] = range.count
            waiting[host] += range.map { ($0, range) }
            return true
        }
        while (0..<hosts).map({ hand(to: $0) }).contains(true) {}
        while !queue.isDone {
            for host in 0..<hosts {
                let free = workers - running.count { $0.host == host }
                for next in waiting[host].prefix(free) {
                    running.append(Running(host: host, range: next.range, end: now + duration(next.item)))
                }
                waiting[host].removeFirst(min(free, waiting[host].count))
            }
            guard let next = running.indices.min(by: { running[$0].end < running[$1].end }) else { return .infinity }
            let done = running.remove(at: next)
            now = done.end
            left[done.range]! -= 1
            // A host tells of each item while it has few, and of whole ranges else.
            let has = waiting[done.host].count + running.count { $0.host == done.host }
            let isLast = left[done.range] == 0
            guard isLast || has < 2 * workers else { continue }
            let over = done.range.count - left[done.range]! - told[done.range, default: 0]
            told[done.range, default: 0] += over
            _ = queue.answered(done.range, over: over, by: done.host, isLast: isLast, at: now)
            while hand(to: done.host) {}
        }
        let ideal = missing.joined().reduce(0.0) { $0 + Double(duration($1)) } / Double(hosts * workers)
        return Double(now) / ideal
    }
}

@Suite("What the root's queue makes of hosts")
struct ScheduleTests {
    private static let second = 1_000_000_000

    /// Numbers that look random, and are the same each time.
    private static func mixed(_ item: Int) -> Int {
        let product = UInt64(truncatingIfNeeded: item) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product >> 33)
    }

    @Test("one item of a hundred takes a hundred times as long: no host waits for it")
    func slowItems() {
        let schedule = Schedule(hosts: 3, workers: 8) { Self.mixed($0) % 100 == 7 ? 100 * Self.second : Self.second }
        #expect(schedule.ratio([0..<20_000]) < 1.1)
        let wide = Schedule(hosts: 3, workers: 64) { Self.mixed($0) % 100 == 7 ? 100 * Self.second : Self.second }
        #expect(wide.ratio([0..<20_000]) < 1.4)
    }

    @Test("items of different lengths, and short ones")
    func lengths() {
        let different = Schedule(hosts: 3, workers: 64) { Self.second / 10 + Self.mixed($0) % (2 * Self.second) }
        #expect(different.ratio([0..<20_000]) < 1.1)
        let short = Schedule(hosts: 3, workers: 2) { 5_000 + Self.mixed($0) % 10_000 }
        #expect(short.ratio([0..<50_000]) < 1.1)
    }

    @Test("a resume whose missing items are scattered, and large results, use all workers")
    func scattered() {
        let schedule = Schedule(hosts: 3, workers: 64) { _ in Self.second }
        #expect(schedule.ratio((0..<1920).map { 10 * $0..<10 * $0 + 1 }) < 1.2)
        #expect(schedule.ratio([0..<1920], stride: 8 << 20) < 1.2)
        #expect(schedule.ratio([0..<1920], stride: 256 << 10) < 1.2)
    }
}
