// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The options of `bench` and `check` that say how commands run.
struct MeasurementOptions: ParsableArguments {
    @Flag(help: "Run every command by /bin/sh -c; the time includes the start of the shell.")
    var shell = false

    @Option(
        help: ArgumentHelp(
            "Kill a command that takes longer than this; it counts as failed.", valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var timeout: DurationArgument?

    @Flag(help: "Show the output of commands instead of discarding it.")
    var showOutput = false

    @Option(help: ArgumentHelp("The seed for the random order of runs.", valueName: "number"))
    var seed: UInt32?

    func validate() throws {
        if let timeout, timeout.nanoseconds < 1 { throw ValidationError("--timeout must be more than 0.") }
    }

    /// Returns the seed of `--seed`, or a random one.
    func drawSeed() -> UInt64 { UInt64(seed ?? .random(in: 1...UInt32.max)) }

    var settings: Measurement.Settings {
        Measurement.Settings(showsOutput: showOutput, timeout: timeout?.nanoseconds)
    }
}
#endif
