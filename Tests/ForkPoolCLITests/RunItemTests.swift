// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("forkpool run, items and commands")
struct RunItemTests {
    /// Runs with a text as standard input.
    private func run(_ arguments: [String], input: String) throws -> CommandRun {
        let folder = try ScratchFolder()
        let file = try folder.write(input, to: "items")
        return try CommandRun(["run"] + arguments, through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" < '\(file)'"])
    }

    @Test("gives each job a number of items, as words of their own")
    func batches() throws {
        #expect(try run(["-n2", "echo"], input: "a b\nc\nd\n").output == "a b c\nd\n")
        #expect(
            try CommandRun(["run", "-n", "2", "printf", "[%s]", "x{}y", ":::", "a b", "c", "d"]).output
                == "[xa by][xcy][xdy]")
        #expect(try CommandRun(["run", "-n2", "echo", "{2}+{1}", ":::", "1", "2", "3"]).output == "2+1\n+3\n")
        #expect(try CommandRun(["run", "-n2", "--sh", "echo $# $2", ":::", "1", "2", "3"]).output == "2 2\n1\n")
        // The log and --resume know batches.
        let folder = try ScratchFolder()
        let arguments = ["run", "-n2", "--resume", folder.path + "/log", "echo", ":::", "1", "2", "3"]
        #expect(try CommandRun(arguments).output == "1 2\n3\n")
        #expect(try CommandRun(arguments).output.isEmpty)
    }

    @Test("-X gives each job as many items as fit, and divides the rest among all jobs")
    func fill() throws {
        #expect(
            try run(["-X", "-j2", "--sh", "echo $#"], input: (100..<400).map { "\($0)\n" }.joined()).output
                == "150\n150\n")
        let items = (1...50_000).map(String.init)
        let all = try run(["-X", "-j1", "echo"], input: items.map { $0 + "\n" }.joined())
        #expect(all.output.split { $0 == " " || $0 == "\n" }.elementsEqual(items.map { $0[...] }) && all.code == 0)
        #expect(all.output.split(separator: "\n").count == 6)
        let small = try CommandRun(["run", "-X", "-j1", "--batch-bytes", "20", "echo", ":::", "a", "b", "c", "d", "e"])
        #expect(small.output == "a b\nc d\ne\n")
        let large = try CommandRun(
            [], through: ["/bin/sh", "-c", "seq 2000000 | \"$0\" run -X --batch-bytes 100MB -- echo"])
        #expect(
            large.code == 126 && large.errors.contains("too long for the system; see --batch-bytes"), "\(large.errors)")
    }

    @Test("divides lines into columns, which numbers and names of a header stand for")
    func columns() throws {
        #expect(try run(["--colsep", ",", "echo", "{2}-{1/}"], input: "a/b,c\nd,e\n").output == "c-b\ne-d\n")
        #expect(try run(["--colsep", "", "printf", "[%s]"], input: " a  b\tc\n").output == "[a][b][c]")
        #expect(
            try run(["--header", "--colsep", ",", "echo", "{size}:{name/.}"], input: "name,size\nx/y.c,3\n").output
                == "3:y\n")
        #expect(try run(["--header", "echo", "{b}{a}"], input: "a\tb\n1\t2\n").output == "21\n")
    }

    @Test("links lists, and reads lists from files")
    func lists() throws {
        let folder = try ScratchFolder()
        let (numbers, letters) = (try folder.write("1\n2\n", to: "n"), try folder.write("a\nb\n", to: "l"))
        #expect(try CommandRun(["run", "echo", "{1}{2}", ":::", "1", "2", ":::+", "a", "b"]).output == "1a\n2b\n")
        #expect(try CommandRun(["run", "echo", "{1}{2}", "::::", numbers, letters]).output == "1a\n1b\n2a\n2b\n")
        #expect(try CommandRun(["run", "echo", "{1}{2}", "::::", numbers, "::::+", letters]).output == "1a\n2b\n")
        #expect(try CommandRun(["run", "-a", numbers, "-a", letters, "echo", "{1}{2}"]).output == "1a\n1b\n2a\n2b\n")
        #expect(try run(["echo", "{1}{2}", "::::", "-", ":::", "x"], input: "1\n2\n").output == "1x\n2x\n")
        let missing = try CommandRun(["run", "echo", "::::", "/no/file"])
        #expect(
            missing.code == 66 && missing.errors == "forkpool: /no/file: cannot be read: No such file or directory\n")
    }

    @Test("runs lines as commands of a shell")
    func lines() throws {
        let lines = try run(["--lines", "-j2"], input: "echo a | tr a b\necho \"$FORKPOOL_NUMBER\"; exit 3\n")
        #expect(lines.output == "b\n2\n" && lines.code == 123)
        #expect(lines.errors.hasPrefix("forkpool: job 2 (echo \"$FORKPOOL_NUMBER\"; exit 3): exit status 3"))
    }

    @Test("takes another text for the item, and a backslash makes text of a placeholder")
    func placeholders() throws {
        #expect(try CommandRun(["run", "-I", "@", "echo", "@{}", ":::", "a"]).output == "a{}\n")
        #expect(try CommandRun(["run", "echo", "\\{}{}", "\\{#}", ":::", "a"]).output == "{}a {#}\n")
        #expect(
            try CommandRun(["run", "--sh", "echo $FORKPOOL_ITEM-$FORKPOOL_NUMBER-$FORKPOOL_PLACE $1", ":::", "a b"])
                .output == "a b-1-1 a b\n")
        // A run within a job has its own variables.
        let nested = try CommandRun(
            ["run", "--sh", "\"$COMMAND\" run --sh 'echo $FORKPOOL_ITEM' ::: in", ":::", "out"],
            environment: ["PATH=/usr/bin:/bin", "COMMAND=\(CommandRun.binary())"])
        #expect(nested.output == "in\n")
    }

    @Test("divides standard input into blocks of whole lines for the jobs, in order")
    func pipe() throws {
        let lines = (1...200_000).map { "\($0)\n" }.joined()
        #expect(try run(["--pipe", "--block", "100k", "-j3", "cat"], input: lines).output == lines)
        let counts = try run(["--pipe", "--block", "100k", "--", "wc", "-l"], input: lines).output.split(
            separator: "\n")
        #expect(counts.count == 13 && counts.compactMap { Int($0) }.reduce(0, +) == 200_000)
        #expect(try run(["--pipe", "--sh", "cat; echo $FORKPOOL_NUMBER"], input: "a\nb").output == "a\nb1\n")
        #expect(
            try run(["--pipe", "-0", "--block", "1", "--sh", "tr '\\0' .; echo"], input: "a\u{0}b\u{0}").output
                == "a.\nb.\n")
    }

    @Test("gives jobs a file as standard input, another folder, a niceness")
    func surroundings() throws {
        let folder = try ScratchFolder()
        try folder.write("text of a\n", to: "a")
        #expect(
            try CommandRun(["run", "--input", folder.path + "/{}", "--sh", "cat", ":::", "a"]).output == "text of a\n")
        let missing = try CommandRun(["run", "--input", "/no/{}", "--sh", "cat", ":::", "a"])
        #expect(
            missing.code == 126 && missing.errors.contains("job 1 (a): could not be started: open /no/a: No such file"))
        // Relative names are those of the folder in which forkpool started, but for those of the command.
        try folder.write("echo here: $1\n", to: "w/script")
        unsafe chmod(folder.path + "/w/script", 0o755)
        try folder.write("x\n", to: "items")
        let run = try CommandRun(
            ["run", "--wd", "w", "-a", "items", "--log", "log", "--results", "r", "./script"],
            through: ["/bin/sh", "-c", "cd \(folder.path); exec \"$0\" \"$@\""])
        #expect(run.output == "here: x\n" && run.code == 0, "\(run.errors)")
        for file in ["log", "r/1.out"] { #expect(FileManager.default.fileExists(atPath: folder.path + "/" + file)) }
        #expect(try CommandRun(["run", "--wd", "/no/folder", "true", ":::", "a"]).code == 66)
        #expect(try CommandRun(["run", "--nice", "5", "--sh", "nice", ":::", "a"]).output == "5\n")
    }

    @Test("counts jobs by processors, and 0 is no limit")
    func jobCounts() throws {
        // Each job waits until so many others have begun.
        let script = "cd $F; : >$1; until [ $(ls | wc -l) -ge 20 ]; do sleep 0.05; done"
        let folder = try ScratchFolder()
        let run = try CommandRun(
            ["run", "-j0", "--sh", script, ":::"] + (1...20).map(String.init),
            environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)"])
        #expect(run.code == 0, "\(run.errors)")
        // Slots tell how many jobs there are at most.
        for (count, most) in [("1", 1), ("-10000", 1), ("0.001%", 1)] {
            let slots = try CommandRun(["run", "-j", count, "echo", "{%}", ":::"] + (1...20).map(String.init)).output
            #expect(Set(slots.split(separator: "\n").compactMap { Int($0) }).max() == most, "\(count)")
        }
    }

    @Test("waits between starts and before retries, and stops a job that takes much longer than the others")
    func times() throws {
        let folder = try ScratchFolder()
        let run = try CommandRun([
            "run", "-j4", "--delay", "200ms", "--log", folder.path + "/log", "true", ":::", "1", "2", "3",
        ])
        #expect(run.code == 0)
        var starts = try starts(folder.path + "/log")
        #expect(starts.count == 3 && zip(starts, starts.dropFirst()).allSatisfy { $1 - $0 > 0.19 })
        let again = try CommandRun(
            ["run", "--retries", "2", "--retry-delay", "300ms", "--sh", "date +%s.%N >>$F; exit 1", ":::", "1"],
            environment: ["PATH=/usr/bin:/bin", "F=\(folder.path)/times"])
        #expect(again.code == 123)
        starts = try String(contentsOfFile: folder.path + "/times", encoding: .utf8).split(separator: "\n").compactMap {
            Double($0)
        }
        #expect(starts.count == 3 && zip(starts, starts.dropFirst()).allSatisfy { $1 - $0 > 0.25 })
        let slow = try CommandRun(
            ["run", "-j1", "--timeout", "10000%", "--sh", "[ $1 != 4 ] || exec sleep 1000", ":::", "1", "2", "3", "4"])
        #expect(slow.code == 124 && slow.errors.contains("job 4 (4): timed out after"))
    }

    private func starts(_ log: String) throws -> [Double] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").map { line in
            let entry = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(entry?["start"] as? Double)
        }
    }

    @Test("starts no job while the machine is busy or short of memory, and goes on then")
    func throttles() throws {
        #expect(try CommandRun(["run", "--memfree", "1M", "--load", "100000", "echo", ":::", "a"]).output == "a\n")
        // No machine has all of its memory free.
        for (option, sentence) in [
            ("--memfree=\(FreeMemory.total)", "are free (--memfree)"), ("--load=0.1", "run on this machine (--load)"),
        ] {
            let busy = try RunningCommand(["run", "--sh", "while :; do :; done", ":::", "a"])
            let run = try RunningCommand(["run", option, "echo", ":::", "a"], onTerminal: true)
            _ = try run.read { $0.contains(sentence) }
            kill(run.pid, SIGTERM)
            #expect(try !run.end().output.contains("a\r\n"))
            kill(busy.pid, SIGTERM)
            _ = try busy.end()
        }
    }

    @Test(
        "--fail-fast counts failures and their share, and says what never began",
        arguments: [
            ("soon", "1 2 ", "forkpool: --fail-fast: 8 of 10 jobs from job 3 (3) on never began"),
            ("2", "1 2 3 4 ", "forkpool: --fail-fast: 6 of 10 jobs from job 5 (5) on never began"),
            ("now,3", "1 2 3 4 5 6 ", "forkpool: --fail-fast: 4 of 10 jobs from job 7 (7) on never began"),
            ("soon,50%", "1 2 3 4 5 6 ", "forkpool: --fail-fast: 4 of 10 jobs from job 7 (7) on never began"),
            ("60%", "1 2 3 4 5 6 7 8 9 10 ", nil),
        ] as [(String, String, String?)])
    func failFast(_ value: String, _ output: String, _ sentence: String?) throws {
        let run = try CommandRun(
            ["run", "-j1", "--fail-fast", value, "--sh", "printf '%s ' $1; exit $((1 - $1 % 2))", ":::"]
                + (1...10).map(String.init))
        #expect(run.output == output && run.code == 123)
        #expect(
            run.errors.split(separator: "\n").last.map { $0.hasPrefix("forkpool: --fail-fast") } == (sentence != nil))
        if let sentence { #expect(run.errors.hasSuffix(sentence + "\n"), "\(run.errors)") }
    }

    @Test("a script whose item is nearly as long as an argument can be runs, without the variable for it")
    func longItem() throws {
        let folder = try ScratchFolder()
        let items = try folder.write(String(repeating: "x", count: 131_060) + "\nshort\n", to: "items")
        let script = "echo ${#1} ${FORKPOOL_ITEM-none} $FORKPOOL_NUMBER"
        let run = try CommandRun(["run", "-a", items, "--sh", script])
        #expect(run.output == "131060 none 1\n5 short 2\n" && run.code == 0, "\(run.errors)")
    }
}
#endif
