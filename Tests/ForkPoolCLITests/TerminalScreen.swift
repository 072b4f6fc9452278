// SPDX-License-Identifier: Apache-2.0
#if Command
/// What a terminal shows of the text that it gets: lines of a width, a cursor, `\r`, `\n` and the code that erases a line.
struct TerminalScreen {
    private let columns: Int
    private var rows: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    private var code = ""

    init(columns: Int) {
        self.columns = columns
    }

    /// The lines, without blanks at their ends, and without empty lines at the end.
    var lines: [String] {
        var lines = rows.map { row in
            String(row.reversed().drop { $0 == " " }.reversed())
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Whether the lines have a text, which may go on in the next line.
    func shows(_ text: String) -> Bool { lines.joined().contains(text) }

    mutating func take(_ text: String) {
        // By scalars: \r\n is one character.
        for scalar in text.unicodeScalars { take(scalar) }
    }

    private mutating func take(_ scalar: Unicode.Scalar) {
        if !code.isEmpty {
            code.unicodeScalars.append(scalar)
            guard scalar.properties.isAlphabetic else { return }
            // Erases from the cursor to the end of the line.
            if code == "\u{1B}[K" { rows[row].removeSubrange(min(column, rows[row].count)...) }
            code = ""
            return
        }
        switch scalar {
        case "\u{1B}": code = "\u{1B}"
        case "\r": column = 0
        case "\n": newLine()
        default:
            if column == columns {
                column = 0
                newLine()
            }
            while rows[row].count <= column { rows[row].append(" ") }
            rows[row][column] = Character(scalar)
            column += 1
        }
    }

    private mutating func newLine() {
        row += 1
        if row == rows.count { rows.append([]) }
    }
}
#endif
