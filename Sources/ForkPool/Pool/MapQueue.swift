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
    /// The maps that have none, in the order in which they get one.
    private var line: [Entry] = []

    init(workers: Int) {
        self.workers = workers
        free = Array((0..<workers).reversed())
    }

    // MARK: - Questions

    /// The number of maps that wait for their first worker.
    var pending: Int { line.count { !$0.hasBegun } }

    /// The number of workers that maps have.
    var busy: Int { running.reduce(0) { $0 + $1.workers.count } }

    /// Whether a map that arrives now waits.
    var isFull: Bool { free.isEmpty || !line.isEmpty }

    func hasWorker(where predicate: (Map) -> Bool) -> Bool { running.contains { predicate($0.map) } }

    // MARK: - Arrivals and ends

    /// Adds a map that has a use for `wanted` workers, at the end of the line if none is free; returns what it begins with, and
    /// what that means for others.
    ///
    /// A map for which one that has workers waits cannot wait, and has a worker beside the bound if none is free.
    mutating func arrive(_ map: Map, wanting wanted: Int, cannotWait: Bool = false) -> (workers: [Int]?, [Action]) {
        var entry = Entry(map: map, wanted: wanted)
        if !isFull {
            entry.workers = takeFree(wanted)
        } else if cannotWait {
            (entry.workers, entry.wanted, entry.isExtra) = ([0], 1, true)
        } else {
            line.append(entry)
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
        } else if let number = running.firstIndex(where: { $0.map == map }) {
            let entry = running.remove(at: number)
            if !entry.isExtra { free(entry.workers) }
        }
        return distribute()
    }

    // MARK: - Give and take

    /// Takes workers back from a map, some of which gave way, and notes how many it has a use for now.
    ///
    /// A map that has none left, and wants one, goes to the end of the line.
    mutating func giveBack(_ workers: [Int], of map: Map, gaveWay: Int = 0, wanting wanted: Int) -> [Action] {
        var entry = Entry(map: map, wanted: wanted)
        entry.hasBegun = true
        if let number = running.firstIndex(where: { $0.map == map }) {
            running[number].workers.removeAll { workers.contains($0) }
            if !running[number].isExtra { running[number].wanted = wanted }
            running[number].recalled = max(0, running[number].recalled - gaveWay)
            if !running[number].isExtra { free(workers) }
            if running[number].workers.isEmpty {
                running.remove(at: number)
                if wanted > 0 { line.append(entry) }
            }
        } else if let number = line.firstIndex(where: { $0.map == map }) {
            line[number].wanted = wanted
            if wanted == 0 { line.remove(at: number) }
        } else if wanted > 0 {
            line.append(entry)
        }
        return distribute()
    }

    /// Gives the workers of a map that was given some and has not begun to one that waits; the first one waits in front.
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
        line.insert(entry, at: 0)
        return [.grant(other, next.workers)] + distribute()
    }

    private mutating func takeFree(_ most: Int) -> [Int] {
        let taken = Array(free.suffix(most).reversed())
        free.removeLast(taken.count)
        return taken
    }

    private mutating func free(_ workers: [Int]) {
        for worker in workers { free.insert(worker, at: free.firstIndex { $0 < worker } ?? free.endIndex) }
    }

    /// Gives the free workers out, one at a time: to the first map in line, or else to the one that has the fewest.
    private mutating func distribute() -> [Action] {
        var granted: [(map: Map, workers: [Int])] = []
        while let worker = free.last {
            let number: Int
            if line.isEmpty {
                guard let poorest = poorest else { break }
                number = poorest
            } else {
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

    /// The running map that has the fewest workers of those that want more.
    private var poorest: Int? {
        running.indices.filter { running[$0].workers.count < running[$0].wanted }
            .min { running[$0].workers.count < running[$1].workers.count }
    }

    // MARK: - Fair shares

    /// Recalls from each map what is above its fair share, as far as other maps are below theirs.
    ///
    /// Where there are more maps than workers each share is one worker, and the maps that began first give theirs to those
    /// that wait, in turn.
    private mutating func recalls() -> [Action] {
        var actions: [Action] = []
        let shares = fairShares
        // The maps in line that no share is for.
        var excess = running.count + line.count - workers
        for number in running.indices where !running[number].isExtra {
            let entry = running[number]
            var count = 0
            var isLast = false
            if let shares {
                count = max(0, entry.workers.count - shares[number])
                isLast = excess > 0 && !line.isEmpty && count == 0 && entry.workers.count == 1
                if isLast { (count, excess) = (1, excess - 1) }
            }
            guard count != entry.recalled || count > 0 && isLast != entry.isLastRecalled else { continue }
            (running[number].recalled, running[number].isLastRecalled) = (count, isLast)
            actions.append(.recall(entry.map, count, isLast: isLast))
        }
        return actions
    }

    /// The fair share of each running map, in workers; nil if no map has less than its share.
    private var fairShares: [Int]? {
        guard !line.isEmpty || running.count > 1 && poorest != nil else { return nil }
        let first = line.prefix(max(0, workers - running.count))
        let claims = (running + first).enumerated().map { (number: $0, wanted: $1.wanted, held: $1.workers.count) }
        var shares = Array(repeating: 0, count: claims.count)
        var left = workers
        // Small wishes are met in full, and the others share the rest; a map that has more keeps what does not divide.
        let ascending = claims.sorted { ($0.wanted, $0.held) < ($1.wanted, $1.held) }
        for (place, claim) in ascending.enumerated() {
            shares[claim.number] = min(claim.wanted, max(1, left / (ascending.count - place)))
            left -= shares[claim.number]
        }
        let isEven = line.isEmpty && claims.allSatisfy { $0.held >= shares[$0.number] }
        return isEven ? nil : shares
    }
}
