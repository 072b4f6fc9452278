import ArgumentParser

/// How commands are run: the options that `bench` and `check` share.
struct RunOptions: ParsableArguments {
    @Flag(help: "Run every command by /bin/sh -c; its start is measured too.")
    var shell = false

    @Option(
        help: ArgumentHelp(
            "Kill a run, or what runs around it, that takes longer; it has failed then.", valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var timeout: DurationArgument?

    @Flag(help: "Let commands write to standard output and standard error, instead of dropping it.")
    var showOutput = false

    @Option(help: ArgumentHelp("Draw the order of runs from this number.", valueName: "number"))
    var seed: UInt32?

    func validate() throws {
        if let timeout, timeout.nanoseconds < 1 { throw ValidationError("--timeout must be more than 0.") }
    }

    /// The number that was asked for, or any.
    func drawSeed() -> UInt64 { UInt64(seed ?? .random(in: 1...UInt32.max)) }

    var manner: Measurement.Manner {
        Measurement.Manner(showsOutput: showOutput, timeout: timeout?.nanoseconds)
    }
}
