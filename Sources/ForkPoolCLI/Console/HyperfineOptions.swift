// SPDX-License-Identifier: Apache-2.0
#if Command
/// The options of hyperfine that `bench` has by another name, for an error that says what to type.
enum HyperfineOptions {
    private static let ours = [
        "-r": "-n COUNT", "-s": "--setup COMMAND", "-p": "--prepare COMMAND", "-c": "--cleanup COMMAND",
        "-i": "--ignore-failure", "--command-name": "-N NAME", "--reference-name": "-N NAME, for the first command",
        "--parameter-list": "-L NAME=A,B", "--parameter-scan": "-P NAME=FIRST..LAST",
        "-D": "-P NAME=FIRST..LAST..STEP", "--parameter-step-size": "-P NAME=FIRST..LAST..STEP",
        "-C": "--prepare COMMAND, which begins with it", "--conclude": "--prepare COMMAND, which begins with it",
        "--export-json": "--json FILE", "--export-csv": "--csv FILE", "--export-markdown": "--md FILE",
        "--export-asciidoc": "--md FILE, from which pandoc makes AsciiDoc",
        "--export-orgmode": "--md FILE, from which pandoc makes Org",
        "-u": "none: each figure has the unit that fits it",
        "--time-unit": "none: each figure has the unit that fits it",
        "--style": "none: NO_COLOR=1 turns colours off", "--color": "none: NO_COLOR=1 turns colours off",
        "-V": "forkpool --version",
    ]

    /// Says what to type instead of the first option of hyperfine; nil if there is none, or for another verb.
    ///
    /// - Parameter words: The arguments of this process, which could not be parsed.
    /// - Returns: A sentence.
    static func advice(for words: [String]) -> String? {
        guard words.first == "bench" else { return nil }
        let options = Array(words.prefix { $0 != "--" })
        for (position, word) in options.enumerated() {
            let next = position + 1 < options.count ? options[position + 1] : nil
            if let sentence = advice(for: word, before: next) { return sentence }
        }
        return nil
    }

    private static func advice(for word: String, before next: String?) -> String? {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let (name, value) = (parts[0], parts.count > 1 ? parts[1] : nil)
        // Of several letters in one word the first is enough; hyperfine's -N has no value.
        if name == "-N" && value == nil && next?.first.map({ $0 == "-" }) ?? true || isBundle(word) {
            return "-N is the name of a command here; \(noShell)."
        }
        if name == "-n", let text = value ?? next, Int(text) == nil {
            return "-n is the number of runs here, and \(printable(text)) is none; hyperfine's -n is -N NAME here."
        }
        if name == "--ignore-failure", let value {
            return "--ignore-failure has no value here; for exit codes that are no failure there is --exit-codes 0,"
                + "\(printable(value))."
        }
        if let ours = ours[name] {
            return "\(name) is an option of hyperfine; here \(ours.hasPrefix("none:") ? "there" : "it") is \(ours)."
        }
        // A number in the word of its option.
        let (letter, number) = (String(word.prefix(2)), word.dropFirst(2))
        guard word.hasPrefix("-"), letter.last?.isLetter == true, !number.isEmpty, number.allSatisfy(\.isNumber) else {
            return nil
        }
        return "\(word) is \(letter == "-r" ? "-n" : letter) \(number) here, in two words."
    }

    /// Whether a word is -N with other letters behind it.
    private static func isBundle(_ word: String) -> Bool {
        word.hasPrefix("-N") && word.count > 2 && !word.contains("=")
    }

    private static let noShell = "hyperfine's -N, to start commands without a shell, is the default: leave it out"

    /// Says what to type if the value of the only `-N` is a command line, as after hyperfine's `-N`, which has no value.
    ///
    /// - Parameters:
    ///   - names: The values of `-N` and `--name`.
    ///   - words: The arguments of this process.
    /// - Returns: A sentence; nil if the value is a name.
    static func nameAdvice(for names: [String], in words: [String] = CommandLine.arguments) -> String? {
        let isShort = words.prefix { $0 != "--" }.contains { $0 == "-N" || isBundle($0) }
        guard names.count == 1, isShort else { return nil }
        var search = ProgramSearch()
        guard let program = try? ShellWords.split(names[0]).first, (try? search.find(Array(program.utf8))) != nil else {
            return nil
        }
        let quoted = quotedForShell([Array(names[0].utf8)])
        return "-N is the name of a command here, and \(quoted) is a command; \(noShell), or write --name \(quoted)."
    }
}
#endif
