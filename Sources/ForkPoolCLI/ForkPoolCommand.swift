// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The `forkpool` command and its verbs.
@main
struct ForkPoolCommand: ParsableCommand {
    /// The version that `forkpool --version` prints.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "forkpool",
        abstract: "Run commands in parallel, time them, and measure what a pool of processes costs.",
        version: version,
        subcommands: [Tour.self, Run.self, Merge.self, Bench.self, Check.self, Doctor.self, Overhead.self]
    )

    /// The names of the verbs.
    static var verbs: [String] { configuration.subcommands.compactMap { $0.configuration.commandName } }

    /// Ends the process if there is no such verb, of which argument-parser's `help` would print the help of all.
    private static func checkVerb(_ verb: String) {
        guard !verbs.contains(verb), verb != "help", !verb.hasPrefix("-") else { return }
        StandardError.report("there is no verb \(verb); the verbs are \(verbs.joined(separator: ", "))")
        Glibc.exit(Exit.usage)
    }

    static func main() {
        StandardStreams.reserve()
        // If SIGCHLD is ignored, the system reaps children and their exit status is lost.
        signal(SIGCHLD, SIG_DFL)
        Interruption.install()
        let words = ShellChoice.spelledOut(Run.spelledOut(Array(CommandLine.arguments.dropFirst())))
        if words == ["--version"] { return StandardOutput.write("\(version)\n") }
        if let script = CompletionScript.text(for: words) { return StandardOutput.write(script + "\n") }
        if words.first == Run.name, let request = RunRequest(quickly: words.dropFirst()),
            (try? request.validate()) != nil
        {
            do { return try request.run() } catch let end as ExitCode { Glibc.exit(end.rawValue) } catch {
                Run.exit(withError: error)
            }
        }
        for verb in words.prefix(words.first == "help" ? 2 : 1) { checkVerb(verb) }
        // Parse only the verb that comes first: parsing all verbs takes a fifth of the start time. If that fails, the
        // whole command prints the error or the help.
        let verb = configuration.subcommands.first { $0.configuration.commandName == words.first }
        guard var command = try? verb?.parseAsRoot(Array(words.dropFirst())) else { return HelpText.run(words) }
        do { try command.run() } catch { HelpText.end(by: error, of: type(of: command), words) }
    }
}
#endif
