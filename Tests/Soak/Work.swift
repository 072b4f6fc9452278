// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport

/// The work of every item: some microseconds, and a result that no other item has.
enum Work {
    static func perform(_ item: Int) -> Int {
        Board.current?.begin(item)
        var state = UInt64(item) + 1
        for _ in 0..<Int(Dice.mix(UInt64(item)) % 4000) { state = Dice.mix(state &+ 1) }
        return state == 0 ? -1 : item * 3 + 1
    }

    static func text(_ item: Int) -> String { "item \(perform(item))" }

    static func expected(_ item: Int) -> Int { item * 3 + 1 }
}

/// The same as a job.
struct WorkJob: ForkPool.Job {
    /// Where its board is, if the round has one.
    var board: String?

    func setUp() async throws {
        if let board, Board.current == nil { Board.current = Board(at: board) }
    }

    func run(_ item: Int) async throws -> Int { Work.perform(item) }
}

extension Kind {
    /// Starts a resident pool; nil for a pool that has none.
    func resident(
        workers: Int, _ options: ForkPool.Options = .init()
    ) throws(ForkPool.Failure) -> ForkPool.Resident<Int, Int>? {
        let pool = ForkPool(workers: workers, options: options)
        switch self {
        case .oneShot: return nil
        case .residentBody: return try pool.resident(Work.perform)
        case .residentJob: return try pool.resident(WorkJob(board: Board.current?.path), start: .fork)
        case .exec: return try pool.resident(WorkJob(board: Board.current?.path), start: .exec)
        }
    }

    /// Maps all items below `count`, and checks each result.
    func map(_ count: Int, workers: Int, _ options: ForkPool.Options) throws(ForkPool.Failure) {
        let pool = try resident(workers: workers, options)
        let results: [Int]
        if let pool {
            results = try pool.map(0..<count)
        } else {
            results = try ForkPool(workers: workers, options: options).map(0..<count, Work.perform)
        }
        pool?.close()
        expect(results.count == count, "a map of \(self) of \(count) items has \(results.count) results")
        for (item, result) in results.enumerated() where result != Work.expected(item) {
            violation("a map of \(self) makes \(result) of item \(item)")
        }
    }

    /// Streams all items below `count` in the order in which they are done, and checks each result.
    func stream(_ count: Int, workers: Int, _ options: ForkPool.Options) throws(ForkPool.Failure) {
        let pool = try resident(workers: workers, options)
        let stream =
            pool?.stream(0..<count, order: .completion)
            ?? ForkPool(workers: workers, options: options).stream(0..<count, order: .completion, Work.perform)
        var seen = [Bool](repeating: false, count: count)
        for (item, result) in stream {
            expect(!seen[item], "a stream of \(self) gives item \(item) twice")
            seen[item] = true
            let value: Int
            switch result {
            case .success(let made): value = made
            case .failure(let failure): throw failure
            }
            expect(value == Work.expected(item), "a stream of \(self) makes \(value) of item \(item)")
        }
        pool?.close()
        if let missing = seen.firstIndex(of: false) { violation("a stream of \(self) has no item \(missing)") }
    }
}
