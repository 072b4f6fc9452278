// SPDX-License-Identifier: Apache-2.0

/// Which items the root hands to which host, and when: pure decisions, without messages and without a clock.
///
/// A host has an item for each of its workers, and some more, so that a worker which is free has the next one: as many as it has
/// workers, or some milliseconds of work, as far as its last items tell; and fewer toward the end, so that the hosts end
/// together. Only items without an outcome count: a slow one keeps one worker busy, and not its host. Times are nanoseconds.
package struct RangeQueue {
    private struct Flight {
        let items: Range<Int>
        /// Those that have no outcome, as far as the host told.
        var left: Int
    }

    private struct Host {
        let workers: Int
        var isOut = false
        var flights: [Flight] = []
        /// The items of all flights that have no outcome.
        var left = 0
        /// The items that it has at most beyond one for each worker.
        var ahead: Int
        /// Items a nanosecond, 0 while that is unknown.
        var rate = 0.0
        /// The items that had their outcome since a time, for the rate.
        var done = 0
        var since = 0
        /// When it last answered, or was handed items while it had none.
        var heard = 0
    }

    /// How long a host is to work on what it has in advance.
    private static let time = 4_000_000.0
    /// Answers that follow each other in less than this are one answer for the rate.
    private static let shortest = 20_000
    private static let mostGrowth = 16
    /// The most bytes of the results of a range, and of what a host has in advance.
    private static let mostBytes = 8 << 20
    private static let mostBytesAhead = 64 << 20
    /// The ranges of a host at most, if it has fewer workers than half of that.
    private static let leastFlights = 8

    private var hosts: [Host]
    private let workers: Int
    /// The items that no host has, the first ones last.
    private var missing: [Range<Int>]
    private var missingCount: Int
    private let mostItems: Int
    private let mostAhead: Int
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
        mostItems = max(1, Self.mostBytes / max(stride, 1))
        let mostAhead = max(1, Self.mostBytesAhead / max(stride, 1))
        self.mostAhead = mostAhead
        hosts = workers.map { Host(workers: max($0, 1), ahead: min(max($0, 1), mostAhead)) }
        self.workers = hosts.reduce(0) { $0 + $1.workers }
        self.fixed = fixed
    }

    /// Whether no item is left and no host has any.
    package var isDone: Bool { (missing.isEmpty || isStopped) && hosts.allSatisfy { $0.flights.isEmpty } }

    /// Whether items are left, and no host runs any more.
    package var isStuck: Bool { !isDone && !isStopped && hosts.allSatisfy { $0.isOut && $0.flights.isEmpty } }

    /// The next items for a host; nil if it has enough, or none are left.
    package mutating func next(for number: Int, at now: Int) -> Range<Int>? {
        let host = hosts[number]
        guard !isStopped, !host.isOut, let first = missing.last else { return nil }
        guard host.flights.count < max(Self.leastFlights, 2 * host.workers), let size = size(for: host) else {
            return nil
        }
        let items = first.prefix(size)
        missing.removeLast()
        if items.upperBound < first.upperBound { missing.append(items.upperBound..<first.upperBound) }
        missingCount -= items.count
        if host.flights.isEmpty {
            // The time without items does not count.
            hosts[number].since += now - host.heard
            hosts[number].heard = now
        }
        hosts[number].flights.append(Flight(items: items, left: items.count))
        hosts[number].left += items.count
        return items
    }

    /// The number of items of the next range for a host; nil if there is little room for them.
    private func size(for host: Host) -> Int? {
        let share = missingCount * host.workers / workers
        // No more than a worker each when few are left: another host may have a free worker first.
        let ahead = min(host.ahead, share)
        let room = host.workers + ahead - host.left
        // A quarter of what it has in advance is a millisecond of work.
        guard room >= max(1, ahead / 4) else { return nil }
        return fixed ?? min(room, max(host.workers, ahead / 2), max(1, share / 2), mostItems)
    }

    /// Takes a host's answer for some items, of which `over` have an outcome now; after the last one all of their range have.
    ///
    /// - Returns: The range; nil if the host has none with such items.
    package mutating func answered(
        _ items: Range<Int>, over: Int, by number: Int, isLast: Bool, at now: Int
    ) -> Range<Int>? {
        guard let place = hosts[number].flights.firstIndex(where: { $0.items.contains(items.lowerBound) }) else {
            return nil
        }
        let flight = hosts[number].flights[place]
        let done = isLast ? flight.left : min(over, flight.left)
        if isLast { hosts[number].flights.remove(at: place) } else { hosts[number].flights[place].left -= done }
        hosts[number].left -= done
        hosts[number].done += done
        hosts[number].heard = now
        measure(&hosts[number], at: now)
        return flight.items
    }

    private func measure(_ host: inout Host, at now: Int) {
        let time = now - host.since
        guard host.done > 0, time >= Self.shortest else { return }
        let rate = Double(host.done) / Double(time)
        host.rate = host.rate == 0 ? rate : (host.rate + rate) / 2
        let wanted = min(host.rate * Self.time, Double(Self.mostGrowth * host.ahead))
        host.ahead = min(max(host.workers, Int(wanted)), mostAhead)
        (host.done, host.since) = (0, now)
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
