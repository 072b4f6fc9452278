// SPDX-License-Identifier: Apache-2.0
#if Command
/// Wraps a text between words; a word longer than a line gets its own.
///
/// - Parameters:
///   - text: The text; line breaks in it count as spaces.
///   - width: The most characters in a line.
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
#endif
