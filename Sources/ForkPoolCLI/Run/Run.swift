// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ArgumentParser
import ForkPool
import Glibc

/// The verb `forkpool run`: runs a command for each item in parallel, and prints the outputs in input order.
struct Run: ParsableCommand {
    static let name = "run"

    static let configuration = CommandConfiguration(
        commandName: name, _superCommandName: "forkpool",
        abstract: "Run a command for each item, in parallel, with outputs whole and in input order.",
        usage: """
            forkpool run [OPTION]... [--] COMMAND [ARGUMENT|{}]... [::: ITEM...]...
            forkpool run [OPTION]... --sh SCRIPT [::: ITEM...]...
            """,
        discussion: """
            Items are the lines of standard input or of a file (-a), or the words after :::. If ::: is given several \
            times, each combination of words is a job. These placeholders in the command stand for the item:

              {}    the item           {.}   the item without its extension
              {/}   its file name      {/.}  the file name without its extension
              {//}  its folder         {1}   the first list's value; {2/}, {2.}: parts
              {#}   the job's number   {%}   the job's slot, from 1 to --jobs

            Without a placeholder, the item is the last word. A word stays one word: no shell reads it, and nothing \
            needs quoting. With --sh a shell runs the script, and the item is its $1.

            forkpool prints a job's standard output and error once the job has ended. A job's standard input is \
            empty, and it has no terminal: a prompt for a password fails. Each job has its own process group. \
            To stop a job, forkpool sends SIGTERM, and SIGKILL two seconds later. When forkpool ends, it stops \
            the processes that jobs left running in the same way. If forkpool itself is killed, the process groups \
            of its jobs are killed too.

            EXAMPLES
              ls *.png | forkpool run -- optipng -quiet {}
              forkpool run -j 8 --timeout 1m --log jobs.jsonl -a urls.txt -- curl -sfO {}
              forkpool run --resume jobs.jsonl -a urls.txt -- curl -sfO {}
              forkpool run --sh 'gzip -c "$1" | wc -c' ::: *.log
              forkpool run --tag -- ./simulate -s {1} -n {2} ::: 1 2 3 ::: small big
              forkpool run --shard auto --results out -a urls.txt -- curl -sf {}

            EXIT CODES (the highest one that applies)
              0        every job exited with 0
              123      a job failed
              124      a job timed out
              125      a job was killed by a signal
              126      a command cannot be run, or the system refused its process
              127      a command does not exist
              128 + N  signal N ended forkpool
              64       the command line or the shard is wrong, or the log is of another run
              66       the items or the log cannot be read
              70       the system refused processes or memory
              74       the output, a result or the log cannot be written
              141      the reader closed the output
            """)

    @Option(
        name: [.customShort("j", allowingJoined: true), .long],
        help: "How many jobs run at once. (default: the number of available processors)")
    var jobs: Int?

    @Flag(name: [.customShort("0"), .long], help: "Items end with a zero byte instead of a newline.")
    var null = false

    @Option(
        name: [.customShort("a", allowingJoined: true), .long],
        help: ArgumentHelp("Read the items from FILE.", valueName: "file"),
        completion: .file())
    var argFile: String?

    @Option(
        help: ArgumentHelp(
            "Print outputs in input order, as jobs end, or live without capturing them.", valueName: "keep|done|live"
        ))
    var order = RunSettings.OutputOrder.keep

    @Flag(help: "Put the item and a tab in front of each line of output.")
    var tag = false

    @Option(
        help: ArgumentHelp("Stop a job that takes longer than this: 500ms, 10s, 2m.", valueName: "duration"),
        transform: { try DurationArgument(parsing: $0) })
    var timeout: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "Start a failed job up to N more times; only the last attempt's output counts.", valueName: "n"))
    var retries = 0

    @Option(
        help: ArgumentHelp(
            "After a failure, start no more jobs (soon, also without a value), or also stop those that run (now).",
            valueName: "now|soon"))
    var failFast: RunSettings.FailFast?

    @Option(
        help: ArgumentHelp("Write a JSON line for each finished job; overwrites FILE.", valueName: "file"),
        completion: .file())
    var log: String?

    @Option(
        help: ArgumentHelp(
            "Skip the jobs that succeeded according to the log FILE, and append to that log.", valueName: "file"),
        completion: .file())
    var resume: String?

    @Option(
        help: ArgumentHelp(
            "Also keep each job's output in FOLDER, as NUMBER.out and NUMBER.err; names end in .partial until it has ended.",
            valueName: "folder"),
        completion: .directory)
    var results: String?

    @Option(
        help: ArgumentHelp(
            "Stop a job that writes more than this to one of its outputs. (default: 1GiB)", valueName: "size"),
        transform: { try ByteSize(parsing: $0) })
    var maxOutput: ByteSize?

    @Option(
        help: ArgumentHelp(
            """
            Run the items of one of N shards alone: 0/4 is the first of four. With auto the environment says which \
            (FORKPOOL_SHARD and FORKPOOL_SHARDS, a Slurm array, Kubernetes, AWS Batch, LSF, SGE, GitLab, Buildkite, CircleCI), \
            or all items are run; with srun also the tasks of a plain srun are shards. Jobs keep the numbers that they have \
            among all items. {shard} in the paths of --log, --resume and --results is the shard's number. forkpool merge \
            prints the results of all shards.
            """, valueName: "i/n|auto|srun"),
        completion: .list(["auto", "srun"]),
        transform: { try ShardArgument(parsing: $0) })
    var shard: ShardArgument?

    @Option(
        help: ArgumentHelp(
            "Give a shard each N-th item, or neighbours, for which it reads all items first.",
            valueName: "strided|blocks"))
    var split = ItemPart.Split.strided

    @Flag(help: "Print the commands, quoted for bash or zsh, and run none.")
    var dryRun = false

    @Option(name: .customLong("sh"), help: ArgumentHelp("Run sh -c SCRIPT, with the item as $1.", valueName: "script"))
    var script: String?

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The command's words, and items after :::.", valueName: "command"))
    var words: [String] = []

    /// Replaces a `--fail-fast` without a value by `--fail-fast=soon`; leaves the words after `--` alone.
    static func spelledOut(_ arguments: [String]) -> [String] {
        guard arguments.first == name else { return arguments }
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        let values = RunSettings.FailFast.allCases.map(\.rawValue)
        return arguments[..<end].enumerated().map { position, word in
            let next = arguments[position + 1 < end ? position + 1 : position]
            return word == "--fail-fast" && !values.contains(next) ? "--fail-fast=soon" : word
        } + arguments[end...]
    }

    func validate() throws {
        // argument-parser passes these words through; before the command they are options of forkpool.
        if let first = words.first, ["-h", "--help"].contains(first) { throw CleanExit.helpRequest(self) }
        if words.first == "--version" { throw CleanExit.message(ForkPoolCommand.version) }
        try request.validate()
    }

    func run() throws { try request.run() }

    private var request: RunRequest {
        RunRequest(
            jobs: jobs, null: null, argFile: argFile, order: order, tag: tag, timeout: timeout, retries: retries,
            failFast: failFast, log: log, resume: resume, results: results, maxOutput: maxOutput, shard: shard,
            split: split,
            dryRun: dryRun, script: script, words: words)
    }
}

extension RunSettings.OutputOrder: ExpressibleByArgument {}
extension RunSettings.FailFast: ExpressibleByArgument {}
extension ItemPart.Split: ExpressibleByArgument {}
#endif
