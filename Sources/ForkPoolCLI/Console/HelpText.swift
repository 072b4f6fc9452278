// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The short help of a verb, which `--help` prints: what it does, its usage, and a line for each option.
///
/// `forkpool help VERB` prints the whole text, of which the manual pages are made too.
enum HelpText {
    private static let width = 80
    private static let column = 26
    /// How many characters a line of help has at least if it is cut at a comma.
    private static let least = 15

    /// Parses the words of this process with all verbs, runs the command, or ends with its error or its help.
    static func run(_ words: [String]) {
        do {
            var command = try ForkPoolCommand.parseAsRoot(words)
            try command.run()
        } catch {
            end(by: error, of: ForkPoolCommand.self, words)
        }
    }

    /// Ends this process with the error of a command; the help that `--help` asks for is the short one.
    static func end(by error: any Error, of command: any ParsableCommand.Type, _ words: [String]) {
        let text = command.fullMessage(for: error)
        let isHelp = command.exitCode(for: error) == .success && text.hasPrefix("OVERVIEW:")
        let isVerb = ForkPoolCommand.configuration.subcommands.contains {
            $0.configuration.commandName == words.first
        }
        if !isHelp, command.exitCode(for: error).rawValue == Exit.usage,
            let advice = HyperfineOptions.advice(for: words)
        {
            StandardError.report(advice)
            Glibc.exit(Exit.usage)
        }
        guard command.exitCode(for: error) == .success else { command.exit(withError: error) }
        // argument-parser does not notice that its text cannot be written.
        if isHelp, isVerb, let verb = words.first {
            StandardOutput.write(short(text, of: verb))
        } else if !text.isEmpty {
            StandardOutput.write(text + "\n")
        }
        Glibc.exit(0)
    }

    /// Shortens the help of a verb.
    ///
    /// - Parameters:
    ///   - text: The whole help.
    ///   - verb: The name of the verb.
    /// - Returns: The text without its discussion, with a line for each option.
    static func short(_ text: String, of verb: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let usage = lines.firstIndex(where: { $0.hasPrefix("USAGE:") }) else { return text }
        var short = lines.prefix { !$0.isEmpty } + [""]
        var entry: (name: String, help: String)?
        func end() {
            if let entry { short.append(Self.line(entry)) }
            entry = nil
        }
        var isList = false
        for line in lines[usage...] {
            if line.hasPrefix("ARGUMENTS:") || line.hasPrefix("OPTIONS:") { isList = true }
            if isList, line.hasPrefix("  "), !line.hasPrefix("   ") {
                end()
                entry = name(of: line)
            } else if isList, line.hasPrefix("   ") {
                entry?.help += " " + line.drop { $0 == " " }
            } else {
                end()
                short.append(line)
            }
        }
        end()
        while short.last?.isEmpty == true { short.removeLast() }
        return short.joined(separator: "\n")
            + "\n\nforkpool help \(verb) tells more: examples, exit codes, every option in full.\n"
    }

    /// Splits the first line of an option into its name and the beginning of its help.
    private static func name(of line: String) -> (name: String, help: String) {
        let text = line.dropFirst(2)
        for index in text.indices where text[index...].hasPrefix("  ") {
            return ("  " + text[..<index], String(text[index...].drop { $0 == " " }))
        }
        // A name that fills its column has one space after it.
        let end = line.index(line.startIndex, offsetBy: column - 1, limitedBy: line.endIndex)
        guard let end, end < line.endIndex, line[end] == " " else { return (line, "") }
        return (String(line[..<end]), String(line[end...].dropFirst()))
    }

    /// Makes the line of an option: the first clause of its help, cut to the width of the line.
    private static func line(_ entry: (name: String, help: String)) -> String {
        let name = entry.name.count < column ? left(entry.name, column) : entry.name + "  "
        var clause = entry.help.drop { $0 == " " }
        let end = clause.indices.first { index in
            let rest = clause[index...]
            return rest == "." || ["; ", ". ", " (", ": "].contains { rest.hasPrefix($0) }
        }
        if let end { clause = clause[..<end] }
        let room = width - name.count
        guard clause.count > room else { return name + clause }
        // A part of a sentence that ends at a comma says enough; else a mark says that there is more.
        let part = clause.prefix(room)
        if let comma = part.lastIndex(of: ","), part.distance(from: part.startIndex, to: comma) >= least {
            return name + part[..<comma]
        }
        return name + part[..<(part.dropLast().lastIndex(of: " ") ?? part.endIndex)] + " …"
    }
}
#endif
