// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Text styles: colours on a terminal that allows them, plain text otherwise.
struct Style {
    /// Whether escape codes are written.
    let isColoured: Bool

    /// Chooses colours by the descriptor (`isatty`), `NO_COLOR` and `TERM`.
    init(for descriptor: Int32) {
        isColoured = isatty(descriptor) == 1 && Self.environmentAllowsColour
    }

    private static var environmentAllowsColour: Bool {
        // https://no-color.org: any value except the empty one.
        if let value = environment("NO_COLOR"), !value.isEmpty { return false }
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
