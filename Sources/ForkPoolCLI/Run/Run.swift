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
            forkpool run [OPTION]... --lines
            forkpool run [OPTION]... --pipe [--] COMMAND [ARGUMENT]...
            """,
        discussion: """
            Items are the lines of standard input or of a file (-a), or the words after :::. The words after :::: are \
            files whose lines are the items. If there are several lists, each combination of items is a job; :::+ and \
            ::::+ take the items of a list together with those of the list before it. These placeholders in the \
            command stand for the item:

              {}    the item           {.}   the item without its extension
              {/}   its file name      {/.}  the file name without its extension
              {//}  its folder         {1}   the first list's value; {2/}, {2.}: parts
              {#}   the job's number   {%}   the job's slot, from 1 to --jobs

            A backslash makes text of a placeholder: \\{}. With one list and no columns, {1} must be a word of its own. \
            Without a placeholder, the item is the last word. A word stays one word: no shell reads it, and nothing \
            needs quoting. With --sh a shell runs the script, and the item is its $1; FORKPOOL_ITEM, FORKPOOL_NUMBER \
            and FORKPOOL_PLACE are the item (with -n and -X the first one), the number and the slot.

            forkpool prints a job's standard output and error once the job has ended, and those of the first job that \
            has not ended line by line. If a signal ends forkpool, it prints what the jobs have written so far; if \
            the reader takes nothing for two seconds, it says what is missing. A \
            job's standard input is empty, and it has no terminal: a prompt for a password fails. Each job has its own \
            process group. To stop a job, forkpool sends SIGTERM, and SIGKILL two seconds later. When forkpool ends, \
            it stops the processes that jobs left running in the same way. If forkpool itself is killed, the process \
            groups of its jobs are killed too.

            EXAMPLES
              ls *.png | forkpool run -- optipng -quiet {}
              forkpool run -j 8 --timeout 1m --log jobs.jsonl -a urls.txt -- curl -sfO {}
              forkpool run --resume jobs.jsonl -a urls.txt -- curl -sfO {}
              forkpool run --sh 'gzip -c "$1" | wc -c' ::: *.log
              find . -name '*.py' | forkpool run -X -- pylint
              forkpool run --lines < commands.txt
              forkpool run --pipe -- gzip < log > log.gz
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
              64       the command line is wrong, or the log to resume is from another run
              66       the items or the log cannot be read
              70       the system refused processes or memory
              74       the output, a result or the log cannot be written
              141      the reader closed the output
            """)

    @OptionGroup(title: "Items") var items: RunItemOptions
    @OptionGroup(title: "Jobs") var jobs: RunJobOptions
    @OptionGroup(title: "Outputs") var outputs: RunOutputOptions

    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The command's words, and items after :::.", valueName: "command"), completion: .file())
    var words: [String] = []

    /// Replaces a `--fail-fast` without a value by `--fail-fast=soon`, and divides short options in one word; leaves the
    /// words after `--` alone.
    static func spelledOut(_ arguments: [String]) -> [String] {
        guard arguments.first == name else { return arguments }
        var words = arguments
        // Most command lines have neither.
        if words.contains("--fail-fast") {
            let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
            for position in 0..<end where words[position] == "--fail-fast" {
                let next = arguments[position + 1 < end ? position + 1 : position]
                if !FailFast.isValue(next) { words[position] = "--fail-fast=soon" }
            }
        }
        return BundledOptions.areIn(words) ? [name] + BundledOptions.divided(words.dropFirst()) : words
    }

    func validate() throws {
        // argument-parser passes these words through; before the command they are options of forkpool.
        if let first = words.first, ["-h", "--help"].contains(first) { throw CleanExit.helpRequest(self) }
        if words.first == "--version" { throw CleanExit.message(ForkPoolCommand.version) }
        try request.validate()
    }

    func run() throws { try request.run() }

    private var request: RunRequest {
        var request = RunRequest()
        (request.argFiles, request.null) = (items.argFile, items.null)
        (request.maxArgs, request.fill, request.batchBytes) = (items.maxArgs, items.fill, items.batchBytes)
        (request.colsep, request.header, request.replacement) = (items.colsep, items.header, items.replacement)
        (request.lines, request.pipe, request.block) = (items.lines, items.pipe, items.block)
        (request.shard, request.split) = (items.shard, items.split)
        (request.jobs, request.script, request.input, request.wd) = (jobs.jobs, jobs.script, jobs.input, jobs.wd)
        (request.timeout, request.retries, request.retryDelay) = (jobs.timeout, jobs.retries, jobs.retryDelay)
        (request.failFast, request.load, request.memfree) = (jobs.failFast, jobs.load, jobs.memfree)
        (request.delay, request.nice, request.dryRun) = (jobs.delay, jobs.nice, jobs.dryRun)
        (request.order, request.tag, request.log) = (outputs.order, outputs.tag, outputs.log)
        (request.resume, request.results, request.maxOutput) = (outputs.resume, outputs.results, outputs.maxOutput)
        (request.tmpdir, request.progress, request.words) = (outputs.tmpdir, outputs.progress, words)
        return request
    }
}
#endif
