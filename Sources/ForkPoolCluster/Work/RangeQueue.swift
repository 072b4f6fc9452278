// SPDX-License-Identifier: Apache-2.0

/// Which items the root hands to which host, and when: pure decisions, without messages and without a clock.
///
/// A host has two ranges at a time, so that its workers have the next one when they have run the first; or some more, while they
/// are microseconds of work. A range is some
/// milliseconds of work of the host, as far as its last ones tell; at least an item for each of its workers; and fewer toward the end, so
/// that the hosts end together. Times are nanoseconds.
package struct RangeQueue {
    private struct Flight {
        let items: Range<Int>
        let sent: Int
    }

    private struct Host {
        let workers: Int
        var isOut = false
        /// Items a nanosecond, 0 while that is unknown.
        var rate = 0.0
        var lastCount = 0
        var flights: [Flight] = []
        /// When it last answered, or was handed items while it had none.
        var heard = 0
    }

    /// How long a host is to work on a range, and the most bytes of its results.
    private static let time = 2_000_000.0
    private static let mostBytes = 8 << 20
    private static let mostGrowth = 16
    private static let flights = 2
    /// The most ranges of a host while they are short, and how long all of them are at most.
    private static let shortFlights = 8
    private static let shortTime = 100_000.0

    private var hosts: [Host]
    private let workers: Int
    /// The items that no host has, the first ones last.
    private var missing: [Range<Int>]
    private var missingCount: Int
    private let mostItems: Int
    /// The number of items of each range, where that is fixed.
    private let fixed: Int?
    /// Nothing is handed out any more.
    package private(set) var isStopped = false

    /// Begins with the items that have no result.
    ///
    /// - Parameters:
    ///   - missing: The items, in order.
    ///   - workers: The number of workers of each host.
    ///   - stride: The bytes of a result.
    ///   - fixed: The number of items of each range; nil for one that follows their durations.
    package init(_ missing: [Range<Int>], workers: [Int], stride: Int, fixed: Int? = nil) {
        self.missing = missing.reversed()
        missingCount = missing.reduce(0) { $0 + $1.count }
        hosts = workers.map { Host(workers: max($0, 1)) }
        self.workers = hosts.reduce(0) { $0 + $1.workers }
        mostItems = max(1, Self.mostBytes / max(stride, 1))
        self.fixed = fixed
    }

    /// Whether no item is left and no host has any.
    package var isDone: Bool { (missing.isEmpty || isStopped) && hosts.allSatisfy { $0.flights.isEmpty } }

    /// Whether items are left, and no host runs any more.
    package var isStuck: Bool { !isDone && !isStopped && hosts.allSatisfy { $0.isOut && $0.flights.isEmpty } }

    /// The next items for a host; nil if it has enough, or none are left.
    package mutating func next(for host: Int, at now: Int) -> Range<Int>? {
        guard !isStopped, !hosts[host].isOut, takes(hosts[host]), let first = missing.last else { return nil }
        let items = first.prefix(size(for: hosts[host]))
        missing.removeLast()
        if items.upperBound < first.upperBound { missing.append(items.upperBound..<first.upperBound) }
        missingCount -= items.count
        if hosts[host].flights.isEmpty { hosts[host].heard = now }
        hosts[host].flights.append(Flight(items: items, sent: now))
        hosts[host].lastCount = items.count
        return items
    }

    private func takes(_ host: Host) -> Bool {
        if host.flights.count < Self.flights { return true }
        guard host.flights.count < Self.shortFlights else { return false }
        return Double(host.flights.reduce(0) { $0 + $1.items.count }) < host.rate * Self.shortTime
    }

    private func size(for host: Host) -> Int {
        if let fixed { return fixed }
        let timed = min(host.rate * Self.time, Double(Self.mostGrowth * max(host.lastCount, 1)))
        // Half of the host's share of what is left: the ranges shrink together.
        let share = (missingCount * host.workers + 2 * workers - 1) / (2 * workers)
        return max(1, min(max(host.workers, Int(timed)), share, mostItems))
    }

    /// Takes a host's answer for some items; with the last one for its range, which it returns, the host can have another.
    @discardableResult
    package mutating func answered(_ items: Range<Int>, by host: Int, isLast: Bool, at now: Int) -> Range<Int>? {
        let place = hosts[host].flights.firstIndex { $0.items.contains(items.lowerBound) }
        let before = hosts[host].heard
        hosts[host].heard = now
        guard isLast, let place else { return nil }
        let flight = hosts[host].flights.remove(at: place)
        let rate = Double(flight.items.count) / Double(max(1, now - max(before, flight.sent)))
        hosts[host].rate = hosts[host].rate == 0 ? rate : (hosts[host].rate + rate) / 2
        return flight.items
    }

    /// Hands a host no more items; those of which it ran nothing are left for others.
    package mutating func drop(_ host: Int, unrun: Range<Int>? = nil) {
        hosts[host].isOut = true
        guard let unrun else { return }
        // They go before all others: the ranges stay nearly in order.
        missing.append(unrun)
        missingCount += unrun.count
    }

    /// Hands nothing out any more; hosts still answer for what they have.
    package mutating func stop() { isStopped = true }

    /// The items that no host has.
    package var left: [Range<Int>] { missing.reversed() }

    /// The host that has had items for longest without a word, and the first of these, if that is since before a time.
    package func silent(since time: Int) -> (host: Int, items: Range<Int>)? {
        let silent = hosts.indices.filter { !hosts[$0].flights.isEmpty && hosts[$0].heard < time }
        guard let host = silent.min(by: { hosts[$0].heard < hosts[$1].heard }), let flight = hosts[host].flights.first
        else { return nil }
        return (host, flight.items)
    }
}
