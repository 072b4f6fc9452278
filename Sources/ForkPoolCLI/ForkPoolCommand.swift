import ArgumentParser

/// The `forkpool` command: a verb for each thing that it does.
@main
struct ForkPoolCommand: ParsableCommand {
    /// What `forkpool --version` says.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "forkpool",
        abstract: "Parallel map in forked worker processes: see it, and measure it.",
        version: version,
        subcommands: [Tour.self, Overhead.self]
    )
}
