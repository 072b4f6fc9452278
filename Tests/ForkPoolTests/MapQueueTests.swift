// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool

@Suite("The queue of a pool's maps")
struct MapQueueTests {
    private typealias Queue = MapQueue<Int>

    private func arrive(_ map: Int, _ wanted: Int, in queue: inout Queue, cannotWait: Bool = false) -> [Int]? {
        queue.arrive(map, wanting: wanted, cannotWait: cannotWait).workers
    }

    @Test("gives a map the lowest free workers: as many as it wants, or as there are")
    func grant() {
        var queue = Queue(workers: 4)
        #expect(!queue.isFull && queue.busy == 0 && queue.pending == 0)
        let first = queue.arrive(1, wanting: 3)
        #expect(first.workers == [0, 1, 2] && first.1 == [])
        #expect(!queue.isFull && queue.busy == 3)
        // The second one wants more than there is; both are to have two.
        let second = queue.arrive(2, wanting: 3)
        #expect(second.workers == [3] && second.1 == [.recall(1, 1, isLast: false)])
        #expect(queue.isFull && queue.busy == 4 && queue.pending == 0)
        #expect(queue.giveBack([1], of: 1, gaveWay: 1, wanting: 3) == [.grant(2, [1])])
        #expect(queue.end(1) == [.grant(2, [0])])
        #expect(queue.busy == 3)
        #expect(queue.end(2) == [])
        #expect(arrive(3, 9, in: &queue) == [0, 1, 2, 3])
    }

    @Test("has the maps in line begin in the order in which they came")
    func order() {
        var queue = Queue(workers: 2)
        #expect(arrive(0, 1, in: &queue) == [0])
        #expect(arrive(1, 1, in: &queue) == [1])
        for map in 2..<50 { #expect(arrive(map, 1, in: &queue) == nil) }
        #expect(queue.pending == 48 && queue.busy == 2)
        for map in 0..<48 {
            let begun = queue.end(map).compactMap { action -> Int? in
                if case .grant(let other, [map % 2]) = action { other } else { nil }
            }
            #expect(begun == [map + 2])
        }
        #expect(queue.pending == 0 && queue.busy == 2)
    }

    @Test("lets no map that comes later pass one that waits")
    func barging() {
        var queue = Queue(workers: 2)
        #expect(arrive(1, 2, in: &queue) == [0, 1])
        #expect(arrive(2, 1, in: &queue) == nil)
        #expect(arrive(3, 1, in: &queue) == nil)
        #expect(queue.giveBack([0], of: 1, gaveWay: 1, wanting: 1).first == .grant(2, [0]))
        #expect(arrive(4, 1, in: &queue) == nil)
        #expect(queue.end(2).first == .grant(3, [0]))
    }

    @Test("recalls what is above a map's share as soon as another one waits, and gives it back when none does")
    func share() {
        var queue = Queue(workers: 2)
        #expect(arrive(1, 2, in: &queue) == [0, 1])
        #expect(queue.arrive(2, wanting: 2).1 == [.recall(1, 1, isLast: false)])
        #expect(queue.giveBack([1], of: 1, gaveWay: 1, wanting: 2) == [.grant(2, [1])])
        #expect(queue.end(2) == [.grant(1, [1])])
        #expect(queue.busy == 2)
    }

    @Test("recalls the only worker of a map too where there are more maps than workers, and each has its turn again")
    func turns() {
        var queue = Queue(workers: 2)
        #expect(arrive(1, 2, in: &queue) == [0, 1])
        #expect(queue.arrive(2, wanting: 2).1 == [.recall(1, 1, isLast: false)])
        #expect(queue.arrive(3, wanting: 2).1 == [])
        #expect(
            queue.giveBack([1], of: 1, gaveWay: 1, wanting: 2) == [.grant(2, [1]), .recall(1, 1, isLast: true)])
        #expect(queue.pending == 1)
        // The first map now waits behind the third one, but is not pending.
        #expect(
            queue.giveBack([0], of: 1, gaveWay: 1, wanting: 2) == [.grant(3, [0]), .recall(2, 1, isLast: true)])
        #expect(queue.pending == 0 && queue.isFull)
        #expect(queue.end(2) == [.grant(1, [1])])
        #expect(queue.end(3) == [.grant(1, [0])])
        #expect(queue.end(1) == [])
        #expect(queue.busy == 0)
    }

    @Test("recalls nothing any more when the map in line is cancelled")
    func cancelled() {
        var queue = Queue(workers: 2)
        #expect(arrive(1, 2, in: &queue) == [0, 1])
        #expect(queue.arrive(2, wanting: 2).1 == [.recall(1, 1, isLast: false)])
        #expect(queue.end(2) == [.recall(1, 0, isLast: false)])
        #expect(queue.pending == 0 && queue.busy == 2)
    }

    @Test("recalls nothing any more when a map gives a worker back for want of items")
    func needless() {
        var queue = Queue(workers: 2)
        #expect(arrive(1, 2, in: &queue) == [0, 1])
        #expect(queue.arrive(2, wanting: 2).1 == [.recall(1, 1, isLast: false)])
        #expect(queue.giveBack([0], of: 1, wanting: 1) == [.grant(2, [0]), .recall(1, 0, isLast: false)])
    }

    @Test("puts a map without workers and wishes into no line, and takes one that wants some again")
    func wishes() {
        var queue = Queue(workers: 1)
        #expect(arrive(1, 1, in: &queue) == [0])
        #expect(queue.giveBack([0], of: 1, wanting: 0) == [])
        #expect(!queue.isFull && queue.busy == 0)
        #expect(queue.giveBack([], of: 1, wanting: 1) == [.grant(1, [0])])
        #expect(arrive(2, 1, in: &queue) == nil)
        #expect(queue.giveBack([0], of: 1, gaveWay: 1, wanting: 1).first == .grant(2, [0]))
        // It waits again, and then has nothing left to do.
        #expect(queue.giveBack([], of: 1, wanting: 0) == [.recall(2, 0, isLast: false)])
        #expect(queue.end(1) == [])
        #expect(queue.end(2) == [])
    }

    @Test("gives small wishes in full, and what does not divide to the map that has it")
    func unevenWishes() {
        var queue = Queue(workers: 8)
        #expect(arrive(1, 8, in: &queue) == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(queue.arrive(2, wanting: 1).1 == [.recall(1, 1, isLast: false)])
        // One for the second map; of the other seven three for the third map, and four stay.
        #expect(queue.arrive(3, wanting: 8).1 == [.recall(1, 4, isLast: false)])
        #expect(
            queue.giveBack([0, 1, 2, 3], of: 1, gaveWay: 4, wanting: 8) == [.grant(2, [0]), .grant(3, [1, 2, 3])])
    }

    @Test("gives a map that cannot wait a worker beside the bound, and nothing else")
    func cannotWait() {
        var queue = Queue(workers: 1)
        #expect(arrive(1, 1, in: &queue, cannotWait: true) == [0])
        let inner = queue.arrive(2, wanting: 3, cannotWait: true)
        #expect(inner.workers == [0] && inner.1 == [])
        #expect(queue.busy == 2)
        #expect(queue.end(2) == [])
        #expect(queue.isFull && queue.busy == 1)
        #expect(arrive(3, 1, in: &queue) == nil)
        #expect(queue.end(1) == [.grant(3, [0])])
    }

    @Test("passes the worker of a map that does not begin to another one, and the first one is next")
    func pass() {
        var queue = Queue(workers: 1)
        #expect(arrive(1, 1, in: &queue) == [0])
        for map in 2...4 { #expect(arrive(map, 1, in: &queue) == nil) }
        #expect(queue.end(1) == [.grant(2, [0]), .recall(2, 1, isLast: true)])
        #expect(queue.pass(from: 2, to: 4) == [.grant(4, [0]), .recall(4, 1, isLast: true)])
        #expect(queue.pending == 2 && !queue.waits(2) && queue.waits(3))
        // Until it comes back no map waits for it, and then it is the next.
        #expect(queue.comeBack(2) == [])
        #expect(queue.waits(2) && queue.comeBack(2) == [])
        #expect(queue.end(4).first == .grant(2, [0]))
        #expect(queue.pass(from: 4, to: 3) == [])
    }

    @Test("neither recalls a worker for a map that is away nor keeps one free for it, and gives it one when it is back")
    func away() {
        var queue = Queue(workers: 1)
        #expect(arrive(1, 1, in: &queue) == [0])
        #expect(queue.arrive(2, wanting: 1, priority: 5).workers == nil)
        #expect(arrive(3, 1, in: &queue) == nil)
        #expect(queue.end(1).first == .grant(2, [0]))
        #expect(queue.pass(from: 2, to: 3) == [.grant(3, [0])])
        #expect(queue.comeBack(2) == [.recall(3, 1, isLast: false)])
        #expect(queue.giveBack([0], of: 3, gaveWay: 1, wanting: 1).first == .grant(2, [0]))
        #expect(queue.pass(from: 2, to: 3) == [.grant(3, [0])])
        #expect(queue.end(3) == [] && !queue.isFull && queue.pending == 1)
        #expect(queue.comeBack(2) == [.grant(2, [0])])
        #expect(arrive(4, 1, in: &queue) == nil)
        #expect(queue.pass(from: 2, to: 4) == [.grant(4, [0])])
        // One that leaves meanwhile is gone.
        #expect(queue.end(2) == [] && queue.pending == 0 && queue.comeBack(2) == [])
    }

    @Test("never has a worker at two maps or a free one beside a map that waits, and gives each map its turn")
    func random() {
        for seed in 0..<60 { Crowd(seed: UInt64(seed)).run() }
    }
}

/// Maps that come, give way, run out of items, and end at random; expects what must hold after each step.
private struct Crowd {
    private let workers: Int
    private let seed: UInt64
    private var dice: Dice
    private var queue: MapQueue<Int>
    /// What each map has, wants, and is to give back.
    private var held: [Int: Set<Int>] = [:]
    private var wanted: [Int: Int] = [:]
    private var recalled: [Int: Int] = [:]
    /// The maps that were given a worker.
    private var turns: Set<Int> = []

    init(seed: UInt64) {
        self.seed = seed
        dice = Dice(state: seed)
        workers = Int.random(in: 1...5, using: &dice)
        queue = MapQueue(workers: workers)
    }

    consuming func run() {
        for map in 0..<60 {
            if Int.random(in: 0..<3, using: &dice) > 0 { arrive(map) }
            if let any = held.keys.sorted().randomElement(using: &dice) {
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: end(any)
                case 1: runOut(any)
                default: giveWay(any)
                }
            }
            check()
        }
        settle()
        while let any = held.keys.sorted().first {
            end(any)
            check()
        }
        #expect(queue.busy == 0 && !queue.isFull, "seed \(seed)")
    }

    private mutating func arrive(_ map: Int) {
        let wish = Int.random(in: 1...workers, using: &dice)
        (held[map], wanted[map], recalled[map]) = ([], wish, 0)
        let (given, actions) = queue.arrive(map, wanting: wish)
        held[map]!.formUnion(given ?? [])
        perform(actions)
    }

    private mutating func end(_ map: Int) {
        (held[map], wanted[map], recalled[map]) = (nil, nil, nil)
        perform(queue.end(map))
    }

    private mutating func giveWay(_ map: Int) {
        guard recalled[map]! > 0, let worker = held[map]!.randomElement(using: &dice) else { return }
        held[map]!.remove(worker)
        recalled[map]! -= 1
        perform(queue.giveBack([worker], of: map, gaveWay: 1, wanting: wanted[map]!))
    }

    private mutating func runOut(_ map: Int) {
        guard let worker = held[map]!.randomElement(using: &dice) else { return }
        held[map]!.remove(worker)
        wanted[map] = held[map]!.count
        perform(queue.giveBack([worker], of: map, wanting: wanted[map]!))
    }

    private mutating func perform(_ actions: [MapQueue<Int>.Action]) {
        for action in actions {
            switch action {
            case .grant(let map, let workers):
                #expect(held[map]?.isDisjoint(with: workers) == true, "seed \(seed)")
                held[map]?.formUnion(workers)
                turns.insert(map)
            case .recall(let map, let count, _): recalled[map] = count
            }
        }
    }

    /// Has maps give way as they are told, until each that waits had its turn.
    private mutating func settle() {
        turns = Set(held.keys.filter { !held[$0]!.isEmpty })
        for _ in 0..<3 * (held.count + 1) {
            for map in held.keys.sorted() where recalled[map]! > 0 { giveWay(map) }
            check()
        }
        #expect(turns.isSuperset(of: held.keys.filter { wanted[$0]! > 0 }), "seed \(seed)")
        // Where all have one, none has two more than another one that wants more.
        let shares = held.keys.filter { wanted[$0]! > 0 }.map {
            (held: held[$0]!.count, wants: wanted[$0]! > held[$0]!.count)
        }
        let (most, fewest) = (shares.map(\.held).max() ?? 0, shares.filter(\.wants).map(\.held).min() ?? 9)
        #expect(most - fewest < 2, "seed \(seed)")
    }

    private func check() {
        let all = held.values.flatMap { $0 }
        #expect(all.count == Set(all).count && all.allSatisfy { (0..<workers).contains($0) }, "seed \(seed)")
        #expect(queue.busy == all.count, "seed \(seed)")
        for (map, workers) in held { #expect(workers.count <= wanted[map]!, "seed \(seed)") }
        let waits = held.contains { $1.count < wanted[$0]! }
        #expect(!waits || all.count == workers, "seed \(seed)")
    }
}
