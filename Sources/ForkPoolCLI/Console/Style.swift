// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Text styles: colours on a terminal that allows them, plain text otherwise.
struct Style {
    /// Whether colours are written.
    let isColoured: Bool
    /// Whether a line on the terminal can be drawn again and erased; `NO_COLOR` takes only the colours away.
    let canRedraw: Bool

    /// Chooses by the descriptor (`isatty`), `TERM` and `NO_COLOR`.
    init(for descriptor: Int32) {
        canRedraw = isatty(descriptor) == 1 && Self.terminalHasCodes
        isColoured = canRedraw && Self.allowsColour
    }

    private static var allowsColour: Bool {
        // https://no-color.org: any value except the empty one.
        environment("NO_COLOR").map(\.isEmpty) ?? true
    }

    private static var terminalHasCodes: Bool {
        guard let terminal = environment("TERM") else { return false }
        return terminal != "dumb" && !terminal.isEmpty
    }

    private static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }

    func title(_ text: String) -> String { wrapped(text, "1") }
    func code(_ text: String) -> String { wrapped(text, "36") }
    func faint(_ text: String) -> String { wrapped(text, "2") }
    func time(_ text: String) -> String { wrapped(text, "32") }

    private func wrapped(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
#endif
