// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The progress of a run: a bar on the terminal, or lines.
struct RunStatusLine {
    /// How progress is shown, an option.
    enum Mode: String, CaseIterable {
        /// As a bar on a terminal.
        case auto
        /// As lines.
        case plain
        case none
    }

    /// How often a line is printed at least, in nanoseconds, and after how many parts of all jobs.
    private static let pause = 10_000_000_000
    private static let parts = 10

    private var line: StatusLine
    private let isPlain: Bool
    /// Whether the output goes to a terminal too, so that the bar must be cleared before it.
    private let isShared: Bool
    private var nextLine = now() + RunStatusLine.pause
    private var lastPart = 0

    /// Makes the progress.
    ///
    /// - Parameters:
    ///   - mode: How it is shown.
    ///   - isLive: Whether jobs themselves write to the terminal, where a bar would be in their way.
    init(_ mode: Mode, isLive: Bool) {
        line = StatusLine(isWanted: mode == .auto && !isLive)
        isPlain = mode == .plain
        isShared = mode == .auto && isatty(STDOUT_FILENO) == 1
    }

    /// Shows the progress, if it is time to.
    ///
    /// - Parameters:
    ///   - tally: The results so far.
    ///   - total: How many jobs there are; nil if not known yet.
    ///   - facts: Makes what is shown; called only to show it.
    mutating func show(_ tally: JobTally, total: Int?, _ facts: () -> RunProgress) {
        guard isPlain else {
            line.show { facts().bar(columns: StatusLine.width - 1) }
            return
        }
        let time = now()
        let part = total.map { $0 == 0 ? 0 : tally.done * Self.parts / $0 } ?? 0
        guard time >= nextLine || part > lastPart else { return }
        (nextLine, lastPart) = (time + Self.pause, part)
        StandardError.report(facts().line)
    }

    /// Erases the bar.
    mutating func clear() { line.clear() }

    /// Erases the bar if the output goes to a terminal too.
    mutating func clearIfShared() {
        if isShared { line.clear() }
    }
}
#endif
