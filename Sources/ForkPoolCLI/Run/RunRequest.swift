// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import ForkPool
import ForkPoolLaunch
import Glibc

/// What a command line asks of `forkpool run`; the groups of options of `Run` say what each means.
struct RunRequest: Equatable {
    var argFiles: [String] = []
    var null = false
    var maxArgs: Int?
    var fill = false
    var batchBytes: ByteSize?
    var colsep: String?
    var header = false
    var replacement: String?
    var lines = false
    var pipe = false
    var block: ByteSize?
    var shard: ShardArgument?
    var split = ItemPart.Split.strided

    var jobs: JobCount?
    var script: String?
    var input: String?
    var wd: String?
    var timeout: JobTimeout?
    var retries = 0
    var retryDelay: DurationArgument?
    var failFast: FailFast?
    var load: LoadLimit?
    var memfree: ByteSize?
    var delay: DurationArgument?
    var nice: Int?
    var dryRun = false

    var order = RunSettings.OutputOrder.keep
    var tag = false
    var log: String?
    var resume: String?
    var results: String?
    var maxOutput: ByteSize?
    var tmpdir: String?
    var progress = RunStatusLine.Mode.auto

    var words: [String] = []

    /// Reads the words after the options, as bytes.
    ///
    /// - Throws: `ValidationError`.
    func line() throws -> RunArguments { try RunArguments(CommandLineText.lastArguments(words.count)) }

    /// Runs the jobs; returns by an error, `ExitCode` if all went well too.
    func run() throws {
        let line = try line()
        let (template, all, names) = try prepare(line)
        let part = try part()
        let source = part.map { ShardSource(all, $0) } ?? all
        let logPath = inPart(part).logPath
        let hint = logPath.map { "; go on with --resume \($0)" } ?? ""
        do {
            throw ExitCode(try inPart(part).run(template, names, source, part))
        } catch let refusal as OutputError {
            if refusal.isClosedPipe { RunSignals.die(by: SIGPIPE) }
            StandardError.report(
                "cannot write \(refusal.what): \(systemMessage(refusal.code)); nothing is left running"
                    + (refusal.what == logPath ? "" : hint))
            throw ExitCode(Exit.output)
        } catch let refusal as InputError {
            StandardError.report(
                "\(itemsName): cannot be read: \(systemMessage(refusal.code)); nothing is left running")
            throw ExitCode(Exit.noInput)
        } catch let problem as ResumeError {
            StandardError.report(problem.sentence)
            throw ExitCode(Exit.noInput)
        } catch let mismatch as LogMismatch {
            StandardError.report(mismatch.sentence)
            throw ExitCode(Exit.usage)
        } catch let refusal as SystemError {
            StandardError.report("\(refusal)")
            throw ExitCode(Exit.internalError)
        } catch let interrupted as Interrupted {
            let name = CommandEnd.name(ofSignal: interrupted.number)
            StandardError.report(
                "interrupted by \(name): \(interrupted.printed) done, \(interrupted.running) ended; nothing is left running\(interrupted.loss)\(hint)"
            )
            RunSignals.die(by: interrupted.number)
        }
    }

    private var logPath: String? { log ?? resume }

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

    private func run(
        _ template: CommandTemplate, _ names: [[UInt8]], _ source: any JobSource, _ part: ItemPart?
    ) throws -> Int32 {
        let folder = try wd.map { try WorkingFolder($0) }
        if !dryRun, let program = template.program {
            // A misspelt name fails once, before the command reads any item.
            try folder?.enter()
            var search = ProgramSearch()
            do { _ = try search.find(program) } catch {
                let name = printable(String(decoding: program, as: UTF8.self))
                StandardError.report("\(name): \(error.reason)\(error.code == ENOENT ? JobResult.hint(program) : "")")
                return error.exitCode
            }
            folder?.leave()
        }
        let settings = try settings(template, names, source)
        try checkLog(source)
        let earlier = try resume.map { try ResumeLog($0) }
        let index = try settings.results.map {
            try ResultsIndex(folder: $0, part, earlier)
        }
        if dryRun { return try print(template, source, settings, earlier, index) }
        let record = part.flatMap { part in settings.results.map { ShardRecord.Place(folder: $0, part) } }
        let isSameLog = log == nil || log.flatMap(FileIdentity.init(path:)) == resume.flatMap(FileIdentity.init(path:))
        let jobLog = try (log ?? resume).map { try JobLog($0, keeping: isSameLog ? earlier?.length ?? 0 : 0) }
        try index?.begin()
        try record?.clear()
        try folder?.enter()
        if let nice, setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Int32(nice)) != 0 {
            StandardError.report("--nice \(nice): \(systemMessage(errno))")
            throw ExitCode(Exit.internalError)
        }
        let runner = try CommandRunner(settings, source: source, log: jobLog, earlier: earlier, results: index)
        let code = try runner.run()
        if runner.hasRunAll, let shards = source as? ShardSource, let jobs = shards.jobsOfAll {
            let content = ShardRecord.Content(
                items: jobs, failed: runner.tally.failures, command: commandText(try line()), digest: shards.digest)
            try record?.write(content)
        }
        if let summary = runner.tally.summary { runner.status.report(summary) }
        return code
    }

    /// Refuses a log that is a file which the run reads or writes, too.
    private func checkLog(_ source: any JobSource) throws {
        guard let logPath, let log = FileIdentity(path: logPath) else { return }
        let lists = try line().lists.filter(\.isFile).flatMap(\.words).map { String(decoding: $0, as: UTF8.self) }
        let items = (argFiles + lists).map {
            $0 == "-" ? FileIdentity(descriptor: STDIN_FILENO) : FileIdentity(path: $0)
        }
        if ([source.file] + items).contains(log) {
            throw ValidationError("the log \(logPath) is the file that the items come from.")
        }
        let read = input.map { $0.hasPrefix("/") ? $0 : "\(wd ?? ".")/\($0)" }
        if read.flatMap(FileIdentity.init(path:)) == log {
            throw ValidationError("the log \(logPath) is the file that the jobs read (--input).")
        }
        if [STDOUT_FILENO, STDERR_FILENO].contains(where: { FileIdentity(descriptor: $0) == log }) {
            throw ValidationError("the log \(logPath) is the file that the output goes to.")
        }
    }

    private func settings(
        _ template: CommandTemplate, _ names: [[UInt8]], _ source: any JobSource
    ) throws -> RunSettings {
        let number = jobs?.number(processors: ForkPool.availableProcessors, items: source.total)
        var settings = RunSettings(template: template, jobs: number ?? ForkPool.availableProcessors)
        (settings.order, settings.tags, settings.failFast) = (order, tag || order == .lines, failFast)
        settings.limits = RunLimits(
            timeout: timeout, retries: retries, retryDelay: retryDelay?.nanoseconds,
            maxOutput: maxOutput?.bytes ?? (order == .lines ? .max : RunLimits().maxOutput),
            batchBytes: isBatch ? batchBytes?.bytes ?? ItemBatch.defaultBytes : nil)
        settings.throttle = RunThrottle(
            load: load?.number(processors: ForkPool.availableProcessors), freeMemory: memfree?.bytes,
            delay: delay?.nanoseconds)
        settings.progress = progress
        settings.results = try results.map { try dryRun ? $0 : ResultsFolder.make($0) }
        settings.givenTemporaryFolder = try tmpdir.map { try ResultsFolder.existing($0) }
        settings.input = input.map { CommandTemplate([Array($0.utf8)], reading(names, appends: false)) }
        settings.workingFolder = try wd.map { try ResultsFolder.existing($0) }
        settings.hasBatches = isBatch
        settings.environment = script == nil && !lines ? nil : RunSettings.ownEnvironment
        return settings
    }

    /// Prints the commands instead of running them, without those that the log to resume has; returns the exit code.
    private func print(
        _ template: CommandTemplate, _ source: any JobSource, _ settings: RunSettings, _ earlier: ResumeLog?,
        _ results: ResultsIndex?
    ) throws -> Int32 {
        var code: Int32 = 0
        while true {
            while let next = source.takeJob() {
                let number = source.number
                if let earlier, let done = earlier.done[number] {
                    var job = RunJob(number: number, position: number, values: next.values, records: next.records)
                    job.input = settings.jobInput(of: job)
                    try earlier.check(done, job, settings)
                    if results?.has(number, of: done) ?? true { continue }
                }
                let words = template.words(next.values, number: number, slot: 1)
                let missing = template.missingColumn(in: next.values)
                if missing != nil || words.contains(where: { $0.contains(0) }) {
                    let status = missing.map { JobResult.Status.missingColumn($0, has: next.values.count) }
                    let result = JobResult(status: status ?? .zeroByte, words: words, start: 0, wall: 0, usage: nil)
                    StandardError.report("job \(number): \(result.sentence(RunLimits()))")
                    code = result.exitCode
                } else {
                    StandardOutput.write(quotedForShell(words) + "\n")
                }
            }
            if source.isAtEnd { break }
            do { try source.read() } catch {
                StandardError.report("\(itemsName): cannot be read: \(systemMessage(error.code))")
                throw ExitCode(Exit.noInput)
            }
        }
        return code
    }
}
#endif
