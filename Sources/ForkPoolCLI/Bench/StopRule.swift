// SPDX-License-Identifier: Apache-2.0
#if Command
/// Decides when a benchmark has enough runs.
struct StopRule {
    /// The resolution to reach, as a fraction.
    static let precision = 0.01

    /// The number of runs of each command; nil for as many as the precision needs.
    let runs: Int?
    /// The seconds after which to stop, whatever the precision.
    let seconds: Double
    /// The fewest runs of each command without `-n`, and the most.
    var fewest = 10
    var most = Int.max

    /// Returns after how many runs of each command to check the precision next: 10, 20, 40 and so on.
    ///
    /// Checking after each run would bias the result: the benchmark would stop at a lucky moment.
    ///
    /// - Parameter count: How often each command ran so far.
    /// - Returns: The next number of runs.
    func look(after count: Int) -> Int {
        if let runs { return runs }
        var look = fewest
        while look <= count, look < most { look = look > most / 2 ? most : look * 2 }
        return min(look, most)
    }

    /// Returns whether to stop.
    ///
    /// - Parameters:
    ///   - count: How often each command ran.
    ///   - elapsed: The seconds that the runs took.
    ///   - isLook: Whether `count` is a number that `look` returned.
    ///   - resolution: The resolution as a fraction; nil if there are too few runs to tell.
    /// - Returns: Whether there are enough runs.
    func isMet(by count: Int, after elapsed: Double, isLook: Bool, resolution: () -> Double?) -> Bool {
        if let runs { return count >= runs }
        guard count >= fewest else { return false }
        if elapsed >= seconds || count >= most { return true }
        guard isLook, let resolution = resolution() else { return false }
        return resolution <= Self.precision
    }
}
#endif
