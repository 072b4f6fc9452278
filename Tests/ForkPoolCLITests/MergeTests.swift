// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool merge")
struct MergeTests {
    /// A folder with the results of some shards of five jobs.
    private static func results(
        _ shards: [String], script: String = "echo $1", items: Int = 5, split: String = "strided"
    ) throws -> ScratchFolder {
        let folder = try ScratchFolder()
        for shard in shards { try add(shard, to: folder.path + "/out", script: script, items: items, split: split) }
        return folder
    }

    private static func add(
        _ shard: String, to path: String, script: String = "echo $1", items: Int = 5, split: String = "strided"
    ) throws {
        _ = try CommandRun(
            ["run", "--shard", shard, "--split", split, "--results", path, "--sh", script, ":::"]
                + (1...items).map(String.init))
    }

    private static func merge(_ folder: ScratchFolder, _ names: String...) throws -> CommandRun {
        try CommandRun(["merge"] + names.map { folder.path + "/" + $0 })
    }

    /// Expects that nothing is printed, and the words of the failure.
    private static func expect(
        _ run: CommandRun, _ code: Int32, _ words: String, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(run.code == code && run.output.isEmpty, sourceLocation: location)
        #expect(run.errors.contains(words), "\(run.errors)", sourceLocation: location)
    }

    @Test("names the shards that are missing")
    func missingShards() throws {
        let folder = try Self.results(["1/4"])
        Self.expect(try Self.merge(folder, "out"), 1, "missing: shards 0, 2, 3 of 4; run them to the end")
        try Self.add("0/4", to: folder.path + "/out")
        try Self.add("3/4", to: folder.path + "/out")
        Self.expect(try Self.merge(folder, "out"), 1, "missing: shard 2 of 4; run it to the end")
        try Self.add("0/1000000000012", to: folder.path + "/many")
        Self.expect(
            try Self.merge(folder, "many"), 1,
            "missing: shards 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1000000000001 others of 1000000000012; run them")
        try Self.add("2/4", to: folder.path + "/out")
        #expect(try Self.merge(folder, "out").output == "1\n2\n3\n4\n5\n")
    }

    @Test("names the jobs that failed, and those whose outputs are missing")
    func missingJobs() throws {
        let folder = try Self.results(["0/2", "1/2"], script: "echo $1; test $1 -lt 4")
        unsafe unlink(folder.path + "/out/2.out")
        let run = try Self.merge(folder, "out")
        Self.expect(run, 1, "failed: jobs 4, 5;")
        Self.expect(run, 1, "missing: the outputs of job 2;")
        // Nothing is missing once the shards have run again.
        for shard in ["0/2", "1/2"] { try Self.add(shard, to: folder.path + "/out") }
        #expect(try Self.merge(folder, "out").output == "1\n2\n3\n4\n5\n")
    }

    @Test("a shard that ended early is missing, also where an earlier run of it was whole")
    func stopped() throws {
        let folder = try Self.results(["0/2", "1/2"])
        let run = try CommandRun([
            "run", "-j1", "--shard", "0/2", "--results", folder.path + "/out", "--fail-fast", "--sh", "exit 1", ":::",
            "1", "2", "3",
        ])
        #expect(run.code == 123)
        Self.expect(try Self.merge(folder, "out"), 1, "missing: shard 0 of 2")
    }

    @Test("refuses the results of different runs")
    func differentRuns() throws {
        let folder = try Self.results(["0/2"])
        try Self.add("1/2", to: folder.path + "/more", items: 6)
        try Self.add("1/3", to: folder.path + "/three")
        try Self.add("1/2", to: folder.path + "/blocks", split: "blocks")
        try Self.add("0/2", to: folder.path + "/again")
        Self.expect(
            try Self.merge(folder, "out", "more"), 64, "one of 5 items in 2 shards, strided, and one of 6 items")
        Self.expect(try Self.merge(folder, "out", "three"), 64, "results of different runs")
        Self.expect(try Self.merge(folder, "out", "blocks"), 64, "results of different runs")
        Self.expect(try Self.merge(folder, "out", "again"), 64, "shard 0 of 2 is both in")
    }

    @Test("refuses the results of different commands or items, also of one folder")
    func differentCommands() throws {
        let folder = try Self.results(["0/2"])
        try Self.add("1/2", to: folder.path + "/out", script: "echo no $1")
        Self.expect(try Self.merge(folder, "out"), 64, "shard 0 ran --sh 'echo $1', and shard 1 --sh 'echo no $1'")
        let items = [":::", "1", "2", "3", "4", "six"]
        #expect(
            try CommandRun(
                ["run", "--shard", "1/2", "--results", folder.path + "/out", "--sh", "echo $1"] + items
            ).code == 0)
        Self.expect(try Self.merge(folder, "out"), 64, "different runs: shards 0 and 1 had other items; give each run")
        try Self.add("1/2", to: folder.path + "/out")
        #expect(try Self.merge(folder, "out").output == "1\n2\n3\n4\n5\n")
    }

    @Test("prints the shards of a file with a header, of batches and of records", arguments: ["strided", "blocks"])
    func divided(_ split: String) throws {
        let folder = try ScratchFolder()
        let file = try folder.write("a,b\n" + (1...7).map { "\($0),\($0 * $0)\n" }.joined(), to: "file")
        for (number, options) in [
            ["--header", "--colsep", ",", "-a", file, "--", "echo", "{a}:{b}"], ["-n2", "-a", file, "--", "echo"],
            ["--pipe", "--block", "8", "--", "cat"],
        ].enumerated() {
            let through = ["/bin/sh", "-c", "exec \"$0\" \"$@\" <'\(file)'"]
            let whole = try CommandRun(["run"] + options, through: through)
            #expect(whole.code == 0 && !whole.output.isEmpty)
            for (shard, jobs) in [("0/2", "1"), ("1/2", "3")] {
                let more = ["-j", jobs, "--shard", shard, "--split", split, "--results", folder.path + "/\(number)"]
                let run = try CommandRun(["run"] + more + options, through: through)
                #expect(run.code == 0, "\(run.errors)")
            }
            let merged = try Self.merge(folder, "\(number)")
            #expect(merged.output == whole.output && merged.code == 0, "\(merged.errors)")
        }
    }

    @Test("says what cannot be read")
    func unreadable() throws {
        let folder = try Self.results(["0/1"])
        Self.expect(try Self.merge(folder, "none"), 66, "none: cannot be read: No such file")
        Self.expect(try CommandRun(["merge"]), 64, "Missing expected argument")
        try folder.write("", to: "empty/file")
        Self.expect(try Self.merge(folder, "empty"), 1, "no shard has ended here")
        try folder.write("{\"shard\": 0", to: "out/shard-0-of-9.json")
        Self.expect(try Self.merge(folder, "out"), 66, "shard-0-of-9.json: is no record of a shard")
    }

    @Test("copies large outputs and bytes that are no text, and prints nothing of no items")
    func outputs() throws {
        let folder = try Self.results(["0/2", "1/2"], script: "head -c $((100000 * $1)) /dev/zero; printf '\\377'")
        let sums = try CommandRun(
            ["merge", folder.path + "/out"],
            through: [
                "/bin/sh", "-c",
                "\"$0\" \"$@\" | cksum; for i in 1 2 3 4 5; do head -c $((100000 * i)) /dev/zero; printf '\\377'; done | cksum",
            ]
        ).output.split(separator: "\n")
        #expect(sums.count == 2 && sums[0] == sums[1])
        let closed = try CommandRun(["merge", folder.path + "/out"], to: .closedPipe)
        #expect(closed.signal == SIGPIPE || closed.code == 141)
        let none = try ScratchFolder()
        let list = try none.write("", to: "list")
        for shard in ["0/2", "1/2"] {
            #expect(
                try CommandRun(["run", "--shard", shard, "--results", none.path + "/out", "-a", list, "echo"]).code == 0
            )
        }
        let merged = try CommandRun(["merge", none.path + "/out"])
        #expect(merged.output.isEmpty && merged.code == 0)
    }
}
#endif
