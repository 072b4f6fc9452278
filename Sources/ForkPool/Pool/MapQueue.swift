// SPDX-License-Identifier: Apache-2.0
/// Decides which of a pool's workers each of its one-shot maps has, and which maps wait in line.
///
/// A pure state machine: it knows no process, no lock and no clock. `WorkerSharing` carries out the actions that it
/// returns. README.md beside this file says what is fair.
struct MapQueue<Map: Equatable> {
    enum Action: Equatable {
        /// The map has these workers too; one that waits in line begins with them.
        case grant(Map, [Int])
        /// So many workers of the map are to give way, each after its chunk; the last one only when the map's turn is over.
        case recall(Map, Int, isLast: Bool)
    }

    private struct Entry {
        let map: Map
        let priority: Int
        /// The most workers that the map has a use for.
        var wanted: Int
        /// The numbers of its workers.
        var workers: [Int] = []
        /// What it was last told to give back.
        var recalled = 0
        var isLastRecalled = false
        var hasBegun = false
        /// Whether its only worker is beside the bound.
        var isExtra = false
    }

    private let workers: Int
    /// The workers that no map has, the highest number first.
    private var free: [Int]
    /// The maps that have a worker, in the order in which their turns began.
    private var running: [Entry] = []
    /// The maps that have none, in the order in which they get one: those of the highest priority first.
    private var line: [Entry] = []
    /// The maps whose workers were passed on, until their tasks look for them: no worker waits for these.
    private var away: [Entry] = []

    init(workers: Int) {
        self.workers = workers
        free = Array((0..<workers).reversed())
    }

    // MARK: - Questions

    /// The number of maps that wait for their first worker.
    var pending: Int { line.count { !$0.hasBegun } + away.count }

    /// The number of workers that maps have.
    var busy: Int { running.reduce(0) { $0 + $1.workers.count } }

    /// Whether a map that arrives now waits.
    var isFull: Bool { free.isEmpty || !line.isEmpty }

    func hasWorker(where predicate: (Map) -> Bool) -> Bool { running.contains { predicate($0.map) } }

    // MARK: - Arrivals and ends

    /// Adds a map that has a use for `wanted` workers, behind those of its priority in the line if none is free; returns what it
    /// begins with, and what that means for others.
    ///
    /// A map for which one that has workers waits cannot wait, and has a worker beside the bound if none is free.
    mutating func arrive(
        _ map: Map, wanting wanted: Int, priority: Int = 0, cannotWait: Bool = false
    ) -> (workers: [Int]?, [Action]) {
        var entry = Entry(map: map, priority: priority, wanted: wanted)
        if !isFull {
            entry.workers = takeFree(wanted)
        } else if cannotWait {
            (entry.workers, entry.wanted, entry.isExtra) = ([0], 1, true)
        } else {
            enqueue(entry)
            return (nil, recalls())
        }
        entry.hasBegun = true
        running.append(entry)
        return (entry.workers, recalls())
    }

    /// Removes a map, which gives all its workers back.
    mutating func end(_ map: Map) -> [Action] {
        if let number = line.firstIndex(where: { $0.map == map }) {
            line.remove(at: number)
        } else if let number = away.firstIndex(where: { $0.map == map }) {
            away.remove(at: number)
        } else if let number = running.firstIndex(where: { $0.map == map }) {
            let entry = running.remove(at: number)
            if !entry.isExtra { free(entry.workers) }
        }
        return distribute()
    }

    // MARK: - Give and take

    /// Takes workers back from a map, some of which gave way, and notes how many it has a use for now.
    ///
    /// A map that has none left, and wants one, goes behind those of its priority in the line.
    mutating func giveBack(
        _ workers: [Int], of map: Map, gaveWay: Int = 0, wanting wanted: Int, priority: Int = 0
    ) -> [Action] {
        var entry = Entry(map: map, priority: priority, wanted: wanted)
        entry.hasBegun = true
        if let number = running.firstIndex(where: { $0.map == map }) {
            running[number].workers.removeAll { workers.contains($0) }
            if !running[number].isExtra { running[number].wanted = wanted }
            running[number].recalled = max(0, running[number].recalled - gaveWay)
            if !running[number].isExtra { free(workers) }
            if running[number].workers.isEmpty {
                running.remove(at: number)
                if wanted > 0 { enqueue(entry) }
            }
        } else if let number = line.firstIndex(where: { $0.map == map }) {
            line[number].wanted = wanted
            if wanted == 0 { line.remove(at: number) }
        } else if wanted > 0 {
            enqueue(entry)
        }
        return distribute()
    }

    /// Adds a map to the line, behind those of its priority.
    private mutating func enqueue(_ entry: Entry) {
        line.insert(entry, at: line.lastIndex { $0.priority >= entry.priority }.map { $0 + 1 } ?? 0)
    }

    /// Gives the workers of a map that was given some and has not begun to one that waits; the first one is away until it comes
    /// back.
    mutating func pass(from map: Map, to other: Map) -> [Action] {
        guard let from = running.firstIndex(where: { $0.map == map }),
            let to = line.firstIndex(where: { $0.map == other })
        else { return [] }
        var entry = running.remove(at: from)
        var next = line.remove(at: to)
        free(entry.workers)
        next.workers = takeFree(next.wanted)
        next.hasBegun = true
        running.append(next)
        (entry.workers, entry.recalled, entry.isLastRecalled, entry.hasBegun) = ([], 0, false, false)
        away.append(entry)
        return [.grant(other, next.workers)] + distribute()
    }

    /// Has a map that is away wait again, in front of those of its priority.
    mutating func comeBack(_ map: Map) -> [Action] {
        guard let number = away.firstIndex(where: { $0.map == map }) else { return [] }
        let entry = away.remove(at: number)
        line.insert(entry, at: line.firstIndex { $0.priority <= entry.priority } ?? line.endIndex)
        return distribute()
    }

    func waits(_ map: Map) -> Bool { line.contains { $0.map == map } }

    private mutating func takeFree(_ most: Int) -> [Int] {
        let taken = Array(free.suffix(most).reversed())
        free.removeLast(taken.count)
        return taken
    }

    private mutating func free(_ workers: [Int]) {
        for worker in workers { free.insert(worker, at: free.firstIndex { $0 < worker } ?? free.endIndex) }
    }

    /// Gives the free workers out, one at a time: to the first map in line, or else to the one that has the fewest; to one that has
    /// some first if its priority is higher.
    private mutating func distribute() -> [Action] {
        var granted: [(map: Map, workers: [Int])] = []
        while let worker = free.last {
            let number: Int
            if let poorest, line.first.map({ $0.priority < running[poorest].priority }) ?? true {
                number = poorest
            } else {
                guard !line.isEmpty else { break }
                var entry = line.removeFirst()
                (entry.hasBegun, entry.recalled, entry.isLastRecalled) = (true, 0, false)
                running.append(entry)
                number = running.count - 1
            }
            free.removeLast()
            running[number].workers.append(worker)
            if let known = granted.firstIndex(where: { $0.map == running[number].map }) {
                granted[known].workers.append(worker)
            } else {
                granted.append((running[number].map, [worker]))
            }
        }
        return granted.map { .grant($0.map, $0.workers) } + recalls()
    }

    /// The running map that has the fewest workers, of those with the highest priority that want more.
    private var poorest: Int? {
        running.indices.filter { running[$0].workers.count < running[$0].wanted }.min {
            let (one, other) = (running[$0], running[$1])
            return (other.priority, one.workers.count) < (one.priority, other.workers.count)
        }
    }

    // MARK: - Fair shares

    /// Recalls from each map what is above its fair share, as far as other maps are below theirs.
    ///
    /// Where there are more maps than workers each share is one worker, and the maps that began first give theirs to those
    /// of their priority that wait, in turn. What maps of a higher priority can use is no share of others.
    private mutating func recalls() -> [Action] {
        let shares = fairShares
        var actions: [Action] = []
        for number in running.indices where !running[number].isExtra {
            let entry = running[number]
            let share = shares?[number] ?? (size: entry.workers.count, isLent: false)
            let isLast = share.isLent && entry.workers.count == 1
            let count = isLast ? 1 : max(0, entry.workers.count - share.size)
            guard count != entry.recalled || count > 0 && isLast != entry.isLastRecalled else { continue }
            (running[number].recalled, running[number].isLastRecalled) = (count, isLast)
            actions.append(.recall(entry.map, count, isLast: isLast))
        }
        return actions
    }

    /// The fair share of each running map, in workers, and whether its last one is for a map in line in turn; nil if no map has
    /// less than its share.
    private var fairShares: [(size: Int, isLent: Bool)]? {
        guard !line.isEmpty || running.count > 1 && poorest != nil else { return nil }
        var shares = Array(repeating: (size: 0, isLent: false), count: running.count)
        // No map in line is looked at that no worker is left for: there may be thousands.
        var (left, start, last) = (workers, 0, Int?.none)
        while left > 0, let priority = nextPriority(below: last, from: start) {
            let end = placeInLine(below: priority, from: start)
            share(&left, amongMapsOf: priority, waiting: line[start..<end], &shares)
            (start, last) = (end, priority)
        }
        let isEven = line.isEmpty && running.indices.allSatisfy { running[$0].workers.count >= shares[$0].size }
        return isEven ? nil : shares
    }

    /// The highest priority of the running maps below one, and of the maps in line from a place on.
    private func nextPriority(below last: Int?, from start: Int) -> Int? {
        var highest = start < line.count ? line[start].priority : nil
        for entry in running where last.map({ entry.priority < $0 }) ?? true {
            highest = max(highest ?? .min, entry.priority)
        }
        return highest
    }

    /// The first place in line, from one on, of a map below a priority; its end if there is none.
    private func placeInLine(below priority: Int, from start: Int) -> Int {
        var (low, high) = (start, line.count)
        while low < high {
            let middle = (low + high) / 2
            if line[middle].priority >= priority { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Shares what is left of the workers among the maps of a priority.
    private func share(
        _ left: inout Int, amongMapsOf priority: Int, waiting: ArraySlice<Entry>,
        _ shares: inout [(size: Int, isLent: Bool)]
    ) {
        let members = running.indices.filter { running[$0].priority == priority && !running[$0].isExtra }
        // Where there are more than workers left, those that began first have none.
        let holders = members.suffix(left)
        let first = waiting.prefix(left - holders.count)
        // The maps in line that no share is for.
        var excess = members.count + waiting.count - left
        let claims =
            holders.map { (number: $0, wanted: running[$0].wanted, held: running[$0].workers.count) }
            + first.map { (number: -1, wanted: $0.wanted, held: 0) }
        // Small wishes are met in full, and the others share the rest; a map that has more keeps what does not divide.
        let ascending = claims.sorted { ($0.wanted, $0.held) < ($1.wanted, $1.held) }
        for (place, claim) in ascending.enumerated() {
            let size = min(claim.wanted, left / (ascending.count - place))
            left -= size
            if claim.number >= 0 { shares[claim.number].size = size }
        }
        for number in holders where excess > 0 && !waiting.isEmpty {
            guard running[number].workers.count == 1, shares[number].size >= 1 else { continue }
            shares[number].isLent = true
            excess -= 1
        }
    }
}
