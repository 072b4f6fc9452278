import ForkPool
import Glibc
import Testing

@Suite struct ResidentNestingTests {
    @Test("F8: a one-shot map inside the body of a resident pool is right", arguments: Way.allCases)
    func map(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentNestingScenes.map(way) }
    }

    @Test("F8: a resident pool of forks inside the body of a resident pool is right", arguments: Way.allCases)
    func resident(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentNestingScenes.resident(way, .body) }
        await #expect(processExitsWith: .success) { [way] in ResidentNestingScenes.resident(way, .job) }
    }

    @Test("F8: a resident pool by exec inside the body of a resident pool is right", arguments: Way.allCases)
    func residentByExec(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentNestingScenes.resident(way, .exec) }
    }

    @Test("F8: a resident pool inside the body of a one-shot map is right", arguments: Way.allCases)
    func insideMap(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentNestingScenes.insideMap(way) }
    }

    @Test("F8: a worker that dies with a pool of its own takes that along", arguments: Way.allCases)
    func diesWithPool(_ way: Way) async {
        await #expect(processExitsWith: .success) { [way] in ResidentNestingScenes.diesWithPool(way) }
    }
}

/// Multiplies a row by way of a pool of its own.
struct Nesting: PlainJob {
    typealias Input = Int
    typealias Output = [Int]

    /// How the inner pool is started; nil for a one-shot map.
    let inner: Way?
    /// Where the inner workers say their ids, which then sleep; nil for them to work.
    var meeting: String?

    func act(_ row: Int) throws -> [Int] {
        guard let inner else { return try ForkPool(workers: 2).map(1...3) { $0 * row } }
        let pool = try inner.start(Performer(), workers: 2)
        if let meeting { return try pool.map([.sleep(at: meeting), .sleep(at: meeting)]) }
        return try pool.map((1...3).map { .give($0 * row) })
    }
}

private enum ResidentNestingScenes {
    private static func isRight(_ pool: ForkPool.Resident<Int, [Int]>) throws(ForkPool.Failure) {
        #expect(try pool.map(1...3) == [[1, 2, 3], [2, 4, 6], [3, 6, 9]])
    }

    static func map(_ way: Way) {
        ResidentScene.survive(Nesting(inner: nil), way, isRight) { pool throws in
            for row in 0..<20 { #expect(try pool(row) == [row, 2 * row, 3 * row]) }
        }
    }

    static func resident(_ way: Way, _ inner: Way) {
        ResidentScene.survive(Nesting(inner: inner), way, isRight) { pool throws in
            for row in 0..<10 { #expect(try pool(row) == [row, 2 * row, 3 * row]) }
        }
    }

    static func insideMap(_ way: Way) {
        Scene.survive { pool throws in
            let table = try pool.map(1...3) { row in
                let inner = try way.start(Performer())
                return try inner.map((1...3).map { .give($0 * row) })
            }
            #expect(table == [[1, 2, 3], [2, 4, 6], [3, 6, 9]])
        }
    }

    static func diesWithPool(_ way: Way) {
        for inner in Way.allCases {
            Scene.setDeadline()
            do {
                let meeting = Rendezvous()
                let pool = try way.start(Nesting(inner: inner, meeting: meeting.path), workers: 1)
                let call = pool.submit(1)
                let workers = (0..<2).map { _ in meeting.receive() }
                #expect(Set(workers).count == 2)
                call.cancel()
                #expect(failure(of: call.wait)?.code == .cancelled)
                #expect(meeting.everyWriterIsGone())
            } catch {
                Issue.record(error)
            }
        }
    }
}
