import ArgumentParser
import Glibc

/// The `forkpool` command: a verb for each thing that it does.
@main
struct ForkPoolCommand: ParsableCommand {
    /// What `forkpool --version` says.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "forkpool",
        abstract: "Run commands in parallel, time them, and see what a pool of processes costs.",
        version: version,
        subcommands: [Tour.self, Run.self, Bench.self, Check.self, Doctor.self, Overhead.self]
    )

    static func main() {
        StandardStreams.occupy()
        // Who was started with it ignored would hear of no child's end.
        signal(SIGCHLD, SIG_DFL)
        Interruption.listen()
        // A verb that comes first is parsed alone: to look for it among all takes a fifth of a start. What is wrong with
        // its words, and its help, are told by the whole command.
        let words = Run.spelledOut(Array(CommandLine.arguments.dropFirst()))
        let verb = configuration.subcommands.first { $0.configuration.commandName == words.first }
        guard var command = try? verb?.parseAsRoot(Array(words.dropFirst())) else { return main(words) }
        do { try command.run() } catch { type(of: command).exit(withError: error) }
    }
}
