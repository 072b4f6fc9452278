import ArgumentParser
import ForkPool
import ForkPoolLaunch
import Glibc

/// The verb `forkpool run`: a command for each item, in parallel, whose outputs come in the order of the input.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", _superCommandName: "forkpool",
        abstract: "Run a command for each item, in parallel, with outputs whole and in input order.",
        usage: """
            forkpool run [OPTION]... [--] COMMAND [ARGUMENT|{}]... [::: ITEM...]...
            forkpool run [OPTION]... --sh SCRIPT [::: ITEM...]...
            """,
        discussion: """
            Items are the lines of standard input, of a file (-a), or the words behind :::, which may be there several \
            times: every combination is a job. In the command's words these stand for the item and its parts:

              {}    the item           {.}   without its extension
              {/}   its file name      {/.}  the file name without its extension
              {//}  its folder         {1}   the first list's value; {2/}, {2.}: parts
              {#}   the job's number   {%}   its place among those that run

            Without any, the item is the last word. A word stays one word: no shell reads it, and nothing needs \
            quoting. With --sh a shell runs the script, and the item is its $1.

            A job's standard output and error are printed once it has ended; its standard input is empty, and a \
            terminal gives it nothing: who asks there for a password is refused. A job is a \
            process group of its own. It is told to end by SIGTERM, and two seconds later killed; so is, when this \
            command ends, what jobs left behind in the background. If this command is killed itself, the groups of its \
            jobs are killed.

            EXAMPLES
              ls *.png | forkpool run -- optipng -quiet {}
              forkpool run -j 8 --timeout 1m --log jobs.jsonl -a urls.txt -- curl -sfO {}
              forkpool run --resume jobs.jsonl -a urls.txt -- curl -sfO {}
              forkpool run --sh 'gzip -c "$1" | wc -c' ::: *.log
              forkpool run --tag -- ./simulate -s {1} -n {2} ::: 1 2 3 ::: small big

            EXIT CODES (of several the highest)
              0        every job exited with 0
              123      a job failed
              124      a job timed out
              125      a job was killed by a signal
              126      a command cannot be run, or the system refuses its process
              127      there is no such command
              128 + N  ended by the signal N
              64       the command line is wrong, or the log to resume is another run's
              66       the items or the log cannot be read
              70       the system refused processes or memory
              74       the output, a result or the log cannot be written
              141      nobody reads the output any more
            """)

    @Option(
        name: [.customShort("j", allowingJoined: true), .long],
        help: "How many jobs run at once. (default: the processors that may be used)")
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
            "Print outputs in the input's order, as jobs are done, or uncaptured and live.", valueName: "keep|done|live"
        ))
    var order = RunSettings.Order.keep

    @Flag(help: "Put the item and a tab in front of each line of output.")
    var tag = false

    @Option(
        help: ArgumentHelp("End a job that takes longer, such as 500ms, 10s, 2m.", valueName: "duration"),
        transform: { try DurationArgument(parsing: $0) })
    var timeout: DurationArgument?

    @Option(
        help: ArgumentHelp(
            "Begin a job that failed up to N more times; the last attempt's output counts.", valueName: "n"))
    var retries = 0

    @Option(
        help: ArgumentHelp(
            "After a failure begin no more jobs (soon; also --fail-fast alone), or end those that run, too (now).",
            valueName: "now|soon"))
    var failFast: RunSettings.FailFast?

    @Option(
        help: ArgumentHelp("Write a JSON line for each job that is done; what was in FILE is lost.", valueName: "file"),
        completion: .file())
    var log: String?

    @Option(
        help: ArgumentHelp(
            "Skip the jobs that succeeded as the log FILE says, and go on with that log.", valueName: "file"),
        completion: .file())
    var resume: String?

    @Option(
        help: ArgumentHelp(
            "Keep each job's output in FOLDER too, as NUMBER.out and NUMBER.err, with .partial behind until it has ended.",
            valueName: "folder"),
        completion: .directory)
    var results: String?

    @Option(
        help: ArgumentHelp("End a job that writes more to one of its outputs. (default: 1GiB)", valueName: "size"),
        transform: { try ByteSize(parsing: $0) })
    var maxOutput: ByteSize?

    @Flag(help: "Print the commands, quoted for bash or zsh, and run none.")
    var dryRun = false

    @Option(name: .customLong("sh"), help: ArgumentHelp("Run sh -c SCRIPT, with the item as $1.", valueName: "script"))
    var script: String?

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The command's words, and items behind :::.", valueName: "command"))
    var words: [String] = []

    /// Gives `--fail-fast` the value that it stands for; what follows `--` is not looked at.
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
        // The words of a command are not looked at for these; in front of it they are ours.
        if let first = words.first, ["-h", "--help"].contains(first) { throw CleanExit.helpRequest(self) }
        if words.first == "--version" { throw CleanExit.message(ForkPoolCommand.version) }
        try CommandLineText.check(before: words.count)
        if let jobs, !(1...10_000).contains(jobs) {
            throw ValidationError("--jobs must be from 1 to 10000, not \(jobs).")
        }
        if retries < 0 { throw ValidationError("--retries must not be negative.") }
        if let timeout, timeout.nanoseconds <= 0 { throw ValidationError("--timeout must be longer than nothing.") }
        if order == .live, tag || results != nil || maxOutput != nil {
            throw ValidationError(
                "--order live captures nothing, so --tag, --results and --max-output need another order.")
        }
        if !(try line()).lists.isEmpty, argFile != nil {
            throw ValidationError("the items come from --arg-file or from behind :::, not from both.")
        }
    }

    private func line() throws -> RunLine {
        try RunLine(CommandLineText.lastArguments(words.count), script: script.map { Array($0.utf8) })
    }

    func run() throws {
        let line = try line()
        let source = line.lists.isEmpty ? try read() : ItemSource(lists: line.lists)
        if dryRun { return try print(line.template, source) }
        do {
            throw ExitCode(try run(line.template, source))
        } catch let refusal as OutputRefusal {
            if refusal.isClosedPipe { RunSignals.die(by: SIGPIPE) }
            StandardError.complain(
                "cannot write \(refusal.what): \(systemMessage(refusal.code)); nothing is left running")
            throw ExitCode(Exit.output)
        } catch let refusal as ReadRefusal {
            StandardError.complain(
                "\(itemsName): cannot be read: \(systemMessage(refusal.code)); nothing is left running")
            throw ExitCode(Exit.noInput)
        } catch let problem as ResumeProblem {
            StandardError.complain(problem.sentence)
            throw ExitCode(Exit.noInput)
        } catch let other as OtherRun {
            StandardError.complain(
                "\(other.path) is of a run with other items: job \(other.number) was another one; nothing is left running"
            )
            throw ExitCode(Exit.usage)
        } catch let refusal as SystemError {
            StandardError.complain("\(refusal)")
            throw ExitCode(Exit.internalError)
        } catch let interrupted as Interrupted {
            let name = CommandEnd.name(ofSignal: interrupted.number)
            let hint = (log ?? resume).map { "; go on with --resume \($0)" } ?? ""
            StandardError.complain(
                "interrupted by \(name): \(interrupted.printed) done, \(interrupted.running) ended; nothing is left running\(hint)"
            )
            RunSignals.die(by: interrupted.number)
        }
    }

    private func run(_ template: CommandTemplate, _ source: ItemSource) throws -> Int32 {
        if let program = template.program {
            // A misspelt name fails once, and before anything is read.
            var search = ProgramSearch()
            do { _ = try search.find(program) } catch {
                StandardError.complain("\(printable(String(decoding: program, as: UTF8.self))): \(error.reason)")
                return error.exitCode
            }
        }
        var settings = RunSettings(template: template, jobs: jobs ?? ForkPool.availableProcessors)
        (settings.order, settings.tags, settings.failFast, settings.results) = (order, tag, failFast, results)
        settings.limits = RunLimits(
            timeout: timeout?.nanoseconds, retries: retries, maxOutput: maxOutput?.bytes ?? RunLimits().maxOutput)
        if let results, unsafe mkdir(results, 0o777) != 0, errno != EEXIST {
            throw OutputRefusal(what: results, code: errno)
        }
        if let log = log ?? resume, let file = FileIdentity(path: log) {
            if source.file == file { throw ValidationError("the log \(log) is the file that the items come from.") }
            if [STDOUT_FILENO, STDERR_FILENO].contains(where: { FileIdentity(descriptor: $0) == file }) {
                throw ValidationError("the log \(log) is the file that the output goes to.")
            }
        }
        let earlier = try resume.map { try ResumeLog($0) }
        let isSameLog = log == nil || log.flatMap(FileIdentity.init(path:)) == resume.flatMap(FileIdentity.init(path:))
        let journal = try (log ?? resume).map { try JobLog($0, keeping: isSameLog ? earlier?.length ?? 0 : 0) }
        let runner = try JobRunner(settings, source: source, log: journal, earlier: earlier)
        let code = try runner.run()
        if let summary = runner.tally.summary { StandardError.complain(summary) }
        return code
    }

    /// What is read: a file, or standard input.
    private func read() throws -> ItemSource {
        let separator: UInt8 = null ? 0 : UInt8(ascii: "\n")
        guard let argFile, argFile != "-" else {
            if isatty(STDIN_FILENO) == 1 {
                StandardError.complain("reading items from the terminal, one a line; Ctrl-D ends them")
            }
            return ItemSource(descriptor: STDIN_FILENO, separator: separator)
        }
        let file = unsafe open(argFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            StandardError.complain("\(itemsName): cannot be read: \(systemMessage(errno))")
            throw ExitCode(Exit.noInput)
        }
        return ItemSource(descriptor: file, separator: separator)
    }

    /// What is read, for messages.
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
                    let end = JobEnd(reason: .zeroByte, words: words, start: 0, wall: 0, usage: nil)
                    StandardError.complain("job \(number): \(end.sentence(RunLimits()))")
                    code = end.exitCode
                } else {
                    StandardOutput.write(quotedForShell(words) + "\n")
                }
            }
            if source.isWhole { break }
            do { try source.read() } catch {
                StandardError.complain("\(itemsName): cannot be read: \(systemMessage(error.code))")
                throw ExitCode(Exit.noInput)
            }
        }
        if code != 0 { throw ExitCode(code) }
    }
}

extension RunSettings.Order: ExpressibleByArgument {}
extension RunSettings.FailFast: ExpressibleByArgument {}
