// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// Chapter 4: computation, which only more processors speed up.
struct ComputationChapter {
    private static let turns = 3_000_000
    private static let rounds = 3

    /// Adds after three million turns of a loop, which never waits.
    ///
    /// The loop counts odd pseudo-random numbers, so that the compiler cannot leave it out.
    private static func add(_ x: Int, _ y: Int) -> (sum: Int, odd: Int) {
        var state = UInt64(x + y)
        var odd = 0
        for _ in 0..<turns {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            odd &+= Int(state & 1)
        }
        return (x + y, odd)
    }

    /// Computes with 1 and with 10 workers, and explains the speed-up.
    static func run(_ source: TourWorkers, _ printer: TourPrinter) throws(ForkPool.Failure) -> JSON {
        let processors = ForkPool.availableProcessors
        printer.chapter(4, "Pure computation")
        printer.prose(
            """
            Any number of waits can overlap; computation cannot. Now add() does not wait: it
            turns a loop three million times for each of the ten pairs. Each time is the
            best of three runs.
            """
        )
        printer.code(code(source))
        var runs: [JSON] = []
        var best: [Double] = []
        var results: [(sum: Int, odd: Int)] = []
        var total = 0.0
        for workers in [1, 10] {
            let (map, start) = try source.mapper(ForkPool(workers: workers)) { (p: (Int, Int)) in add(p.0, p.1) }
            var times: [Double] = []
            for _ in 0..<rounds {
                let (added, seconds) = try timed { () throws(ForkPool.Failure) in try map(TourPairs.all) }
                times.append(seconds)
                results = added
            }
            let seconds = times.min() ?? 0
            let label = right(counted(workers, "worker"), 10)
            printer.result("\(label): \(TourPairs.list(results.map(\.sum)))", seconds: seconds)
            runs.append(.object([("workers", .integer(workers)), ("seconds", .seconds(seconds))] + JSON.start(start)))
            best.append(seconds)
            total += times.reduce(0, +)
        }
        let speedUp = best[0] / max(best[1], 1e-9)
        printer.part("\n")
        printer.prose(lesson(speedUp, processors))
        return .chapter(
            4,
            "computation",
            total,
            results.map(\.sum),
            [
                ("odd", .integers(results.map(\.odd))),
                ("runs", .array(runs)), ("speed_up", .number((speedUp * 100).rounded() / 100)),
                ("processors", .integer(processors)),
            ]
        )
    }

    private static func code(_ source: TourWorkers) -> String {
        let add = """
            func add(_ x: Int, _ y: Int) -> Int { turnLoop(3_000_000); return x + y }
            """
        switch source {
        case .forEachMap:
            return add + """

                let sums = try ForkPool(workers: 1).map(pairs) { x, y in add(x, y) }
                let same = try ForkPool(workers: 10).map(pairs) { x, y in add(x, y) }
                """
        case .resident:
            return add + """

                let pool = ForkPool(workers: 10)
                let adder = try pool.resident { (p: (Int, Int)) in add(p.0, p.1) }
                let sums = try adder.map(pairs)
                """
        }
    }

    /// Explains the measured speed-up.
    static func lesson(_ speedUp: Double, _ processors: Int) -> String {
        let measured =
            "Ten workers were \(fixed(speedUp, 2)) times as fast as one, and this process may use "
            + "\(counted(processors, "processor")) (ForkPool.availableProcessors)."
        if processors == 1 {
            return "\(measured) So computing cannot get faster here; only waiting can."
        }
        if speedUp < 0.75 * Double(min(processors, TourPairs.all.count)) {
            return "\(measured) It could be more: other programs use the processors too, or they share cores."
        }
        return "\(measured) More workers than processors help with waiting, as in chapter 3, but compute no faster; "
            + "ForkPool() starts one for each processor."
    }
}
#endif
