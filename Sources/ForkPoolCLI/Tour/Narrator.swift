import Glibc

/// Tells the tour to a person; says nothing when the answer is to be a JSON document.
struct Narrator {
    private let style = Style(for: STDOUT_FILENO)
    private let isSilent: Bool

    init(isSilent: Bool) {
        self.isSilent = isSilent
    }

    /// Begins a chapter.
    func chapter(_ number: Int, _ title: String) {
        say("\n" + style.title("\(number). \(title)") + "\n")
    }

    /// Explains, in lines of at most 80 columns.
    func prose(_ text: String) {
        say(wrapped(text, width: 80) + "\n")
    }

    /// Shows the code that runs next.
    func code(_ lines: String) {
        say("\n" + lines.split(separator: "\n").map { "    " + style.code(String($0)) + "\n" }.joined() + "\n")
    }

    /// Shows output, without ending the line.
    func part(_ text: String) {
        say(text)
    }

    /// Shows a line of output, and the seconds that it took.
    func result(_ text: String, seconds: Double? = nil) {
        guard let seconds else { return say("  \(text)\n") }
        say("  " + left(text, 62) + style.time(right(fixed(seconds, 3), 8) + " s") + "\n")
    }

    private func say(_ text: String) {
        if !isSilent { StandardOutput.write(text) }
    }
}
