// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// A status line on the terminal, redrawn at most ten times a second; silent if there is no terminal.
struct StatusLine {
    private static let pause = 0.1
    private let isShown = Style(for: STDERR_FILENO).isColoured
    private var drawn: ContinuousClock.Instant?
    private var isThere = false

    /// Whether the line may be drawn now.
    var isDue: Bool { isShown && (drawn.map { $0.secondsSince >= Self.pause } ?? true) }

    /// Draws the line, if the last time is long enough ago.
    ///
    /// - Parameter text: Makes the text, which is cut to the width of the terminal; called only to draw.
    mutating func show(_ text: () -> String) {
        guard isDue else { return }
        drawn = .now
        isThere = true
        StandardError.write("\r\(text().prefix(Self.width - 1))\u{1B}[K")
    }

    /// Erases the line.
    mutating func clear() {
        guard isThere else { return }
        isThere = false
        StandardError.write("\r\u{1B}[K")
    }

    private static var width: Int {
        var size = winsize()
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
        return Int(size.ws_col)
    }
}
#endif
