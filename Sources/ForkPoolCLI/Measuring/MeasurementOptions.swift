// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The options of `bench` and `check` that say how commands run.
struct MeasurementOptions: ParsableArguments {
    @Option(
        name: [.customShort("S"), .long],
        help: ArgumentHelp(
            "Run every command by this shell, with -c; --shell alone is /bin/sh, none the default.",
            valueName: "shell"),
        transform: ShellChoice.init(parsing:))
    var shell: ShellChoice?

    @Option(
        help: ArgumentHelp(
            "The standard input of each run (default: null, which is empty).", valueName: "file"),
        completion: .file())
    var input: String?

    @Option(
        help: ArgumentHelp(
            "Where the standard output of each run goes: null (the default), pipe, inherit, or a file.",
            valueName: "where"),
        completion: .file(), transform: OutputTarget.init(parsing:))
    var output: OutputTarget?

    @Flag(help: "Show the output of commands, as --output inherit does, and their standard error.")
    var showOutput = false

    @Option(
        help: ArgumentHelp(
            "Kill a command that takes longer than this; it counts as failed.", valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var timeout: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "The exit codes with which a command did its work (default: 0).", valueName: "codes"),
        transform: ExitCodes.init(parsing:))
    var exitCodes = ExitCodes(codes: [0])

    @Option(help: ArgumentHelp("The seed for the random order of runs.", valueName: "number"))
    var seed: UInt32?

    func validate() throws {
        if let timeout, timeout.nanoseconds < 1 { throw ValidationError("--timeout must be more than 0.") }
        if showOutput, let output, output != .inherit {
            throw ValidationError("give either --show-output or --output.")
        }
    }

    /// The standard input of each run; nil for an empty one.
    private var inputPath: String? { input == "null" ? nil : input }

    /// Opens the files of `--input` and `--output` once, so that a misspelt path fails before anything runs.
    ///
    /// - Throws: 66 or 74, after printing the reason.
    func checkFiles() throws(ExitCode) {
        if let inputPath {
            let descriptor = unsafe open(inputPath, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
            var status = stat()
            let isKnown = unsafe descriptor >= 0 && fstat(descriptor, &status) == 0
            let reason = isKnown ? nil : systemMessage(errno)
            close(descriptor)
            let kind = status.st_mode & S_IFMT
            let isFile = kind == S_IFREG || kind == S_IFCHR
            if let problem = reason ?? (isFile ? nil : "each run needs it anew, so it must be a file") {
                StandardError.report("\(inputPath.isEmpty ? "\"\"" : inputPath): cannot be read: \(problem)")
                throw ExitCode(Exit.noInput)
            }
        }
        // Closes it at once, and leaves no empty file behind.
        if case .file(let path) = output { _ = try ResultFile(path) }
    }

    /// Returns the seed of `--seed`, or a random one.
    func drawSeed() -> UInt64 { UInt64(seed ?? .random(in: 1...UInt32.max)) }

    /// Finds the program of a command line that is measured.
    func program(_ line: String) throws(ProgramError) -> Program {
        var program = try Program(line, shell: shell?.words)
        program.successes = exitCodes.codes
        return program
    }

    /// Finds the program of a command that is given as words; for a shell they become one line.
    func program(_ words: [String]) throws(ProgramError) -> Program {
        var program =
            if let shell = shell?.words { try Program(words.joined(separator: " "), shell: shell) } else {
                try Program(words)
            }
        program.successes = exitCodes.codes
        return program
    }

    var settings: Measurement.Settings {
        Measurement.Settings(
            input: inputPath, output: showOutput ? .inherit : output ?? .null, timeout: timeout?.nanoseconds)
    }
}
#endif
