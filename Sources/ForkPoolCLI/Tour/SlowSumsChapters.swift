// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// Chapters 1 to 3: ten slow sums in a loop, lazily, and in a pool.
struct SlowSumsChapters {
    private static let pairs = TourPairs.all

    /// Adds after a wait, as if a disk, a network or a device were slow.
    private static func add(_ x: Int, _ y: Int) -> Int {
        usleep(100_000)
        return x + y
    }

    /// Runs chapter 1: adds in a loop.
    static func loop(_ printer: TourPrinter) -> JSON {
        printer.chapter(1, "One after another")
        printer.prose(
            """
            add() takes a tenth of a second, and spends it waiting, as code does that uses a
            disk or a network. Ten pairs in a loop wait ten times.
            """
        )
        printer.code(
            """
            func add(_ x: Int, _ y: Int) -> Int { usleep(100_000); return x + y }
            \(TourPairs.code)
            var sums: [Int] = []
            for (x, y) in pairs { sums.append(add(x, y)) }
            """
        )
        let (sums, seconds) = timed {
            var sums: [Int] = []
            for (x, y) in pairs { sums.append(add(x, y)) }
            return sums
        }
        printer.result(TourPairs.list(sums), seconds: seconds)
        return .chapter(1, "loop", seconds, sums, [])
    }

    /// Runs chapter 2: adds in a lazy map, and prints each sum when it arrives.
    static func lazily(_ printer: TourPrinter) -> JSON {
        printer.chapter(2, "A map, one result at a time")
        printer.prose(
            """
            A map does the same in one line. A lazy map gives each result as soon as it is
            ready, but all of them take as long: it still does one thing at a time.
            """
        )
        printer.code(
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
            printer.part("\(right(String(sum), 5)) at \(fixed(start.secondsSince, 2)) s")
            if sums.count == 5 { printer.part("\n") }
        }
        let seconds = start.secondsSince
        printer.part("\n")
        printer.result("", seconds: seconds)
        return .chapter(2, "lazy", seconds, sums, [("arrivals", .array(arrivals.map { .seconds($0) }))])
    }

    /// Runs chapter 3: adds in pools of 5 and of 10 workers.
    static func pooled(_ source: TourWorkers, _ printer: TourPrinter) throws(ForkPool.Failure) -> JSON {
        printer.chapter(3, "A pool of workers")
        explain(source, printer)
        var runs: [JSON] = []
        var results: [Int] = []
        var total = 0.0
        for workers in [5, 10] {
            let (map, start) = try source.mapper(ForkPool(workers: workers)) { (p: (Int, Int)) in add(p.0, p.1) }
            if let start { printer.result("\(right(String(workers), 2)) workers start", seconds: start) }
            let (sums, seconds) = try timed { () throws(ForkPool.Failure) in try map(pairs) }
            printer.result("\(right(String(workers), 2)) workers: \(TourPairs.list(sums))", seconds: seconds)
            let run: [(String, JSON)] = [
                ("workers", .integer(workers)), ("seconds", .seconds(seconds)), ("results", .integers(sums)),
            ]
            runs.append(.object(run + JSON.start(start)))
            results = sums
            total += seconds
        }
        return .chapter(3, "pool", total, results, [("runs", .array(runs))])
    }

    private static func explain(_ source: TourWorkers, _ printer: TourPrinter) {
        switch source {
        case .forEachMap:
            printer.prose(
                """
                A ForkPool maps in worker processes: five workers wait at the same time, so ten sums take two
                rounds, and ten workers need one. The results are in the order of the input, whichever came first.
                """
            )
            printer.code(
                """
                let sums = try ForkPool(workers: 5).map(pairs) { x, y in add(x, y) }
                let same = try ForkPool(workers: 10).map(pairs) { x, y in add(x, y) }
                """
            )
        case .resident:
            printer.prose(
                """
                A resident pool maps in worker processes that start once and stay for the next map: five workers
                wait at the same time, so ten sums take two rounds, and ten workers need one. The results are in
                the order of the input, whichever came first.
                """
            )
            printer.code(
                """
                let pool = ForkPool(workers: 5)
                let adder = try pool.resident { (p: (Int, Int)) in add(p.0, p.1) }
                let sums = try adder.map(pairs)
                """
            )
        }
    }
}
#endif
