import Glibc

/// A line on the terminal that says what goes on, redrawn at most ten times a second; silent anywhere else.
struct StatusLine {
    private static let pause = 0.1
    private let isShown = Style(for: STDERR_FILENO).isColoured
    private var drawn: ContinuousClock.Instant?
    private var isThere = false

    /// Whether it is time to draw the line anew.
    var isDue: Bool { isShown && (drawn.map { $0.secondsSince >= Self.pause } ?? true) }

    /// Draws the line, if it is time to.
    ///
    /// - Parameter text: The line, made only if it is drawn; what does not fit is cut off.
    mutating func show(_ text: () -> String) {
        guard isDue else { return }
        drawn = .now
        isThere = true
        StandardError.write("\r\(text().prefix(Self.width - 1))\u{1B}[K")
    }

    /// Takes the line off the terminal, for something that is to stay.
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
