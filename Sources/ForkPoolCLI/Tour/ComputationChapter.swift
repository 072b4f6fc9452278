// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// Chapter 4: computation, which only more processors speed up.
struct ComputationChapter {
    private static let turns = 3_000_000
    private static let items = 10
    private static let rounds = 3

    /// Counts odd pseudo-random numbers: the work never waits, and cannot be optimised away.
    private static func countOdd(_ seed: Int) -> Int {
        var state = UInt64(seed)
        var odd = 0
        for _ in 0..<turns {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            odd &+= Int(state & 1)
        }
        return odd
    }

    /// Computes with 1 and with 10 workers, and explains the speed-up.
    static func run(_ source: TourWorkers, _ printer: TourPrinter) throws(ForkPool.Failure) -> JSON {
        let processors = ForkPool.availableProcessors
        printer.chapter(4, "Pure computation")
        printer.prose(
            """
            Any number of waits can overlap; computation cannot. Each of these ten items runs a
            loop three million times and never waits. The times are the best of three runs.
            """
        )
        printer.code(
            source == .resident
                ? """
                let counter = try ForkPool(workers: 10).resident(countOdd)
                let odd = try counter.map(1...10)
                """
                : """
                let odd = try ForkPool(workers: 10).map(1...10) { seed in countOdd(seed) }
                """
        )
        var runs: [JSON] = []
        var best: [Double] = []
        var results: [Int] = []
        var total = 0.0
        for workers in [1, 10] {
            let (map, start) = try source.mapper(ForkPool(workers: workers), countOdd)
            var times: [Double] = []
            for _ in 0..<rounds {
                let (counts, seconds) = try timed { () throws(ForkPool.Failure) in try map(Array(1...items)) }
                times.append(seconds)
                results = counts
            }
            let seconds = times.min() ?? 0
            printer.result("\(right(counted(workers, "worker"), 10)): \(items) items", seconds: seconds)
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
            results,
            [
                ("runs", .array(runs)), ("speed_up", .number((speedUp * 100).rounded() / 100)),
                ("processors", .integer(processors)),
            ]
        )
    }

    /// Explains the measured speed-up.
    static func lesson(_ speedUp: Double, _ processors: Int) -> String {
        let measured =
            "Ten workers were \(fixed(speedUp, 2)) times as fast as one, and this process may use "
            + "\(counted(processors, "processor")) (ForkPool.availableProcessors)."
        if processors == 1 {
            return "\(measured) So computing cannot get faster here; only waiting can."
        }
        if speedUp < 0.75 * Double(min(processors, items)) {
            return "\(measured) It could be more: other programs use the processors too, or they share cores."
        }
        return "\(measured) More workers than processors help with waiting, as in chapter 3, but compute no faster; "
            + "ForkPool() starts one for each processor."
    }
}
#endif
