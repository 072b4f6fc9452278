// SPDX-License-Identifier: Apache-2.0
import Synchronization
import Testing

@testable import ForkPool

@Suite("The size of a chunk")
struct ChunkPolicyTests {
    private static let plenty = 1_000_000

    @Test("is one item while nothing is known and while items take long")
    func long() {
        var policy = ChunkPolicy(fixed: nil, workers: 2)
        #expect(policy.next(remaining: Self.plenty) == 1)
        for _ in 0..<5 {
            policy.took(100_000_000, items: 1)
            #expect(policy.next(remaining: Self.plenty) == 1)
        }
    }

    @Test("doubles while chunks are short, and stays where they take 0.1 to 0.2 ms")
    func grows() {
        var policy = ChunkPolicy(fixed: nil, workers: 2)
        var sizes: [Int] = []
        for _ in 0..<5 {
            let size = policy.next(remaining: Self.plenty)
            sizes.append(size)
            policy.took(size * 10_000, items: size)
        }
        #expect(sizes == [1, 2, 4, 8, 16])
        #expect(policy.next(remaining: Self.plenty) == 16)
    }

    @Test("halves when items become long")
    func halves() {
        var policy = ChunkPolicy(fixed: nil, workers: 2)
        for size in [1, 2, 4, 8] { policy.took(10, items: size) }
        #expect(policy.next(remaining: Self.plenty) == 16)
        policy.took(1_000_000, items: 16)
        #expect(policy.next(remaining: Self.plenty) == 8)
        policy.took(1_000_000, items: 8)
        #expect(policy.next(remaining: Self.plenty) == 4)
        for size in [4, 2, 1, 1] { policy.took(1_000_000, items: size) }
        #expect(policy.next(remaining: Self.plenty) == 1)
    }

    @Test("does not grow by a chunk that the end cut short")
    func cutShort() {
        var policy = ChunkPolicy(fixed: nil, workers: 2)
        for size in [1, 2, 4] { policy.took(10, items: size) }
        policy.took(10, items: 3)
        #expect(policy.next(remaining: Self.plenty) == 8)
    }

    @Test("is at most a quarter of a worker's share of what is left, and at least one item")
    func shrinks() {
        var policy = ChunkPolicy(fixed: nil, workers: 5)
        for power in 0..<16 { policy.took(10, items: 1 << power) }
        #expect([2_000, 200, 40, 39, 20, 1].map { policy.next(remaining: $0) } == [100, 10, 2, 1, 1, 1])
    }

    @Test("is what the options fix, whatever items take")
    func fixed() {
        var policy = ChunkPolicy(fixed: 7, workers: 2)
        #expect(!policy.measures)
        policy.took(1, items: 7)
        #expect(policy.next(remaining: Self.plenty) == 7)
        #expect(policy.next(remaining: 3) == 7)
        #expect(ChunkPolicy(fixed: nil, workers: 2).measures)
    }
}

@Suite("Simulated workers")
struct SimulatedWorkersTests {
    @Test("claim 9 long items one by one, so that 5 of them need the time of two")
    func nineOnFive() {
        let run = Simulation(items: 9, workers: 5) { _ in 100_000_000 }
        #expect(run.claims.map(\.count) == [1, 1, 1, 1, 1, 1, 1, 1, 1])
        #expect(run.end == 200_000_000)
        #expect(run.coversAll)
    }

    @Test("need some thousand claims at most for a million items that take nothing", arguments: [1, 2, 8, 64])
    func aMillion(workers: Int) {
        let run = Simulation(items: 1_000_000, workers: workers) { _ in 2 }
        #expect(run.claims.count <= 4_000)
        #expect(run.coversAll)
    }

    @Test("end within one item of each other where items take long", arguments: [2, 5, 16])
    func together(workers: Int) {
        let run = Simulation(items: 1_000, workers: workers) { _ in 1_000_000 }
        #expect(run.coversAll)
        #expect(run.ends.max()! - run.ends.min()! <= 1_000_000)
    }

    @Test("claim every item once, whatever each takes", arguments: [UInt64(1), 2, 3, 4, 5, 6])
    func random(seed: UInt64) {
        var generator = Seeded(seed)
        let workers = Int.random(in: 1...40, using: &generator)
        let items = Int.random(in: 1...20_000, using: &generator)
        for chunk in [nil, 1, 7, items, .max] as [Int?] {
            let run = Simulation(items: items, workers: workers, chunk: chunk) { item in
                [3, 1_000, 400_000][(item &* 2_654_435_761) >> 7 % 3]
            }
            #expect(run.coversAll)
        }
    }
}

/// Simulates workers: their clocks are numbers.
private struct Simulation {
    private let items: Int
    private(set) var claims: [Range<Int>] = []
    /// When each worker found nothing more, in nanoseconds.
    private(set) var ends: [Int]

    var end: Int { ends.max() ?? 0 }

    init(items: Int, workers: Int, chunk: Int? = nil, nanoseconds: (Int) -> Int) {
        self.items = items
        ends = Array(repeating: 0, count: workers)
        let cursor = Cursor()
        defer { extendLifetime(cursor) }
        var claimants = (0..<workers).map { _ in cursor.claims(count: items) }
        var policies = (0..<workers).map { _ in ChunkPolicy(fixed: chunk, workers: workers) }
        var hasClaimed = Array(repeating: false, count: workers)
        var busy = Set(0..<workers)
        // The worker that is ready first claims next.
        while let worker = busy.min(by: { (ends[$0], $0) < (ends[$1], $1) }) {
            guard let range = claimants[worker].next(policies[worker]) else {
                busy.remove(worker)
                continue
            }
            claims.append(range)
            let time = range.reduce(0) { $0 + nanoseconds($1) }
            // A worker does not time its first chunk.
            if hasClaimed[worker], policies[worker].measures { policies[worker].took(time, items: range.count) }
            hasClaimed[worker] = true
            ends[worker] += time
        }
    }

    /// Whether the claims are the items in order: each once, none left.
    var coversAll: Bool {
        claims.allSatisfy { !$0.isEmpty } && claims.first?.lowerBound == 0 && claims.last?.upperBound == items
            && zip(claims, claims.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound }
    }
}
