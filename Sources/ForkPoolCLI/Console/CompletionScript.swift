// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The completion scripts of argument-parser, with file names wherever they offer nothing: a command has files as arguments.
enum CompletionScript {
    /// The option that asks for a script.
    private static let option = "--generate-completion-script"

    /// Makes the script that a command line asks for; nil if argument-parser is to read the line.
    static func text(for words: [String]) -> String? {
        guard let first = words.first, first.utf8.starts(with: option.utf8) else { return nil }
        let name = first == option ? words.dropFirst().first : String(first.dropFirst(option.count + 1))
        guard let shell = name.flatMap(CompletionShell.init(rawValue:)) else { return nil }
        let script = ForkPoolCommand.completionScript(for: shell)
        return switch shell {
        case .bash:
            replacing("complete -o filenames -F", in: script, by: "complete -o filenames -o bashdefault -o default -F")
        // -f is the end of file names.
        case .fish: replacing("complete -c 'forkpool' -f\n", in: script, by: "")
        default: script
        }
    }

    private static func replacing(_ part: String, in text: String, by other: String) -> String {
        var result = ""
        var rest = text[...]
        while !rest.isEmpty {
            if rest.hasPrefix(part) {
                result += other
                rest = rest.dropFirst(part.count)
            } else {
                let next = rest.dropFirst().firstIndex { $0 == part.first } ?? rest.endIndex
                result += rest[..<next]
                rest = rest[next...]
            }
        }
        return result
    }
}
#endif
