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
        for word in words.prefix(while: { $0 != "--" }) {
            // The name alone: a value may follow after =.
            let name = String(word.prefix { $0 != "=" })
            guard let ours = ours[name] else { continue }
            return "\(name) is an option of hyperfine; here \(ours.hasPrefix("none:") ? "there" : "it") is \(ours)."
        }
        return nil
    }
}
#endif
