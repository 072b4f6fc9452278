/// Splits a command line into words as a shell does, without being one.
enum ShellWords {
    /// Why a line is not split.
    enum Problem: Error, Equatable, CustomStringConvertible {
        /// A character that a shell would act on.
        case needsShell(Character)
        /// A quote that nothing closes.
        case open(Character)
        case empty

        var description: String {
            switch self {
            case .needsShell(let character):
                "the \(character == "\n" ? "line break" : "\(character)") needs a shell: pass --shell, or quote it"
            case .open(let quote): "nothing closes the \(quote)"
            case .empty: "there is no command in it"
            }
        }
    }

    /// What a shell acts on wherever it stands unquoted.
    private static let operators = Set<Character>("|&;<>()$`*?[\n")
    /// What a shell acts on at the beginning of a word.
    private static let prefixes = Set<Character>("~#")

    /// Splits a line.
    ///
    /// - Parameter line: Words, with quotes and backslashes as in a shell.
    /// - Returns: The words, at least one.
    /// - Throws: What a shell would be needed for.
    static func split(_ line: String) throws(Problem) -> [String] {
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

        mutating func run() throws(Problem) -> [String] {
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

        /// Whether what comes before a = names a variable, which a shell would set.
        private func isName(_ word: String?) -> Bool {
            guard let first = word?.first, let word, !first.isNumber else { return false }
            return word.allSatisfy { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
        }

        private mutating func quoted() throws(Problem) {
            guard let end = rest.firstIndex(of: "'") else { throw .open("'") }
            word = (word ?? "") + String(rest[..<end])
            rest = rest[rest.index(after: end)...]
        }

        private mutating func doublyQuoted() throws(Problem) {
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
