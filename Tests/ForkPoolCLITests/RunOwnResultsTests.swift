// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@Suite("forkpool run: --resume skips only what this run has done itself")
struct RunOwnResultsTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func run(_ arguments: String...) throws -> CommandRun { try run(arguments) }

    private func run(_ arguments: [String]) throws -> CommandRun {
        try CommandRun(["run"] + arguments, through: ["/bin/sh", "-c", "cd '\(folder.path)' && exec \"$0\" \"$@\""])
    }

    /// The whole outputs in a folder of results, by the numbers of their jobs.
    private func outputs(in results: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path + "/" + results).filter { $0.hasSuffix(".out") }
            .sorted().map { try text("\(results)/\($0)") }
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
    }

    /// Expects that a run is refused and changed no output.
    private func refused(
        _ run: CommandRun, _ words: String, _ left: [String], in results: String = "r",
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(run.code == 64 && run.output.isEmpty, sourceLocation: location)
        #expect(run.errors.contains(words), "\(run.errors)", sourceLocation: location)
        #expect(try outputs(in: results) == left, sourceLocation: location)
    }

    @Test("refuses a folder with the results of another run", arguments: [["--log", "other"], []])
    func otherRun(_ log: [String]) throws {
        #expect(try run("--log", "log", "--results", "r", "--sh", "echo A$1", ":::", "1", "2").code == 0)
        #expect(try run("--resume", "log", "--results", "r", "--sh", "echo A$1", ":::", "1", "2").output.isEmpty)
        #expect(try run(log + ["--results", "r", "--sh", "echo B$1", ":::", "1", "2"]).code == 0)
        let again = try run("--resume", "log", "--results", "r", "--sh", "echo A$1", ":::", "1", "2")
        try refused(again, "/r has the results of another run than that of the log log: give", ["B1\n", "B2\n"])
        // In a new folder all jobs run again, and a log without lines begins anew.
        let new = try run("--resume", "log", "--results", "n", "--sh", "echo A$1", ":::", "1", "2")
        #expect(new.output == "A1\nA2\n" && new.code == 0, "\(new.errors)")
        #expect(try run("--resume", "log", "--results", "n", "--sh", "echo A$1", ":::", "1", "2").output.isEmpty)
        let anew = try run("--resume", "none", "--results", "r", "--sh", "echo C$1", ":::", "1")
        #expect(anew.output == "C1\n" && anew.code == 0, "\(anew.errors)")
        #expect(try outputs(in: "r") == ["C1\n"])
    }

    @Test("refuses or runs again what another run with shards wrote", arguments: [2, 3])
    func otherShards(_ count: Int) throws {
        func shard(_ number: Int, of count: Int, _ log: String, _ letter: String) throws -> CommandRun {
            try run(
                "--shard", "\(number)/\(count)", log, letter + "-{shard}", "--results", "r", "--sh", "echo \(letter)$1",
                ":::", "1", "2", "3", "4")
        }
        for number in 0..<2 { #expect(try shard(number, of: 2, "--log", "A").code == 0) }
        for number in 0..<2 { #expect(try shard(number, of: 2, "--resume", "A").output.isEmpty) }
        for number in 0..<count { #expect(try shard(number, of: count, "--log", "B").code == 0) }
        for number in 0..<2 {
            let again = try shard(number, of: 2, "--resume", "A")
            if count == 2 {
                try refused(again, "the results of another run than that of the log A-", (1...4).map { "B\($0)\n" })
            } else {
                #expect(again.output == "A\(number + 1)\nA\(number + 3)\n" && again.code == 0, "\(again.errors)")
            }
        }
    }

    @Test("replaces no file that is not a run's")
    func foreignFiles() throws {
        #expect(try run("--log", "log", "--sh", "echo out$1", ":::", "1", "2").code == 0)
        try folder.write("mine", to: "r/1.out")
        let again = try run("--resume", "log", "--results", "r", "--sh", "echo out$1", ":::", "1", "2")
        try refused(again, "/r has 1.out, which no run of forkpool wrote there: move it", ["mine"])
    }

    @Test("runs a job again that --fail-fast=now stopped and that exits with 0")
    func stopped() throws {
        let script =
            "if [ -e ok ]; then echo whole $1; exit; fi; if [ $1 = 1 ]; then until [ -e begun ]; do sleep 0.05; done; exit 1; "
            + "fi; trap 'exit 0' TERM; echo begin $1; : >begun; sleep 1000 & wait"
        func again(_ option: String) throws -> CommandRun {
            try run(option, "log", "--results", "r", "-j2", "--fail-fast=now", "--sh", script, ":::", "1", "2", "3")
        }
        let first = try again("--log")
        #expect(first.code == 123 && first.output == "begin 2\n")
        #expect(first.errors.contains("job 2 (2): unfinished: it was stopped because another job failed"))
        #expect(try text("log").split(separator: "\n").count == 1)
        #expect(try text("r/2.out.partial") == "begin 2\n")
        try folder.write("", to: "ok")
        let second = try again("--resume")
        #expect(second.code == 0 && second.output == "whole 1\nwhole 2\nwhole 3\n", "\(second.errors)")
        #expect(try outputs(in: "r") == ["whole 1\n", "whole 2\n", "whole 3\n"])
    }

    @Test("a job that ended before --fail-fast=now could stop it keeps its own end", arguments: [0, 3])
    func ended(_ status: Int) throws {
        // Job 1 stops the tool until both jobs have ended, so that it hears of both ends at once.
        let isOver = "until grep -q '^State:.Z' /proc/$$/status && grep -q '^State:.Z' /proc/$(cat two)/status; do "
        let script =
            "if [ $1 = 1 ]; then until [ -s two ]; do sleep 0.05; done; kill -STOP $PPID; "
            + "(\(isOver) sleep 0.05; done; kill -CONT $PPID) >log.1 2>&1 & exit 1; fi; "
            + "echo $$ >2; mv 2 two; until grep -q '^State:.T' /proc/$PPID/status; do sleep 0.05; done; exit \(status)"
        let run = try run("--log", "log", "-j2", "--fail-fast=now", "--sh", script, ":::", "1", "2")
        #expect(run.code == 123)
        let lines = try text("log").split(separator: "\n")
        #expect(lines.count == 2 && lines.last?.contains("\"exit\": \(status)") == true, "\(run.errors)")
    }

    @Test("--fail-fast=now leaves the jobs that it stops their time to end, also if it gives up other attempts")
    func grace() throws {
        try folder.write("1,x\n2,x\n3\n", to: "items")
        // Job 1 waits for its next attempt when job 3 is refused, which has one column.
        let script =
            "if [ $1 = 1 ]; then until [ -e begun ]; do sleep 0.05; done; exit 1; fi; "
            + "trap 'sleep 0.1; echo told; exit 5' TERM; : >begun; sleep 1000 & wait"
        let limits = ["-j2", "--retries", "1", "--retry-delay", "1h", "--fail-fast=now"]
        let run = try run(limits + ["--colsep", ",", "-a", "items"] + ["--", "sh", "-c", script, "sh", "{1}", "{2}"])
        #expect(run.code == 126)
        #expect(run.output == "told\n", "\(run.errors)")
    }
}
#endif
