// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import ForkPoolLaunch
import Glibc

/// What a command line asks of `forkpool run`; `Run` says what each option means.
struct RunRequest: Equatable {
    var jobs: Int?
    var null = false
    var argFile: String?
    var order = RunSettings.OutputOrder.keep
    var tag = false
    var timeout: DurationArgument?
    var retries = 0
    var failFast: RunSettings.FailFast?
    var log: String?
    var resume: String?
    var results: String?
    var maxOutput: ByteSize?
    var shard: ShardArgument?
    var split = ItemPart.Split.strided
    var dryRun = false
    var script: String?
    var words: [String] = []

    /// Refuses what cannot be, such as no job at once.
    ///
    /// - Throws: `ValidationError`.
    func validate() throws {
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
        for (option, path) in [("--log", log), ("--resume", resume)] {
            guard shard != nil, let path, !path.contains("{shard}") else { continue }
            throw ValidationError(
                "\(option) with --shard needs {shard} in its path, so that no shard overwrites the log of another one.")
        }
        if !(try line()).lists.isEmpty, argFile != nil {
            throw ValidationError("the items come from --arg-file or from after :::, not from both.")
        }
    }

    private func line() throws -> RunArguments {
        try RunArguments(CommandLineText.lastArguments(words.count), script: script.map { Array($0.utf8) })
    }

    /// Runs the jobs; returns by an error, `ExitCode` if all went well too.
    func run() throws {
        let line = try line()
        let part = try part()
        let source = line.lists.isEmpty ? try read(part) : ItemSource(lists: line.lists, part: part)
        if dryRun { return try print(line.template, source) }
        do {
            throw ExitCode(try inPart(part).run(line.template, source, part))
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
            let path = (log ?? resume).map { ItemPart.path($0, part) }
            let hint = path.map { "; go on with --resume \($0)" } ?? ""
            StandardError.report(
                "interrupted by \(name): \(interrupted.printed) done, \(interrupted.running) ended; nothing is left running\(hint)"
            )
            RunSignals.die(by: interrupted.number)
        }
    }

    /// The part of the items that this run takes; nil for all.
    private func part() throws -> ItemPart? {
        guard let shard else { return nil }
        if let own = try shard.shard() { return ItemPart(shard: own, split: split) }
        StandardError.report("the environment names no shard: all items are run")
        return ItemPart(shard: ForkPool.Shard(index: 0, count: 1), split: split)
    }

    /// The same request with the paths of its shard.
    private func inPart(_ part: ItemPart?) -> RunRequest {
        guard part != nil else { return self }
        var request = self
        (request.log, request.resume, request.results) = (
            log.map { ItemPart.path($0, part) }, resume.map { ItemPart.path($0, part) },
            results.map { ItemPart.path($0, part) }
        )
        return request
    }

    private func run(_ template: CommandTemplate, _ source: ItemSource, _ part: ItemPart?) throws -> Int32 {
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
        let record = part.flatMap { part in results.map { ShardRecord.Place(folder: $0, part) } }
        try record?.clear()
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
        if runner.hasRunAll { try record?.write(items: source.total, failed: runner.tally.failures) }
        if let summary = runner.tally.summary { StandardError.report(summary) }
        return code
    }

    /// Opens the source of items: a file, or standard input.
    private func read(_ part: ItemPart?) throws -> ItemSource {
        let separator: UInt8 = null ? 0 : UInt8(ascii: "\n")
        guard let argFile, argFile != "-" else {
            if isatty(STDIN_FILENO) == 1 {
                StandardError.report("reading items from the terminal, one per line; Ctrl-D ends the input")
            }
            return ItemSource(descriptor: STDIN_FILENO, separator: separator, part: part)
        }
        let file = unsafe open(argFile, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            StandardError.report("\(itemsName): cannot be read: \(systemMessage(errno))")
            throw ExitCode(Exit.noInput)
        }
        return ItemSource(descriptor: file, separator: separator, part: part)
    }

    /// The source of items, as messages name it.
    private var itemsName: String {
        guard let argFile, argFile != "-" else { return "standard input" }
        return argFile.isEmpty ? "\"\"" : argFile
    }

    /// Prints the commands instead of running them.
    private func print(_ template: CommandTemplate, _ source: ItemSource) throws {
        var code: Int32 = 0
        while true {
            while let values = source.take() {
                let number = source.number
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
#endif
