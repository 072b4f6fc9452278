import ArgumentParser

@main struct Root: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "forkpool", subcommands: [Overhead.self])
}
