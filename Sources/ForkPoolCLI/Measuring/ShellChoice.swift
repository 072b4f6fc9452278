// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The shell that runs command lines: the value of `--shell`.
struct ShellChoice: Equatable {
    /// The words of the shell, before `-c`; nil for no shell.
    let words: [String]?

    /// Reads a shell: its name, perhaps with options, `default` for `/bin/sh`, or `none`.
    ///
    /// - Throws: `ValidationError`.
    init(parsing text: String) throws {
        switch text {
        case "default": words = ["/bin/sh"]
        case "none": words = nil
        default:
            do throws(ShellWords.SplitError) {
                words = try ShellWords.split(text)
            } catch {
                throw ValidationError("--shell \(text): \(error).")
            }
        }
    }

    /// The names after `--shell` that are its value; any other word is a command.
    private static let names: Set<Substring> = ["sh", "bash", "dash", "zsh", "ksh", "fish", "none", "default"]

    /// Gives `--shell` without a value the default one.
    ///
    /// - Parameter arguments: The arguments of this process.
    /// - Returns: The arguments, with a value in each `--shell`.
    static func spelledOut(_ arguments: [String]) -> [String] {
        guard ["bench", "check"].contains(arguments.first) else { return arguments }
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments[..<end].enumerated().map { position, word in
            let next = position + 1 < end ? arguments[position + 1] : ""
            let program = next.split(separator: " ").first?.split(separator: "/").last ?? ""
            // A shell that gets a script is a command.
            let isValue = names.contains(program) && !next.contains(" -c") && !next.contains("'")
            return word == "--shell" && !isValue ? "--shell=default" : word
        } + arguments[end...]
    }
}
#endif
