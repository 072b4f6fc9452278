// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool run: what a log and a folder of results know of an earlier run")
struct RunResumeTests {
    /// Runs in a folder of its own, with a text as standard input.
    private func run(_ arguments: [String], input: String = "", in folder: ScratchFolder) throws -> CommandRun {
        try folder.write(input, to: "input")
        return try CommandRun(
            ["run"] + arguments,
            through: ["/bin/sh", "-c", "cd '\(folder.path)' && exec \"$0\" \"$@\" <input"])
    }

    private func refused(_ run: CommandRun, _ words: String, _ location: SourceLocation = #_sourceLocation) {
        #expect(run.code == 64 && run.output.isEmpty, sourceLocation: location)
        #expect(run.errors.contains(words), "\(run.errors)", sourceLocation: location)
    }

    @Test("--resume refuses other records of --pipe, and skips the same ones")
    func pipe() throws {
        let folder = try ScratchFolder()
        let options = ["--pipe", "--block", "2"]
        #expect(try run(options + ["--log", "log", "cat"], input: "1\n2\n", in: folder).output == "1\n2\n")
        let again = options + ["--resume", "log", "cat"]
        refused(
            try run(again, input: "1\n3\n", in: folder),
            "log is the log of a run with other input: its job 2 had other records of --pipe; nothing is left running")
        let more = try run(again, input: "1\n2\n3\n", in: folder)
        #expect(more.output == "3\n" && more.code == 0, "\(more.errors)")
        // The log of a run without --pipe knows no records.
        #expect(try run(["--log", "items", "echo"], input: "\n", in: folder).code == 0)
        refused(try run(["--pipe", "--resume", "items", "echo", ""], input: "1\n", in: folder), "with other input")
    }

    @Test("--resume refuses another --input or --wd, and takes other names of the same folder")
    func surroundings() throws {
        let folder = try ScratchFolder()
        for name in ["a.1", "b.1", "x/a.1", "y/a.1"] { try folder.write(name, to: name) }
        let cat = ["--sh", "cat", ":::", "1", "2"]
        #expect(try run(["--log", "i", "--input", "a.1"] + cat, in: folder).code == 0)
        refused(try run(["--resume", "i", "--input", "b.1"] + cat, in: folder), "its job 1 did not read b.1")
        refused(try run(["--resume", "i"] + cat, in: folder), "its job 1 had a standard input")
        #expect(try run(["--resume", "i", "--input", "a.1"] + cat, in: folder).output.isEmpty)
        #expect(try run(["--log", "w", "--wd", "x", "cat", ":::", "a.1"], in: folder).output == "x/a.1")
        refused(
            try run(["--resume", "w", "--wd", "y", "cat", ":::", "a.1"], in: folder),
            "w is the log of a run with another --wd: its job 1 did not run in ")
        refused(try run(["--resume", "w", "cat", ":::", "a.1"], in: folder), "ran in a folder of --wd")
        let same = try run(["--resume", "w", "--wd", "y/../x", "cat", ":::", "a.1"], in: folder)
        #expect(same.code == 0 && same.output.isEmpty && same.errors.isEmpty)
    }

    @Test("--results removes what an earlier run wrote, and refuses where a file is not a run's")
    func results() throws {
        let folder = try ScratchFolder()
        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/r").sorted()
        }
        for name in ["notes.out", "01.out", "7.txt"] { try folder.write("mine", to: "r/" + name) }
        #expect(try run(["--results", "r", "echo", ":::", "a", "b", "c"], in: folder).code == 0)
        #expect(try run(["--results", "r", "echo", ":::", "a"], in: folder).code == 0)
        let left = [".forkpool-jobs", "01.out", "1.err", "1.out", "7.txt", "notes.out"]
        #expect(try names() == left)
        let log = try run(["--results", "r", "--log", "no/log", "echo", ":::", "a"], in: folder)
        #expect(log.code == 74 && log.errors.contains("cannot write no/log"))
        #expect(try names() == left)
        for name in ["7.out", "2.err", "1.out.partial"] {
            if name.hasPrefix("1") { unsafe unlink(folder.path + "/r/.forkpool-jobs") }
            try folder.write("mine", to: "r/" + name)
            let shown = name.hasPrefix("1") ? "1.err" : name
            for more in [[], ["--log", "l"]] {
                let run = try run(["--results", "r"] + more + ["echo", ":::", "a", "b"], in: folder)
                refused(run, "/r has \(shown), which no run of forkpool wrote there: move it, or give another folder\n")
            }
            #expect(try String(contentsOfFile: folder.path + "/r/" + name, encoding: .utf8) == "mine")
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/l"))
            unsafe unlink(folder.path + "/r/" + name)
        }
    }

    @Test("a shard leaves the results of other shards alone, and removes its own old ones")
    func shards() throws {
        let folder = try ScratchFolder()
        let items = [":::"] + (1...6).map(String.init)
        for shard in ["0/2", "1/2"] {
            #expect(try run(["--shard", shard, "--results", "r", "echo"] + items, in: folder).code == 0)
        }
        #expect(try run(["--shard", "0/2", "--results", "r", "echo"] + items.prefix(3), in: folder).code == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/r")
        #expect(names.filter { $0.hasSuffix(".out") }.sorted() == ["1.out", "2.out", "4.out", "6.out"])
        // A file of its own number that is not a run's stops it; one of another shard's does not.
        try folder.write("mine", to: "r/9.out")
        refused(try run(["--shard", "0/2", "--results", "r", "echo"] + items, in: folder), "has 9.out")
        #expect(try run(["--shard", "1/2", "--results", "r", "echo"] + items, in: folder).code == 0)
        unsafe unlink(folder.path + "/r/9.out")
        // A run without shards begins anew.
        #expect(try run(["--results", "r", "echo", ":::", "a"], in: folder).code == 0)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/r").sorted() == [
                ".forkpool-jobs", "1.err", "1.out",
            ])
    }

    @Test("the files of --results follow what their jobs write")
    func following() throws {
        let folder = try ScratchFolder()
        // Job 1 ends when it has read what job 2 wrote, which then ends.
        let script =
            "echo begin $1; if [ $1 = 1 ]; then until grep -q begin r/2.out.partial; do sleep 0.05; done; : >go; "
            + "else until [ -e go ]; do sleep 0.05; done; fi; echo end"
        let run = try run(["-j2", "--results", "r", "--sh", script, ":::", "1", "2"], in: folder)
        #expect(run.output == "begin 1\nend\nbegin 2\nend\n" && run.code == 0, "\(run.errors)")
        for number in 1...2 {
            let text = try String(contentsOfFile: folder.path + "/r/\(number).out", encoding: .utf8)
            #expect(text == "begin \(number)\nend\n")
        }
    }

    @Test("a job that empties its own output empties its file of --results")
    func emptying() throws {
        let folder = try ScratchFolder()
        let script = "echo first; until grep -q first r/1.out.partial; do sleep 0.05; done; echo $1 >/dev/stdout"
        for last in ["a", "longer than first"] {
            let run = try run(["--order", "done", "--results", "r", "--sh", script, ":::", last], in: folder)
            #expect(run.output == last + "\n" && run.code == 0, "\(run.errors)")
            #expect(try String(contentsOfFile: folder.path + "/r/1.out", encoding: .utf8) == last + "\n")
        }
    }

    @Test("--resume runs a job again whose results are missing", arguments: ["2.out", "2.err"])
    func missing(_ name: String) throws {
        let folder = try ScratchFolder()
        #expect(try run(["--log", "log", "--results", "r", "echo", ":::", "a", "b", "c"], in: folder).code == 0)
        unsafe unlink(folder.path + "/r/" + name)
        let again = try run(["--resume", "log", "--results", "r", "echo", ":::", "a", "b", "c", "d"], in: folder)
        #expect(again.output == "b\nd\n" && again.code == 0, "\(again.errors)")
        for number in 1...4 {
            let text = try String(contentsOfFile: folder.path + "/r/\(number).out", encoding: .utf8)
            #expect(text == ["a\n", "b\n", "c\n", "d\n"][number - 1])
        }
        let last = try run(["--resume", "log", "--results", "r", "echo", ":::", "a", "b", "c", "d"], in: folder)
        #expect(last.output.isEmpty && last.code == 0, "\(last.errors)")
    }
}
#endif
