// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport

/// Makes, uses and ends many pools in a row, in every way: none leaves anything.
enum Pools {
    private enum Ending: CaseIterable {
        case closed
        case cancelled
        case dropped
        case cancelledBusy
        case droppedBusy
        case droppedUnused
    }

    static func run(_ setting: Setting) -> String {
        let count = setting.pick(short: 120, long: 1000)
        var dice = setting.dice()
        let board = Board(items: 0)
        Board.current = board
        // Make everything that a process has once before counting.
        for kind in Kind.allCases { use(kind, .closed, &dice) }
        var pristine = Census.now
        var kinds: [Kind: Int] = [:]
        for number in 0..<count {
            let kind = Kind.allCases[number % Kind.allCases.count]
            let ending = Ending.allCases.randomElement(using: &dice)!
            use(kind, ending, &dice)
            Census.expectNothingLeft(since: &pristine, "pool \(number), \(kind) \(ending),")
            kinds[kind, default: 0] += 1
        }
        let each = Kind.allCases.map { "\(kinds[$0] ?? 0) \($0)" }.joined(separator: ", ")
        return "\(grouped(count)) in a row (\(each)), nothing left of any"
    }

    private static func use(_ kind: Kind, _ ending: Ending, _ dice: inout Dice) {
        let workers = Int.random(in: 1...4, using: &dice)
        let count = Int.random(in: 0...60, using: &dice)
        do throws(ForkPool.Failure) {
            guard let pool = try kind.resident(workers: workers) else { return try useOneShot(ending, workers, count) }
            if ending == .droppedUnused { return }
            expect(try pool.map(0..<count) == (0..<count).map(Work.expected), "a map of \(kind) is wrong")
            switch ending {
            case .closed: pool.close()
            case .cancelled: pool.cancel()
            case .dropped, .droppedUnused: break
            case .cancelledBusy, .droppedBusy:
                let calls = (0..<count).map { pool.submit($0) }
                if ending == .cancelledBusy { pool.cancel() }
                for (item, call) in calls.enumerated() { check(call, item) }
            }
        } catch {
            violation("a pool of \(kind) that is \(ending): \(error)")
        }
    }

    /// A call is right, or was cancelled with its pool.
    private static func check(_ call: ForkPool.Call<Int>, _ item: Int) {
        do throws(ForkPool.Failure) {
            expect(try call.wait() == Work.expected(item), "a call is wrong")
        } catch {
            expect(error.code == .cancelled, "a call of a cancelled pool fails as \(error)")
        }
    }

    private static func useOneShot(_ ending: Ending, _ workers: Int, _ count: Int) throws(ForkPool.Failure) {
        let pool = ForkPool(workers: workers)
        switch ending {
        case .closed, .droppedUnused:
            expect(try pool.map(0..<count, Work.perform) == (0..<count).map(Work.expected), "a map is wrong")
        case .cancelled, .cancelledBusy, .droppedBusy:
            // A stream that is left early ends with its pool.
            for (item, result) in pool.stream(0..<count, Work.perform) {
                expect(try result.get() == Work.expected(item), "a stream is wrong")
                if item == count / 2 { break }
            }
        case .dropped:
            let texts = try pool.map(0..<count, Work.text)
            expect(texts == (0..<count).map { "item \(Work.expected($0))" }, "a map to strings is wrong")
        }
    }
}
