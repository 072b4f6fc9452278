/// Breaks a text into lines between words; a longer word has a line of its own.
///
/// - Parameters:
///   - text: The text; where it breaks already does not matter.
///   - width: The most columns of a line.
/// - Returns: The lines.
func wrapped(_ text: String, width: Int) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
        if !line.isEmpty, line.count + 1 + word.count > width {
            lines.append(line)
            line = ""
        }
        line += line.isEmpty ? String(word) : " " + word
    }
    lines.append(line)
    return lines.joined(separator: "\n")
}
