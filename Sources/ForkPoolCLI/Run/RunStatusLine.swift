// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The progress of a run: a bar on the terminal, or lines.
///
/// The bar has a line of its own: it is erased before something else is written there, and begins on a new line if an
/// output ended within one.
final class RunStatusLine {
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
    /// Whether progress, and so standard error, is on a terminal.
    let isOnTerminal: Bool
    /// Whether the last output on the terminal ended within a line.
    var isWithinLine = false
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
        isOnTerminal = line.isShown || isPlain && isatty(STDERR_FILENO) == 1
    }

    /// Shows the progress, if it is time to.
    ///
    /// - Parameters:
    ///   - tally: The results so far.
    ///   - total: How many jobs there are; nil if not known yet.
    ///   - facts: Makes what is shown; called only to show it.
    func show(_ tally: JobTally, total: Int?, _ facts: () -> RunProgress) {
        guard isPlain else {
            guard line.isDue else { return }
            endLine()
            line.show { facts().bar(columns: StatusLine.width - 1) }
            return
        }
        let time = now()
        let part = total.map { $0 == 0 ? 0 : tally.done * Self.parts / $0 } ?? 0
        guard time >= nextLine || part > lastPart else { return }
        (nextLine, lastPart) = (time + Self.pause, part)
        report(facts().line)
    }

    /// Erases the bar.
    func clear() { line.clear() }

    /// Prints a message on a line of its own.
    func report(_ sentence: String) {
        beginLine()
        StandardError.report(sentence)
    }

    /// Erases the bar, and ends a line of the terminal within which an output ended.
    func beginLine() {
        clear()
        endLine()
    }

    private func endLine() {
        guard isWithinLine else { return }
        StandardError.write("\n")
        isWithinLine = false
    }
}
#endif
