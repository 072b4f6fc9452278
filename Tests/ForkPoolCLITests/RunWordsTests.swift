// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("forkpool run: the words that it reads itself")
struct RunWordsTests {
    @Test("reads options and their values in every form")
    func options() {
        var all = RunRequest()
        (all.jobs, all.null, all.argFiles, all.order, all.tag) = (JobCount(3), true, ["items"], .done, true)
        (all.timeout, all.retries) = (JobTimeout(nanoseconds: 1_500_000_000), 2)
        (all.failFast, all.retryDelay) = (FailFast(isImmediate: true), DurationArgument(nanoseconds: 1_000_000))
        (all.log, all.resume, all.results, all.tmpdir) = ("log", "old", "folder", "tmp")
        (all.maxOutput, all.dryRun, all.script) = (ByteSize(bytes: 2048), true, "echo \"$1\"")
        (all.fill, all.batchBytes, all.colsep, all.header) = (true, ByteSize(bytes: 10), ",", true)
        (all.replacement, all.lines, all.pipe, all.block) = ("@", true, true, ByteSize(bytes: 20))
        (all.load, all.memfree, all.delay) = (
            LoadLimit(argument: "80%"), ByteSize(bytes: 30), DurationArgument(nanoseconds: 2)
        )
        (all.nice, all.wd, all.input, all.progress, all.maxArgs) = (5, "wd", "in", .plain, 7)
        all.words = ["--", "echo", "-n", "--tag"]
        let short = ["-j", "3", "-0", "-a", "items", "-n", "7", "-I", "@"]
        let joined = ["-j3", "-0", "-aitems", "-n7", "-I@"]
        let long = ["--jobs", "3", "--null", "--arg-file", "items", "--max-args", "7", "-I", "@"]
        let equal = ["--jobs=3", "--null", "--arg-file=items", "--max-args=7", "-I@"]
        let rest = ["--tag", "--order", "done", "--timeout", "1.5s", "--retries", "2", "--fail-fast", "now"]
        let files = ["--log", "log", "--resume", "old", "--results", "folder", "--tmpdir", "tmp"]
        let last = [
            "--max-output", "2Ki", "--dry-run", "--sh", "echo \"$1\"", "--retry-delay", "1ms", "-X", "--batch-bytes",
            "10", "--colsep", ",", "--header", "--lines", "--pipe", "--block", "20", "--load", "80%", "--memfree", "30",
            "--delay", "2ns", "--nice", "5", "--wd", "wd", "--input", "in", "--progress", "plain",
        ]
        for first in [short, joined, long, equal] {
            #expect(RunRequest(quickly: (first + rest + files + last + all.words)[...]) == all, "\(first)")
        }
    }

    @Test("takes the rest as it is, from the first word that is no option")
    func rest() {
        for words in [["echo", "-j", "2"], ["--", "-x"], ["", "a"], ["echo", "--", "b", ":::", "c"], []] {
            #expect(RunRequest(quickly: words[...])?.words == words, "\(words)")
        }
        #expect(RunRequest(quickly: ["-j", "1", "-j2", "true"])?.jobs == JobCount(2))
    }

    @Test(
        "leaves what it does not know to argument-parser",
        arguments: [
            ["-h"], ["--help"], ["--version"], ["-x"], ["-"], ["-0j2"], ["-j"], ["-j", "-1"], ["-j", "two"], ["-j="],
            ["--jobs="], ["--tag=yes"], ["--null="], ["--order", "first"], ["--timeout", "soon"], ["--retries", "1.5"],
            ["--fail-fast", "never"], ["--max-output", "big"], ["--shard", "1"], ["--split", "even"], ["--log", ""],
            ["--log"], ["--tags"], ["-é"],
        ])
    func others(_ words: [String]) {
        #expect(RunRequest(quickly: words[...]) == nil)
        #expect(RunRequest(quickly: (["--tag"] + words)[...]) == nil)
    }

    @Test("knows every option of the help")
    func help() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Help/run.txt")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").drop { $0 != "ITEMS:" }
        let options = lines.flatMap { line in
            line.hasPrefix("  -") ? line.prefix { $0 != "<" }.split(separator: " ").prefix { $0.hasPrefix("-") } : []
        }
        let names = options.map { $0.filter { $0 != "," } }
        #expect(names.count == 41)
        for name in names where !["--version", "-h", "--help"].contains(name) {
            let known = ["1", "keep", "now", "auto", "strided"].contains { RunRequest(quickly: [name, $0]) != nil }
            #expect(known, "\(name)")
        }
    }

    @Test("runs the same through argument-parser")
    func through() throws {
        let items = ["/bin/sh", "-c", "printf 'a\\0b\\0' | \"$0\" \"$@\""]
        let quick = try CommandRun(["run", "-0", "-j", "1", "--tag", "--", "echo", "x"], through: items)
        // -j=1, which `run` leaves to argument-parser.
        let other = try CommandRun(["run", "-0", "-j=1", "--tag", "--", "echo", "x"], through: items)
        #expect(quick.output == "a\tx a\nb\tx b\n" && quick.code == 0)
        #expect(other.output == quick.output && other.code == 0)
    }
}
#endif
