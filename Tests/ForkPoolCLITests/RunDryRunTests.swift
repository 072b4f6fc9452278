// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run --dry-run: what the run would do")
struct RunDryRunTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    /// Runs in the folder, with a text as standard input.
    private func run(_ arguments: [String], input: String = "") throws -> CommandRun {
        try folder.write(input, to: "input")
        return try CommandRun(
            ["run"] + arguments,
            through: ["/bin/sh", "-c", "cd '\(folder.path)' && exec \"$0\" \"$@\" <input"])
    }

    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path + path).sorted()
    }

    @Test("prints only the jobs that --resume would run, and writes nothing")
    func resume() throws {
        #expect(try run(["--log", "log", "--results", "r", "echo", ":::", "a", "b"]).code == 0)
        let log = try String(contentsOfFile: folder.path + "/log", encoding: .utf8)
        let before = try (names(""), names("/r"))
        let again = ["--dry-run", "--resume", "log", "--results", "r", "echo", ":::", "a", "b", "c"]
        let dry = try run(again)
        #expect(dry.output == "echo c\n" && dry.code == 0, "\(dry.errors)")
        #expect(try names("") == before.0 && names("/r") == before.1)
        #expect(try String(contentsOfFile: folder.path + "/log", encoding: .utf8) == log)
        unsafe unlink(folder.path + "/r/2.err")
        #expect(try run(again).output == "echo b\necho c\n")
        let part = ["--dry-run", "--shard", "1/2", "--resume", "s{shard}", "echo", ":::", "a", "b", "c", "d"]
        #expect(try run(Array(part.dropFirst())).output == "b\nd\n")
        #expect(try run(part).output.isEmpty)
        #expect(try run(["--pipe", "--log", "p", "cat"], input: "a\n").code == 0)
        #expect(try run(["--dry-run", "--pipe", "--resume", "p", "cat"], input: "a\n").output.isEmpty)
    }

    @Test("refuses what the run refuses")
    func refusals() throws {
        #expect(try run(["--log", "log", "echo", ":::", "a", "b"]).code == 0)
        try folder.write("no log\n", to: "text")
        try folder.write("mine", to: "d/1.out")
        for (options, code, words) in [
            (["--resume", "log", "echo", ":::", "b"], 64, "log is the log of a run with other items"),
            (["--resume", "log", "printf", ":::", "a"], 64, "log is the log of a run with another command"),
            (["--resume", "text", "echo", ":::", "a"], 66, "text: line 1 is not from forkpool run --log"),
            (["--results", "d", "echo", ":::", "a"], 64, "d has 1.out, which no run of forkpool wrote there"),
            (["--results", "text", "echo", ":::", "a"], 74, "cannot write"),
            (["--wd", "no", "echo", ":::", "a"], 66, "no: jobs cannot run there"),
        ] as [([String], Int32, String)] {
            for dry in [[], ["--dry-run"]] {
                let run = try run(dry + options)
                #expect(run.code == code && run.errors.contains(words) && run.output.isEmpty, "\(run.errors)")
            }
        }
    }

    @Test("makes no folder and no log")
    func nothing() throws {
        let dry = try run(["--dry-run", "--results", "r", "--resume", "log", "echo", ":::", "a"])
        #expect(dry.code == 0 && dry.output == "echo a\n", "\(dry.errors)")
        #expect(try names("") == ["input"])
    }
}
#endif
