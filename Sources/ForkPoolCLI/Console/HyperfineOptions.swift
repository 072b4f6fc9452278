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
            if word == "-N", next?.first.map({ $0 == "-" }) ?? true {
                return "-N is the name of a command here; \(noShell)."
            }
            // The name alone: a value may follow after =.
            let name = String(word.prefix { $0 != "=" })
            guard let ours = ours[name] else { continue }
            return "\(name) is an option of hyperfine; here \(ours.hasPrefix("none:") ? "there" : "it") is \(ours)."
        }
        return nil
    }

    private static let noShell = "hyperfine's -N, to start commands without a shell, is the default: leave it out"

    /// Says what to type if the value of the only `-N` is a command line, as after hyperfine's `-N`, which has no value.
    ///
    /// - Parameters:
    ///   - names: The values of `-N` and `--name`.
    ///   - words: The arguments of this process.
    /// - Returns: A sentence; nil if the value is a name.
    static func nameAdvice(for names: [String], in words: [String] = CommandLine.arguments) -> String? {
        guard names.count == 1, words.prefix(while: { $0 != "--" }).contains("-N") else { return nil }
        var search = ProgramSearch()
        guard let program = try? ShellWords.split(names[0]).first, (try? search.find(Array(program.utf8))) != nil else {
            return nil
        }
        let quoted = quotedForShell([Array(names[0].utf8)])
        return "-N is the name of a command here, and \(quoted) is a command; \(noShell), or write --name \(quoted)."
    }
}
#endif
