// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser

/// The options about where items come from and how a command gets them.
struct RunItemOptions: ParsableArguments {
    @Option(
        name: [.customShort("a", allowingJoined: true), .long],
        help: ArgumentHelp(
            "Read the items from FILE. Given several times, each file is a list as after :::.", valueName: "file"),
        completion: .file())
    var argFile: [String] = []

    @Flag(name: [.customShort("0"), .long], help: "Items end with a zero byte instead of a newline.")
    var null = false

    @Option(
        name: [.customShort("n", allowingJoined: true), .long],
        help: ArgumentHelp("Give each job N items: {} as a word of its own becomes N words.", valueName: "n"))
    var maxArgs: Int?

    @Flag(
        name: .customShort("X"),
        help: "Give each job as many items as fit, and the last ones evenly to all jobs; not with --shard.")
    var fill = false

    @Option(
        help: ArgumentHelp("How many bytes of items fit, with -n and -X. (default: 128KiB)", valueName: "size"),
        transform: { try ByteSize(parsing: $0) })
    var batchBytes: ByteSize?

    @Option(
        help: ArgumentHelp(
            "TEXT divides an item into columns, {1}, {2} and so on; an empty TEXT stands for blanks.", valueName: "text"
        ))
    var colsep: String?

    @Flag(help: "The first item names the columns, for {NAME}. (without --colsep: divided by tabs)")
    var header = false

    @Option(
        name: .customShort("I", allowingJoined: true),
        help: ArgumentHelp("TEXT stands for the item instead of {}; braces have no meaning.", valueName: "text"))
    var replacement: String?

    @Flag(help: "Each item is a command line, which sh runs; there is no other command.")
    var lines = false

    @Flag(help: "Give standard input to jobs, in blocks of whole lines; each job reads its block.")
    var pipe = false

    @Option(
        help: ArgumentHelp("About how many bytes a block has. (default: 1MiB)", valueName: "size"),
        transform: { try ByteSize(parsing: $0) })
    var block: ByteSize?

    @Option(
        help: ArgumentHelp(
            """
            Run the jobs of one of N shards alone: 0/4 is the first of four. With auto the environment says which \
            (FORKPOOL_SHARD and FORKPOOL_SHARDS, a Slurm array, Kubernetes, AWS Batch, LSF, SGE, GitLab, Buildkite, CircleCI), \
            or all are run; with srun also the tasks of a plain srun are shards. Jobs keep the numbers that they have \
            among all. {shard} in the paths of --log, --resume and --results is the shard's number. forkpool merge \
            prints the results of all shards.
            """, valueName: "i/n|auto|srun"),
        completion: .list(["auto", "srun"]),
        transform: { try ShardArgument(parsing: $0) })
    var shard: ShardArgument?

    @Option(
        help: ArgumentHelp(
            "Give a shard each N-th job, or neighbours, for which it reads all items first.",
            valueName: "strided|blocks"))
    var split = ItemPart.Split.strided
}

/// The options about how jobs run, and when.
struct RunJobOptions: ParsableArguments {
    @Option(
        name: [.customShort("j", allowingJoined: true), .long], parsing: .unconditional,
        help: ArgumentHelp(
            "How many jobs run at once: 8; 50%, +2 or -1 of the processors; 0 for no limit. (default: the number of available processors)",
            valueName: "jobs"),
        transform: { try JobCount(parsing: $0) })
    var jobs: JobCount?

    @Option(name: .customLong("sh"), help: ArgumentHelp("Run sh -c SCRIPT, with the item as $1.", valueName: "script"))
    var script: String?

    @Option(
        help: ArgumentHelp("Each job's standard input is FILE; it may contain placeholders.", valueName: "file"),
        completion: .file())
    var input: String?

    @Option(
        help: ArgumentHelp("Run the jobs in FOLDER.", valueName: "folder"), completion: .directory)
    var wd: String?

    @Option(
        help: ArgumentHelp(
            "Stop a job that takes longer than this: 500ms, 10s, 2m, or 300% of the median.", valueName: "duration"),
        transform: { try JobTimeout(parsing: $0) })
    var timeout: JobTimeout?

    @Option(
        help: ArgumentHelp(
            "Start a failed job up to N more times; only the last attempt's output is printed.", valueName: "n"))
    var retries = 0

    @Option(
        help: ArgumentHelp("Wait before a failed job starts again.", valueName: "duration"),
        transform: { try DurationArgument(parsing: $0) })
    var retryDelay: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "After a failure, start no more jobs (soon, also without a value), or also stop those that run (now). After several: soon,3; after a share: now,10%.",
            valueName: "now|soon"), completion: .list(["now", "soon"]),
        transform: { try FailFast(parsing: $0) })
    var failFast: FailFast?

    @Option(
        help: ArgumentHelp(
            "Start no job while so many processes run: 8, or 80% of the processors; says so after 5 s.",
            valueName: "n"))
    var load: LoadLimit?

    @Option(
        help: ArgumentHelp("Start no job while less memory than this is free; says so after 5 s.", valueName: "size"),
        transform: { try ByteSize(parsing: $0) })
    var memfree: ByteSize?

    @Option(
        help: ArgumentHelp("Wait at least this long from one start to the next.", valueName: "duration"),
        transform: { try DurationArgument(parsing: $0) })
    var delay: DurationArgument?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Run the jobs, and forkpool, with this niceness.", valueName: "n"))
    var nice: Int?

    @Flag(help: "Print the commands and run none; they are quoted for bash or zsh.")
    var dryRun = false
}

/// The options about outputs.
struct RunOutputOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "When outputs are printed: in input order, as jobs end, line by line with the item in front, or live without capturing them.",
            valueName: "keep|done|lines|live"))
    var order = RunSettings.OutputOrder.keep

    @Flag(help: "Put the item and a tab in front of each line of output; ends a last line that has no end.")
    var tag = false

    @Option(
        help: ArgumentHelp("Write a JSON line for each finished job; overwrites FILE.", valueName: "file"),
        completion: .file())
    var log: String?

    @Option(
        help: ArgumentHelp(
            "Skip the jobs that succeeded by the log FILE and whose --results are there, and append to that log.",
            valueName: "file"),
        completion: .file())
    var resume: String?

    @Option(
        help: ArgumentHelp(
            "Also keep each job's output in FOLDER, as NUMBER.out and NUMBER.err; names end in .partial until it has ended. Removes what an earlier run wrote there, unless with --resume, and never another file.",
            valueName: "folder"),
        completion: .directory)
    var results: String?

    @Option(
        help: ArgumentHelp(
            "Stop a job that writes more than this to an output. (default: 1GiB)", valueName: "size"),
        transform: { try ByteSize(parsing: $0) })
    var maxOutput: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Where outputs wait that do not fit in memory. (default: TMPDIR, /tmp, or /var/tmp if /tmp is in memory)",
            valueName: "folder"),
        completion: .directory)
    var tmpdir: String?

    @Option(
        help: ArgumentHelp(
            "How progress is shown: as a bar on a terminal, as a line each 10 seconds or 10 percent, or not at all.",
            valueName: "auto|plain|none"))
    var progress = RunStatusLine.Mode.auto
}

extension RunSettings.OutputOrder: ExpressibleByArgument {}
extension RunStatusLine.Mode: ExpressibleByArgument {}
extension ItemPart.Split: ExpressibleByArgument {}
#endif
