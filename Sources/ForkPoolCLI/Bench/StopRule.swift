/// When a benchmark has run often enough.
struct StopRule {
    /// The fewest runs of each command, unless there is a number of them.
    static let fewest = 10
    /// How far off, as a part of it, what is measured may be.
    static let precision = 0.01

    /// As many runs of each command; nil for as many as the measurement needs.
    let runs: Int?
    /// The seconds after which it has to do with what there is.
    let seconds: Double

    /// After how many runs of each command it looks whether there are enough: 10, 20, 40 and so on.
    ///
    /// Who looks always stops at a lucky moment.
    ///
    /// - Parameter count: How often each command ran.
    /// - Returns: The next such number.
    func look(after count: Int) -> Int {
        if let runs { return runs }
        var look = Self.fewest
        while look <= count { look *= 2 }
        return look
    }

    /// Whether to stop.
    ///
    /// - Parameters:
    ///   - count: How often each command ran.
    ///   - elapsed: The seconds that took.
    ///   - isLook: Whether this is one of the numbers to look at.
    ///   - resolution: How far off the figures may be; nil where they are too few to tell.
    /// - Returns: Whether there are enough.
    func isMet(by count: Int, after elapsed: Double, isLook: Bool, resolution: () -> Double?) -> Bool {
        if let runs { return count >= runs }
        guard count >= Self.fewest else { return false }
        if elapsed >= seconds { return true }
        guard isLook, let resolution = resolution() else { return false }
        return resolution <= Self.precision
    }
}
