// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The completion scripts of argument-parser, which complete the verbs after `help`, commands after `run`, and names of
/// files wherever they offer nothing.
enum CompletionScript {
    /// The option that asks for a script.
    private static let option = "--generate-completion-script"

    /// Makes the script that a command line asks for; nil if argument-parser is to read the line.
    static func text(for words: [String]) -> String? {
        guard let first = words.first, first.utf8.starts(with: option.utf8) else { return nil }
        let name = first == option ? words.dropFirst().first : String(first.dropFirst(option.count + 1))
        guard let shell = name.flatMap(CompletionShell.init(rawValue:)) else { return nil }
        let script = ForkPoolCommand.completionScript(for: shell)
        let verbs = ForkPoolCommand.verbs.joined(separator: " ")
        return switch shell {
        case .bash: bash(script, verbs)
        case .fish: fish(script, verbs)
        case .zsh: zsh(script, verbs)
        default: script
        }
    }

    private static func bash(_ script: String, _ verbs: String) -> String {
        var script = script
        replace("complete -o filenames -F", by: "complete -o filenames -o bashdefault -o default -F", in: &script)
        replace(
            "    *)\n        __forkpool_add_completions -f", after: "\n_forkpool_run() {",
            by: """
                    1)
                        __forkpool_add_completions -c
                        return
                        ;;
                    *)
                        __forkpool_add_completions -f
                """, in: &script)
        replace(
            "_forkpool_help() {\n",
            by: """
                _forkpool_help() {
                    [[ "${COMP_CWORD}" -ne 2 ]] || COMPREPLY+=($(compgen -W '\(verbs)' -- "${cur}"))

                """, in: &script)
        return script
    }

    private static func zsh(_ script: String, _ verbs: String) -> String {
        var script = script
        replace("'*:command:_files'", after: "\n_forkpool_run() {", by: "'*::command:_normal'", in: &script)
        // The value may be in the same word: -j4.
        for option in ["-j,--jobs", "-n,--max-args", "-a,--arg-file"] {
            let short = option.prefix(2)
            replace("{\(option)}", after: "\n_forkpool_run() {", by: "{\(short)+\(option.dropFirst(2))}", in: &script)
        }
        replace("'*:subcommands:'", after: "\n_forkpool_help() {", by: "'1:verb:(\(verbs))'", in: &script)
        return script
    }

    private static func fish(_ script: String, _ verbs: String) -> String {
        var script = script
        // -f is the end of file names.
        replace("complete -c 'forkpool' -f\n", by: "", in: &script)
        for (path, words) in [("forkpool help", verbs), ("forkpool run", "(__fish_complete_command)")] {
            script +=
                "\ncomplete -c 'forkpool' -n '__forkpool_should_offer_completions_for_positional \"\(path)\" -eq 1' -fa '\(words)'"
        }
        return script
    }

    /// Replaces a part of a text where it comes first, or first after another part.
    private static func replace(_ part: String, after mark: String = "", by other: String, in text: inout String) {
        func find(_ part: String, from start: String.Index) -> String.Index? {
            var index = start
            while index < text.endIndex {
                if text[index...].hasPrefix(part) { return index }
                index = text.index(after: index)
            }
            return nil
        }
        guard let start = mark.isEmpty ? text.startIndex : find(mark, from: text.startIndex),
            let place = find(part, from: start)
        else { return }
        text.replaceSubrange(place..<text.index(place, offsetBy: part.count), with: other)
    }
}
#endif
