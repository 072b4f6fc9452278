import Glibc

/// The line on the terminal that tells how far a run is.
struct RunStatus {
    private var line = StatusLine()
    private let start = ContinuousClock.now
    /// Whether the jobs' output goes to a terminal too, where the line must make room for it.
    private let isShared = isatty(STDOUT_FILENO) == 1

    /// Draws the line, if it is time to.
    ///
    /// - Parameters:
    ///   - tally: What became of the jobs so far.
    ///   - running: How many run.
    ///   - total: How many there are in all, if that is known.
    mutating func show(_ tally: JobTally, running: Int, total: Int?) {
        let start = start
        line.show { Self.text(tally, running: running, total: total, seconds: start.secondsSince) }
    }

    /// Takes the line off the terminal.
    mutating func clear() { line.clear() }

    /// Takes the line off the terminal if output is about to go there.
    mutating func clearIfShared() {
        if isShared { line.clear() }
    }

    /// The line's text.
    static func text(_ tally: JobTally, running: Int, total: Int?, seconds: Double) -> String {
        var text = total.map { "\(tally.done) of \($0) done" } ?? "\(tally.done) done"
        text += ", \(running) running"
        if tally.failed > 0 { text += ", \(tally.failed) failed" }
        let finished = tally.succeeded + tally.failed
        if let total, finished > 0 {
            text += ", \(clock(seconds * Double(total - tally.done) / Double(finished))) left"
        }
        return text
    }

    /// Seconds as a person reads them: "0:07", "1:02:03".
    private static func clock(_ seconds: Double) -> String {
        let whole = Int(exactly: min(seconds, 1e9).rounded(.up)) ?? 0
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        let rest = whole % 60 < 10 ? "0\(whole % 60)" : "\(whole % 60)"
        guard hours > 0 else { return "\(minutes):\(rest)" }
        return "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(rest)"
    }
}
