// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The verb `forkpool check`: a gate for CI that decides whether head is slower than base.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", _superCommandName: "forkpool",
        abstract: "Fail if a command is slower than another.",
        discussion: """
            Runs base and head in turn, as forkpool bench does. After 10, 20, 40 and 80 pairs of runs it looks at \
            the confidence interval of the ratio head / base: above the limit means slower, below it passed, and \
            around it more pairs. A head within the limit is called slower in at most 1 of 20 checks, over all looks \
            and all comparisons together (Holm).

            Unless --metric says otherwise, CPU time decides: on a busy machine, wall time depends more on the \
            machine than on the command. Where wall time is far above CPU time, by more than other processes \
            explain, it decides too: a command mostly waits (its wall time is more than twice its CPU time), or its \
            work is no longer parallel. A head is slower if it is by one of them, and passes if it does by one and \
            does not look slower by the other. Of a command that mostly waits, CPU time that is uncertain by less of the wall time than the limit \
            passes. If a metric that does not decide contradicts the verdict, every report says so.

            --metric instructions counts the instructions of a command and its children: by the processor where \
            it has a counter for them, or else by callgrind of valgrind, which takes about 50 times as long. The \
            same command has the same count within 0.1 %, so two pairs tell: the second one shows that the counts \
            repeat. If they do not, they are judged as times are. Instructions are not time.

            With --baseline, head is compared with runs from forkpool bench --json on the same host, with the same \
            shell, input and output. The report says if they are of another command line or folder, or if variables \
            such as LC_ALL had other values. A machine that became slower or faster since then looks like a change \
            of the command.

            With --canary, the decision is repeated as if head were slower by twice the limit. If the gate does not \
            find that, the check is inconclusive.

            EXAMPLES
              forkpool check --base './old input' --head './new input'
              forkpool check --base 'git grep x' --head 'rg x' --limit 10% --metric wall
              forkpool check --base 'old a' --head 'new a' --base 'old b' --head 'new b'
              forkpool bench --json main.json -- ./program
              forkpool check --baseline main.json -- ./program
              forkpool check --metric instructions --limit 0.5% --base ./old --head ./new
              forkpool check --file gate.json --comment comment.md --junit junit.xml

            FILES
              A file for --file is JSON; limit, metric and max-time are as the options:
                {"limit": "5%", "metric": "auto", "max-time": "2m", "benchmarks": [
                  {"name": "parse", "base": "old/tool a", "head": "new/tool a"},
                  {"name": "write", "base": ["old/tool", "a b"], "limit": "2%",
                   "head": ["new/tool", "a b"]}]}
              A benchmark of which a command fails is a failed one, and the others go on.
              Reports of an earlier check are removed first.

            EXIT CODES
              0    passed: head is within the limit
              1    head is slower
              3    inconclusive: after 80 pairs or --max-time, or no time for 10 pairs
              4    a command failed, or a program does not exist
              5    no baseline, or one of another host, shell or input, or failed runs
              64   the command line is wrong
              66   the file of --file or --input cannot be read
              70   the system refused a process, memory, or nothing can count instructions
              74   the results cannot be written
            """)

    @Option(
        help: ArgumentHelp(
            "The command to compare with; repeat --base and --head for more comparisons.", valueName: "command")
    )
    var base: [String] = []

    @Option(help: ArgumentHelp("The command that must not be slower than --base.", valueName: "command"))
    var head: [String] = []

    @Option(
        help: ArgumentHelp("Compare with the runs in a file from forkpool bench --json.", valueName: "file"),
        completion: .file())
    var baseline: String?

    @Option(
        help: ArgumentHelp(
            "Read benchmarks, and what options leave open, from a file in JSON; - for standard input.",
            valueName: "file"),
        completion: .file())
    var file: String?

    @Argument(
        help: ArgumentHelp(
            "With --baseline: the command line of head, or its words after --.", valueName: "command"),
        completion: .file())
    var command: [String] = []

    @Option(
        help: ArgumentHelp("How much slower head may be (default: 5%).", valueName: "percentage"),
        transform: Percentage.init(parsing:))
    var limit: Percentage?

    @Option(help: ArgumentHelp("The quantity to compare (default: auto).", valueName: "metric"))
    var metric: MetricChoice?

    @Option(
        help: ArgumentHelp(
            "When to give up (default: 60s); at once, after a pair or two, where 10 pairs do not fit.",
            valueName: "duration"),
        transform: DurationArgument.init(parsing:))
    var maxTime: DurationArgument?

    @Option(
        help: ArgumentHelp("Write a comment in Markdown for a pull request; - for standard output.", valueName: "file"),
        completion: .file())
    var comment: String?

    @Option(
        help: ArgumentHelp("Write the verdicts as JUnit XML; - for standard output.", valueName: "file"),
        completion: .file())
    var junit: String?

    @Flag(help: "Verify that the gate would find a head that is slower by twice the limit.")
    var canary = false

    @OptionGroup var options: MeasurementOptions
    @OptionGroup var output: ResultOptions

    func validate() throws {
        if let file {
            guard base.isEmpty, head.isEmpty, baseline == nil, command.isEmpty else {
                throw ValidationError("with --file \(file) the commands are in the file; give no others.")
            }
        } else if baseline == nil {
            guard !base.isEmpty || !head.isEmpty else {
                throw ValidationError(
                    "there is nothing to compare: give --base and --head, or --baseline and a command, or --file.")
            }
            guard command.isEmpty else { throw ValidationError("a command without --base or --head needs --baseline.") }
            guard base.count == head.count else {
                throw ValidationError("each --base needs a --head, and each --head a --base.")
            }
        } else {
            guard base.isEmpty, head.isEmpty else {
                throw ValidationError("give either --baseline or --base and --head.")
            }
            let isOne =
                AfterTerminator.words.isEmpty ? command.count == 1 : command.count == AfterTerminator.words.count
            guard isOne else {
                throw ValidationError("with --baseline give one command, quoted as a whole or after --.")
            }
        }
        try CommandLineText.check()
        try output.check(
            options, besides: others, reading: [("--baseline", baseline), ("--file", file), ("--input", options.input)])
        if let limit { try GateFile.check(limit: limit) }
        if let maxTime, maxTime.nanoseconds <= 0 { throw ValidationError("--max-time must be more than 0.") }
    }

    private var others: [ResultOptions.Target] { [("--comment", comment), ("--junit", junit)] }

    func run() throws {
        do {
            // A report of an earlier check is not to be taken for one of this check, however it ends.
            try output.removeOld(besides: others)
            try options.checkFiles()
            let plan = try CheckPlan(self)
            let files = try output.open(besides: others)
            let outcome = try plan.measure(options)
            for failure in outcome.results.failures { failure.error.report() }
            try output.write(
                outcome.results, files, report: outcome.text(Style(for: STDOUT_FILENO)),
                others: [("--comment", { outcome.comment }), ("--junit", { outcome.junit })])
            if outcome.code != 0 { throw ExitCode(outcome.code) }
        } catch let error as MeasurementError {
            error.report()
            throw ExitCode(Self.code(error))
        } catch let error as Baseline.LoadError {
            StandardError.report(error.sentence)
            throw ExitCode(Exit.noBaseline)
        } catch let missing as InstructionCounter.Missing {
            StandardError.report(missing.sentence)
            throw ExitCode(Exit.internalError)
        }
    }

    private static func code(_ error: MeasurementError) -> Int32 {
        switch error {
        case .program(.line): Exit.usage
        case .program, .failed: Exit.commandFailed
        case .pool, .refused, .notCounted: Exit.internalError
        }
    }
}
#endif
