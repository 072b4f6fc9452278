// SPDX-License-Identifier: Apache-2.0
#if Command
/// Splits a command line into words as a shell does, without running a shell.
enum ShellWords {
    /// The reason why a line cannot be split.
    enum SplitError: Error, Equatable, CustomStringConvertible {
        /// A character with a meaning to a shell.
        case needsShell(Character)
        /// A quote that is not closed.
        case open(Character)
        case empty

        var description: String {
            switch self {
            case .needsShell(let character):
                "the \(character == "\n" ? "line break" : "\(character)") needs a shell: pass --shell, or quote it"
            case .open(let quote): "the \(quote) is not closed"
            case .empty: "it contains no command"
            }
        }
    }

    /// Characters with a meaning to a shell wherever they are unquoted.
    private static let operators = Set<Character>("|&;<>()$`*?[\n")
    /// Characters with a meaning to a shell at the beginning of a word.
    private static let prefixes = Set<Character>("~#")

    /// Splits a line.
    ///
    /// - Parameter line: Words, with quotes and backslashes as in a shell.
    /// - Returns: The words, at least one.
    /// - Throws: `SplitError`.
    static func split(_ line: String) throws(SplitError) -> [String] {
        var splitter = Splitter(rest: Substring(line))
        let words = try splitter.run()
        guard !words.isEmpty else { throw .empty }
        if words[0] == "!" { throw .needsShell("!") }
        return words
    }

    private struct Splitter {
        var rest: Substring
        private var words: [String] = []
        private var word: String?

        init(rest: Substring) {
            self.rest = rest
        }

        mutating func run() throws(SplitError) -> [String] {
            while let character = rest.popFirst() {
                switch character {
                case " ", "\t": endWord()
                case "\n" where rest.allSatisfy(\.isWhitespace): break
                case "'": try quoted()
                case "\"": try doublyQuoted()
                case "\\": escaped()
                case _ where operators.contains(character): throw .needsShell(character)
                case _ where word == nil && prefixes.contains(character): throw .needsShell(character)
                case "=" where words.isEmpty && isName(word): throw .needsShell("=")
                default: word = (word ?? "") + String(character)
                }
            }
            endWord()
            return words
        }

        private mutating func endWord() {
            if let word { words.append(word) }
            word = nil
        }

        /// Returns whether a word before = is the name of a variable, which a shell would set.
        private func isName(_ word: String?) -> Bool {
            guard let first = word?.first, let word, !first.isNumber else { return false }
            return word.allSatisfy { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        }

        private mutating func quoted() throws(SplitError) {
            guard let end = rest.firstIndex(of: "'") else { throw .open("'") }
            word = (word ?? "") + String(rest[..<end])
            rest = rest[rest.index(after: end)...]
        }

        private mutating func doublyQuoted() throws(SplitError) {
            var text = word ?? ""
            while let character = rest.popFirst() {
                switch character {
                case "\"":
                    word = text
                    return
                case "$", "`": throw .needsShell(character)
                case "\\":
                    switch rest.first {
                    case "\n": rest.removeFirst()
                    case "$", "`", "\"", "\\": text.append(rest.removeFirst())
                    default: text.append(character)
                    }
                default: text.append(character)
                }
            }
            throw .open("\"")
        }

        private mutating func escaped() {
            guard let character = rest.popFirst() else {
                word = (word ?? "") + "\\"
                return
            }
            if character != "\n" { word = (word ?? "") + String(character) }
        }
    }
}
#endif
