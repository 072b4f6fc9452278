import ForkPool
import Glibc

/// Chapters 1 to 3: ten slow sums in a loop, lazily, and in a pool.
struct SlowSums {
    private typealias Pair = (x: Int, y: Int)
    private static let pairs: [Pair] = (1...10).map { (x: $0, y: 10 * $0) }

    /// Adds, after a wait that stands for a slow disk, a network or a device.
    private static func add(_ x: Int, _ y: Int) -> Int {
        usleep(100_000)
        return x + y
    }

    /// Adds in a loop.
    static func loop(_ narrator: Narrator) -> JSON {
        narrator.chapter(1, "One after another")
        narrator.prose(
            """
            add() takes a tenth of a second, most of which it waits, as code does that talks
            to a disk or a network. Ten pairs in a loop wait ten times.
            """
        )
        narrator.code(
            """
            func add(_ x: Int, _ y: Int) -> Int { usleep(100_000); return x + y }
            let pairs = (1...10).map { (x: $0, y: 10 * $0) }
            var sums: [Int] = []
            for (x, y) in pairs { sums.append(add(x, y)) }
            """
        )
        let (sums, seconds) = timed {
            var sums: [Int] = []
            for (x, y) in pairs { sums.append(add(x, y)) }
            return sums
        }
        narrator.result(list(sums), seconds: seconds)
        return .chapter(1, "loop", seconds, sums, [])
    }

    /// Adds in a lazy map, and shows every sum when it comes.
    static func lazily(_ narrator: Narrator) -> JSON {
        narrator.chapter(2, "A map, one result at a time")
        narrator.prose(
            """
            A map says the same in one line. A lazy one hands over each result as soon as it
            is there, but the whole takes as long: still one thing happens at a time.
            """
        )
        narrator.code(
            """
            for sum in pairs.lazy.map({ x, y in add(x, y) }) { print(sum, time()) }
            """
        )
        var sums: [Int] = []
        var arrivals: [Double] = []
        let start = ContinuousClock.now
        for sum in pairs.lazy.map({ x, y in add(x, y) }) {
            sums.append(sum)
            arrivals.append(start.secondsSince)
            narrator.part("\(right(String(sum), 5)) at \(fixed(start.secondsSince, 2)) s")
            if sums.count == 5 { narrator.part("\n") }
        }
        let seconds = start.secondsSince
        narrator.part("\n")
        narrator.result("", seconds: seconds)
        return .chapter(2, "lazy", seconds, sums, [("arrivals", .array(arrivals.map { .seconds($0) }))])
    }

    /// Adds in pools of 5 and of 10 workers.
    static func pooled(_ source: TourWorkers, _ narrator: Narrator) throws(ForkPool.Failure) -> JSON {
        narrator.chapter(3, "A pool of workers")
        explain(source, narrator)
        var runs: [JSON] = []
        var results: [Int] = []
        var total = 0.0
        for workers in [5, 10] {
            let (map, start) = try source.mapper(ForkPool(workers: workers)) { (pair: Pair) in add(pair.x, pair.y) }
            if let start { narrator.result("\(right(String(workers), 2)) workers start", seconds: start) }
            let (sums, seconds) = try timed { () throws(ForkPool.Failure) in try map(pairs) }
            narrator.result("\(right(String(workers), 2)) workers: \(list(sums))", seconds: seconds)
            let run: [(String, JSON)] = [
                ("workers", .integer(workers)), ("seconds", .seconds(seconds)), ("results", .integers(sums)),
            ]
            runs.append(.object(run + JSON.start(start)))
            results = sums
            total += seconds
        }
        return .chapter(3, "pool", total, results, [("runs", .array(runs))])
    }

    private static func explain(_ source: TourWorkers, _ narrator: Narrator) {
        switch source {
        case .forEachMap:
            narrator.prose(
                """
                A ForkPool maps in processes of its own: five workers wait at the same time, so ten sums take two
                rounds, and ten workers need one. The results come back in the order of the input, whoever was first.
                """
            )
            narrator.code(
                """
                let sums = try ForkPool(workers: 5).map(pairs) { x, y in add(x, y) }
                let same = try ForkPool(workers: 10).map(pairs) { x, y in add(x, y) }
                """
            )
        case .resident:
            narrator.prose(
                """
                A resident pool maps in processes of its own, which are started once and stay for the next map:
                five workers wait at the same time, so ten sums take two rounds, and ten workers need one. The
                results come back in the order of the input, whoever was first.
                """
            )
            narrator.code(
                """
                typealias Pair = (x: Int, y: Int)
                let adder = try ForkPool(workers: 5).resident { (p: Pair) in add(p.x, p.y) }
                let sums = try adder.map(pairs)
                """
            )
        }
    }

    private static func list(_ numbers: [Int]) -> String {
        numbers.map { String($0) }.joined(separator: " ")
    }
}
