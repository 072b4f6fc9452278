// SPDX-License-Identifier: Apache-2.0
#if Command
import ArgumentParser
import Glibc

/// The verb `forkpool merge`: prints the results of the shards of a run as one run prints them.
struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", _superCommandName: "forkpool",
        abstract: "Print the results of all shards of a run, in input order.",
        usage: "forkpool merge FOLDER...",
        discussion: """
            Reads what forkpool run --shard --results left in one folder, or in one for each shard, and prints the \
            outputs of all jobs as one run prints them: standard output and error, in the order of the items. If a shard or a \
            job is missing or has failed it prints no output, and says which.

            Logs need no verb: cat log-*.jsonl. Programs put the journals of shards together by ForkPool.merge.

            EXAMPLES
              forkpool run --shard 0/2 --results out -a urls.txt -- curl -sf {}
              forkpool run --shard 1/2 --results out -a urls.txt -- curl -sf {}
              forkpool merge out >all.txt

            EXIT CODES
              0    printed
              1    not complete: a shard or a job is missing, or failed
              64   the command line is wrong, or the folders have results of different runs
              66   a folder or a result cannot be read
              74   the output cannot be written
              141  the reader closed the output
            """)

    @Argument(
        help: ArgumentHelp("The folders of --results.", valueName: "folder"), completion: .directory)
    var folders: [String]

    func validate() throws {
        try CommandLineText.check()
    }

    func run() throws {
        // A file beyond the limit (ulimit -f) is an error of its write.
        signal(SIGXFSZ, SIG_IGN)
        do {
            let results = try ShardResults(folders)
            try results.print()
        } catch let refusal as MergeRefusal {
            for sentence in refusal.sentences { StandardError.report(sentence) }
            throw ExitCode(refusal.code)
        } catch let refusal as OutputError {
            if refusal.isClosedPipe { throw ExitCode(Exit.closedPipe) }
            StandardError.report("cannot write \(refusal.what): \(systemMessage(refusal.code))")
            throw ExitCode(Exit.output)
        }
    }
}

/// Why results are not put together.
struct MergeRefusal: Error, Equatable {
    let code: Int32
    let sentences: [String]

    init(_ code: Int32, _ sentences: String...) {
        (self.code, self.sentences) = (code, sentences)
    }

    /// Says what a run lacks.
    init(incomplete sentences: [String]) {
        (code, self.sentences) = (Exit.partial, sentences)
    }
}
#endif
