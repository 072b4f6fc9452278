// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// A status line on the terminal, redrawn at most ten times a second; silent if there is no terminal.
struct StatusLine {
    private static let pause = 0.1
    /// Whether there is a terminal for it.
    let isShown: Bool
    private var drawn: ContinuousClock.Instant?
    private var isThere = false

    /// Makes a line.
    ///
    /// - Parameter isWanted: Whether it is shown where there is a terminal.
    init(isWanted: Bool = true) {
        isShown = isWanted && Style(for: STDERR_FILENO).canRedraw
    }

    /// Whether the line may be drawn now.
    var isDue: Bool { isShown && (drawn.map { $0.secondsSince >= Self.pause } ?? true) }

    /// Draws the line, if the last time is long enough ago.
    ///
    /// - Parameter text: Makes the text, which is cut to the width of the terminal; called only to draw.
    mutating func show(_ text: () -> String) {
        guard isDue else { return }
        drawn = .now
        isThere = true
        StandardError.write("\r\(cut(text(), toColumns: Self.width - 1))\u{1B}[K")
    }

    /// Erases the line.
    mutating func clear() {
        guard isThere else { return }
        isThere = false
        StandardError.write("\r\u{1B}[K")
    }

    /// The columns of the terminal.
    static var width: Int {
        var size = winsize()
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 80 }
        return Int(size.ws_col)
    }
}

/// Cuts a text to a number of columns of a terminal.
func cut(_ text: String, toColumns columns: Int) -> Substring {
    var left = columns
    return text.prefix { character in
        left -= columnCount(character)
        return left >= 0
    }
}

/// How many columns of a terminal a text takes.
func columnCount(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + columnCount($1) } }

/// Chinese, Japanese and Korean characters and most pictures take two columns.
private func columnCount(_ character: Character) -> Int {
    guard let scalar = character.unicodeScalars.first?.value, scalar >= 0x1100 else { return 1 }
    let wide =
        [
            0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
        ] as [ClosedRange<UInt32>]
    return wide.contains { $0.contains(scalar) } ? 2 : 1
}
#endif
