// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolLaunch
import ArgumentParser
import ForkPool
import Glibc

/// The verb `forkpool run`: runs a command for each item in parallel, and prints the outputs in input order.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", _superCommandName: "forkpool",
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

            EXIT CODES (the highest one that applies)
              0        every job exited with 0
              123      a job failed
              124      a job timed out
              125      a job was killed by a signal
              126      a command cannot be run, or the system refused its process
              127      a command does not exist
              128 + N  signal N ended forkpool
              64       the command line is wrong, or the log to resume is from another run
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
        guard arguments.first == "run" else { return arguments }
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
        try CommandLineText.check(before: words.count)
        if let jobs, !(1...10_000).contains(jobs) {
            throw ValidationError("--jobs must be from 1 to 10000, not \(jobs).")
        }
        if retries < 0 { throw ValidationError("--retries must not be negative.") }
        if let timeout, timeout.nanoseconds <= 0 { throw ValidationError("--timeout must be more than 0.") }
        if order == .live, tag || results != nil || maxOutput != nil {
            throw ValidationError(
                "--order live captures nothing, so --tag, --results and --max-output need another order.")
        }
        if !(try line()).lists.isEmpty, argFile != nil {
            throw ValidationError("the items come from --arg-file or from after :::, not from both.")
        }
    }

    private func line() throws -> RunArguments {
        try RunArguments(CommandLineText.lastArguments(words.count), script: script.map { Array($0.utf8) })
    }

    func run() throws {
        let line = try line()
        let source = line.lists.isEmpty ? try read() : ItemSource(lists: line.lists)
        if dryRun { return try print(line.template, source) }
        do {
            throw ExitCode(try run(line.template, source))
        } catch let refusal as OutputError {
            if refusal.isClosedPipe { RunSignals.die(by: SIGPIPE) }
            StandardError.report(
                "cannot write \(refusal.what): \(systemMessage(refusal.code)); nothing is left running")
            throw ExitCode(Exit.output)
        } catch let refusal as InputError {
            StandardError.report(
                "\(itemsName): cannot be read: \(systemMessage(refusal.code)); nothing is left running")
            throw ExitCode(Exit.noInput)
        } catch let problem as ResumeError {
            StandardError.report(problem.sentence)
            throw ExitCode(Exit.noInput)
        } catch let mismatch as LogMismatch {
            StandardError.report(
                "\(mismatch.path) is the log of a run with other items: its job \(mismatch.number) had another item; nothing is left running"
            )
            throw ExitCode(Exit.usage)
        } catch let refusal as SystemError {
            StandardError.report("\(refusal)")
            throw ExitCode(Exit.internalError)
        } catch let interrupted as Interrupted {
            let name = CommandEnd.name(ofSignal: interrupted.number)
            let hint = (log ?? resume).map { "; go on with --resume \($0)" } ?? ""
            StandardError.report(
                "interrupted by \(name): \(interrupted.printed) done, \(interrupted.running) ended; nothing is left running\(hint)"
            )
            RunSignals.die(by: interrupted.number)
        }
    }

    private func run(_ template: CommandTemplate, _ source: ItemSource) throws -> Int32 {
        if let program = template.program {
            // A misspelt name fails once, before the command reads any item.
            var search = ProgramSearch()
            do { _ = try search.find(program) } catch {
                StandardError.report("\(printable(String(decoding: program, as: UTF8.self))): \(error.reason)")
                return error.exitCode
            }
        }
        var settings = RunSettings(template: template, jobs: jobs ?? ForkPool.availableProcessors)
        (settings.order, settings.tags, settings.failFast, settings.results) = (order, tag, failFast, results)
        settings.limits = RunLimits(
            timeout: timeout?.nanoseconds, retries: retries, maxOutput: maxOutput?.bytes ?? RunLimits().maxOutput)
        if let results, unsafe mkdir(results, 0o777) != 0, errno != EEXIST {
            throw OutputError(what: results, code: errno)
        }
        if let log = log ?? resume, let file = FileIdentity(path: log) {
            if source.file == file { throw ValidationError("the log \(log) is the file that the items come from.") }
            if [STDOUT_FILENO, STDERR_FILENO].contains(where: { FileIdentity(descriptor: $0) == file }) {
                throw ValidationError("the log \(log) is the file that the output goes to.")
            }
        }
        let earlier = try resume.map { try ResumeLog($0) }
        let isSameLog = log == nil || log.flatMap(FileIdentity.init(path:)) == resume.flatMap(FileIdentity.init(path:))
        let jobLog = try (log ?? resume).map { try JobLog($0, keeping: isSameLog ? earlier?.length ?? 0 : 0) }
        let runner = try CommandRunner(settings, source: source, log: jobLog, earlier: earlier)
        let code = try runner.run()
        if let summary = runner.tally.summary { StandardError.report(summary) }
        return code
    }

    /// Opens the source of items: a file, or standard input.
    private func read() throws -> ItemSource {
        let separator: UInt8 = null ? 0 : UInt8(ascii: "\n")
        guard let argFile, argFile != "-" else {
            if isatty(STDIN_FILENO) == 1 {
                StandardError.report("reading items from the terminal, one per line; Ctrl-D ends the input")
            }
            return ItemSource(descriptor: STDIN_FILENO, separator: separator)
        }
        let file = unsafe open(argFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            StandardError.report("\(itemsName): cannot be read: \(systemMessage(errno))")
            throw ExitCode(Exit.noInput)
        }
        return ItemSource(descriptor: file, separator: separator)
    }

    /// The source of items, as messages name it.
    private var itemsName: String {
        guard let argFile, argFile != "-" else { return "standard input" }
        return argFile.isEmpty ? "\"\"" : argFile
    }

    /// Prints the commands instead of running them.
    private func print(_ template: CommandTemplate, _ source: ItemSource) throws {
        var number = 0
        var code: Int32 = 0
        while true {
            while let values = source.take() {
                number += 1
                let words = template.words(values, number: number, slot: 1)
                if words.contains(where: { $0.contains(0) }) {
                    let result = JobResult(status: .zeroByte, words: words, start: 0, wall: 0, usage: nil)
                    StandardError.report("job \(number): \(result.sentence(RunLimits()))")
                    code = result.exitCode
                } else {
                    StandardOutput.write(quotedForShell(words) + "\n")
                }
            }
            if source.isWhole { break }
            do { try source.read() } catch {
                StandardError.report("\(itemsName): cannot be read: \(systemMessage(error.code))")
                throw ExitCode(Exit.noInput)
            }
        }
        if code != 0 { throw ExitCode(code) }
    }
}

extension RunSettings.OutputOrder: ExpressibleByArgument {}
extension RunSettings.FailFast: ExpressibleByArgument {}
#endif
