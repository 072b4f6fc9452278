// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct NestingTests {
    @Test("F8: a map inside the body of a pool, by a pool of each kind, is right", arguments: Kind.allCases)
    func inside(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for inner in Kind.allCases { NestingScenes.inside(kind, inner) }
        }
    }

    @Test("F8: a worker that dies with a pool of its own takes that along", arguments: Kind.allCases)
    func diesWithPool(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for inner in Kind.allCases { NestingScenes.diesWithPool(kind, inner) }
        }
    }

    @Test("F8: a crash in the innermost of nested maps is told outside with its item", arguments: Kind.allCases)
    func crash(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for inner in Kind.allCases { NestingScenes.crash(kind, inner) }
        }
    }

    // Only the process that made a resident pool can use it.
    @Test("F8: a map inside the body of a map of the same pool, three deep and in a task, is right")
    func samePool() async {
        await #expect(processExitsWith: .success) {
            NestingScenes.samePool()
            await NestingScenes.insideAsynchronous()
        }
    }
}

/// Multiplies a row with a pool of its own.
struct Nesting: PlainJob {
    typealias Input = Int
    typealias Output = [Int]

    let inner: Kind
    /// Where the inner workers send their ids before they sleep; nil lets them work.
    var meeting: String?

    func act(_ row: Int) throws -> [Int] {
        let pool = try inner.start(Performer(), workers: 2, options: .init(chunk: .fixed(1)))
        if let meeting { return try pool.map([.sleep(at: meeting), .sleep(at: meeting)]) }
        // A row below zero crashes at its third number.
        return try pool.map((1...3).map { row < 0 && $0 == 3 ? .raise(SIGABRT) : .give($0 * row) })
    }

    static func answersRight(_ pool: AnyPool<Nesting>) throws {
        #expect(try pool.map(1...3) == [[1, 2, 3], [2, 4, 6], [3, 6, 9]])
    }
}

private enum NestingScenes {
    static func inside(_ kind: Kind, _ inner: Kind) {
        Scene.survive(Nesting(inner: inner), kind, Nesting.answersRight) { pool throws in
            for row in 0..<10 { #expect(try pool(row) == [row, 2 * row, 3 * row]) }
        }
    }

    static func crash(_ kind: Kind, _ inner: Kind) {
        Scene.survive(Nesting(inner: inner), kind, Nesting.answersRight) { pool throws in
            let results = pool.mapResults([1, -1, 2])
            #expect(results[0].value == [1, 2, 3])
            #expect(results[2].value == [2, 4, 6])
            #expect(results[1].failure?.code == .thrown)
            #expect(results[1].failure?.index == 1)
            #expect(results[1].failure?.message.contains("item 2 crashed its worker") == true)
            #expect(results[1].failure?.message.contains("SIGABRT") == true)
        }
    }

    static func diesWithPool(_ kind: Kind, _ inner: Kind) {
        Scene.leaveNothing { () throws in
            let meeting = Rendezvous()
            let pool = try kind.start(Nesting(inner: inner, meeting: meeting.path), workers: 1)
            let isHeard = Rendezvous()
            let task = Task { await pool.mapResults([1]) }
            let workers = (0..<2).map { _ in meeting.receive() }
            #expect(Set(workers).count == 2)
            task.cancel()
            Task {
                let results = await task.value
                #expect(results[0].failure?.code == .cancelled)
                isHeard.arrive()
            }
            Rendezvous.waitForArrivals(1, at: isHeard.path)
            #expect(meeting.everyWriterIsGone())
            pool.close()
        }
    }

    static func samePool() {
        Scene.survive { pool throws in
            let same = try pool.map(1...3) { row in
                try pool.map(1...3) { column in "\(row)\(column)" }
            }
            #expect(same == [["11", "12", "13"], ["21", "22", "23"], ["31", "32", "33"]])
            let deep = try pool.map(0..<2) { (first: Int) -> [[Int]] in
                try pool.map(0..<2) { (second: Int) -> [Int] in
                    try pool.map(0..<2) { (third: Int) -> Int in first * 4 + second * 2 + third }
                }
            }
            #expect(deep == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]])
        }
    }

    static func insideAsynchronous() async {
        await Scene.survive { pool async throws in
            let table = try await pool.map(1...3) { row in
                try pool.map(1...3) { $0 * row }
            }
            #expect(table == [[1, 2, 3], [2, 4, 6], [3, 6, 9]])
        }
    }
}
