/// What follows `--` on this process's command line: the words of a command, which argument-parser does not tell from
/// arguments before it.
enum AfterTerminator {
    static let words = Array(CommandLine.arguments.drop { $0 != "--" }.dropFirst())
}
