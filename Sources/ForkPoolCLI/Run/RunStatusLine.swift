// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The status line of a run on the terminal.
struct RunStatusLine {
    private var line = StatusLine()
    private let start = ContinuousClock.now
    /// Whether the output goes to a terminal too, so that the line must be cleared before it.
    private let isShared = isatty(STDOUT_FILENO) == 1

    /// Draws the line, at most ten times a second.
    ///
    /// - Parameters:
    ///   - tally: The results so far.
    ///   - running: How many jobs run.
    ///   - total: How many jobs there are; nil if not known yet.
    mutating func show(_ tally: JobTally, running: Int, total: Int?) {
        let start = start
        line.show { Self.text(tally, running: running, total: total, seconds: start.secondsSince) }
    }

    /// Erases the line.
    mutating func clear() { line.clear() }

    /// Erases the line if the output goes to a terminal too.
    mutating func clearIfShared() {
        if isShared { line.clear() }
    }

    /// Makes the text of the line.
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

    /// Formats seconds as "0:07" or "1:02:03".
    private static func clock(_ seconds: Double) -> String {
        let whole = Int(exactly: min(seconds, 1e9).rounded(.up)) ?? 0
        let (hours, minutes) = (whole / 3600, whole / 60 % 60)
        let rest = whole % 60 < 10 ? "0\(whole % 60)" : "\(whole % 60)"
        guard hours > 0 else { return "\(minutes):\(rest)" }
        return "\(hours):\(minutes < 10 ? "0" : "")\(minutes):\(rest)"
    }
}
#endif
