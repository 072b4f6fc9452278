// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// Prints the text of the tour; silent with `--json`.
struct TourPrinter {
    private let style = Style(for: STDOUT_FILENO)
    private let isSilent: Bool

    init(isSilent: Bool) {
        self.isSilent = isSilent
    }

    /// Prints the title of a chapter.
    func chapter(_ number: Int, _ title: String) {
        write("\n" + style.title("\(number). \(title)") + "\n")
    }

    /// Prints a paragraph, wrapped at 80 columns.
    func prose(_ text: String) {
        write(wrapped(text, width: 80) + "\n")
    }

    /// Prints the code that runs next.
    func code(_ lines: String) {
        write("\n" + lines.split(separator: "\n").map { "    " + style.code(String($0)) + "\n" }.joined() + "\n")
    }

    /// Prints output without ending the line.
    func part(_ text: String) {
        write(text)
    }

    /// Prints a line of output, with the seconds that it took.
    func result(_ text: String, seconds: Double? = nil) {
        guard let seconds else { return write("  \(text)\n") }
        write("  " + left(text, 62) + style.time(right(fixed(seconds, 3), 8) + " s") + "\n")
    }

    private func write(_ text: String) {
        if !isSilent { StandardOutput.write(text) }
    }
}
#endif
