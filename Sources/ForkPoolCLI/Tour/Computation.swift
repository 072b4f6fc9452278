import ForkPool

/// Chapter 4: work that needs a processor, where waiting overlaps nothing.
struct Computation {
    private static let turns = 3_000_000
    private static let items = 10
    private static let rounds = 3

    /// Draws pseudo-random numbers and counts the odd ones: nothing to wait for, and nothing to skip.
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

    /// Computes with 1 and with 10 workers, and says what that tells of the processors.
    static func run(_ source: TourWorkers, _ narrator: Narrator) throws(ForkPool.Failure) -> JSON {
        let processors = ForkPool.availableProcessors
        narrator.chapter(4, "Pure computation")
        narrator.prose(
            """
            Waiting overlaps without end; computing does not. Each of these ten items turns a
            loop three million times and never waits (the best of three runs is shown).
            """
        )
        narrator.code(
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
            narrator.result("\(right(counted(workers, "worker"), 10)): \(items) items", seconds: seconds)
            runs.append(.object([("workers", .integer(workers)), ("seconds", .seconds(seconds))] + JSON.start(start)))
            best.append(seconds)
            total += times.reduce(0, +)
        }
        let speedUp = best[0] / max(best[1], 1e-9)
        narrator.part("\n")
        narrator.prose(lesson(speedUp, processors))
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

    /// Says what the measured speed-up means on so many processors.
    static func lesson(_ speedUp: Double, _ processors: Int) -> String {
        let measured =
            "Ten workers were \(fixed(speedUp, 2)) times as fast as one, and this process may use "
            + "\(counted(processors, "processor")) (ForkPool.availableProcessors)."
        if processors == 1 {
            return "\(measured) So computing cannot get faster here; only waiting can."
        }
        if speedUp < 0.75 * Double(min(processors, items)) {
            return "\(measured) It could be more: something else uses them too, or they share their cores."
        }
        return "\(measured) More workers than that wait better, as in chapter 3, but compute no faster; "
            + "ForkPool() starts one for each processor."
    }
}
