// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@Suite("forkpool run --shard")
struct ShardRunTests {
    private static let script = "echo out $1; echo err $1 >&2"

    /// Runs with a text as standard input.
    private func run(_ arguments: [String], input: String, environment: [String] = []) throws -> CommandRun {
        let folder = try ScratchFolder()
        let file = try folder.write(input, to: "items")
        return try CommandRun(
            ["run"] + arguments, through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" < '\(file)'"],
            environment: ["PATH=/usr/bin:/bin"] + environment)
    }

    @Test(
        "takes the items of its shard, whose jobs keep their numbers",
        arguments: [
            ("strided", ["a 1\nd 4\n", "b 2\ne 5\n", "c 3\n"]), ("blocks", ["a 1\nb 2\n", "c 3\nd 4\n", "e 5\n"]),
        ])
    func items(_ split: String, _ outputs: [String]) throws {
        for (index, output) in outputs.enumerated() {
            let options = ["-j2", "--shard", "\(index)/3", "--split", split, "echo", "{}", "{#}"]
            for input in ["a\nb\nc\nd\ne\n", "a\nb\nc\nd\ne"] {
                let run = try run(options, input: input)
                #expect(run.output == output && run.code == 0 && run.errors.isEmpty, "\(run.output)\(run.errors)")
            }
            let listed = try CommandRun(["run"] + options + [":::", "a", "b", "c", "d", "e"])
            #expect(listed.output == output && listed.code == 0)
            let dry = try CommandRun(["run", "--dry-run"] + options + [":::", "a", "b", "c", "d", "e"])
            #expect(dry.output == output.split(separator: "\n").map { "echo \($0)\n" }.joined())
        }
        let pairs = ["--split", split, "echo", "{1}{2}", ":::", "a", "b", ":::", "1", "2", "3"]
        let halves = try (0..<2).map { try CommandRun(["run", "--shard", "\($0)/2"] + pairs).output }
        #expect(halves == (split == "strided" ? ["a1\na3\nb2\n", "a2\nb1\nb3\n"] : ["a1\na2\na3\n", "b1\nb2\nb3\n"]))
    }

    @Test("divides many items without a gap, also more shards than items", arguments: ["strided", "blocks"])
    func many(_ split: String) throws {
        for (items, shards) in [(10_000, 7), (3, 5), (0, 2)] {
            let input = (0..<items).map { "\($0)\n" }.joined()
            var seen: [String] = []
            for index in 0..<shards {
                let options = ["--dry-run", "--shard", "\(index)/\(shards)", "--split=\(split)", "echo", "{}"]
                let run = try run(options, input: input)
                #expect(run.code == 0)
                seen += run.output.split(separator: "\n").map { String($0.dropFirst(5)) }
            }
            #expect(seen.compactMap { Int($0) }.sorted() == Array(0..<items), "\(items) items in \(shards) shards")
        }
    }

    @Test("keeps results and logs of each shard, which merge prints as one run does", arguments: ["strided", "blocks"])
    func merge(_ split: String) throws {
        let folder = try ScratchFolder()
        let items = (1...23).map(String.init)
        let whole = try CommandRun(["run", "--sh", Self.script, ":::"] + items)
        for (results, folders) in [("together", ["together"]), ("{shard}-apart", (0..<3).map { "\($0)-apart" })] {
            for index in 0..<3 {
                let run = try CommandRun(
                    [
                        "run", "--shard", "\(index)/3", "--split", split, "--results", "\(folder.path)/\(results)",
                        "--log",
                        "\(folder.path)/log-{shard}", "--sh", Self.script, ":::",
                    ] + items)
                #expect(run.code == 0)
            }
            let merged = try CommandRun(["merge"] + folders.reversed().map { "\(folder.path)/\($0)" })
            #expect(merged.output == whole.output && merged.errors == whole.errors && merged.code == 0)
        }
        let numbers = try (0..<3).flatMap { index in
            try String(contentsOfFile: "\(folder.path)/log-\(index)", encoding: .utf8).split(separator: "\n").map {
                line in
                try (JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["seq"] as? Int
            }
        }
        #expect(numbers.compactMap(\.self).sorted() == Array(1...23))
    }

    @Test("goes on with the log of its shard")
    func resume() throws {
        let folder = try ScratchFolder()
        let options = ["run", "--shard", "1/2", "--results", folder.path + "/out"]
        let items = [":::", "a", "b", "c", "d"]
        let script = "echo $1 >> \(folder.path)/ran; test $1 != d -o -e \(folder.path)/ready"
        let first = try CommandRun(options + ["--log", folder.path + "/{shard}.log", "--sh", script] + items)
        #expect(first.code == 123)
        try folder.write("", to: "ready")
        let second = try CommandRun(options + ["--resume", folder.path + "/{shard}.log", "--sh", script] + items)
        #expect(second.code == 0)
        // The jobs of the first run run at once: either may write first.
        let ran = try String(contentsOfFile: folder.path + "/ran", encoding: .utf8).split(separator: "\n")
        #expect(ran.sorted() == ["b", "d", "d"])
    }

    @Test(
        "takes its shard from the environment",
        arguments: [
            (["FORKPOOL_SHARD=1", "FORKPOOL_SHARDS=2"], "auto", "b\n"),
            (["SLURM_ARRAY_TASK_ID=5", "SLURM_ARRAY_TASK_MIN=4", "SLURM_ARRAY_TASK_COUNT=3"], "auto", "b\n"),
            (["JOB_COMPLETION_INDEX=2", "JOB_COMPLETIONS=3"], "auto", "c\n"),
            (["AWS_BATCH_JOB_ARRAY_INDEX=0", "AWS_BATCH_JOB_ARRAY_SIZE=3"], "auto", "a\n"),
            (["LSB_JOBINDEX=2", "LSB_JOBINDEX_END=3"], "auto", "b\n"),
            (["SGE_TASK_ID=3", "SGE_TASK_FIRST=1", "SGE_TASK_LAST=3", "SGE_TASK_STEPSIZE=1"], "auto", "c\n"),
            (["CI_NODE_INDEX=1", "CI_NODE_TOTAL=3"], "auto", "a\n"),
            (["BUILDKITE_PARALLEL_JOB=1", "BUILDKITE_PARALLEL_JOB_COUNT=3"], "auto", "b\n"),
            (["CIRCLE_NODE_INDEX=2", "CIRCLE_NODE_TOTAL=3"], "auto", "c\n"),
            (["SLURM_PROCID=1", "SLURM_NTASKS=3"], "srun", "b\n"),
            (["SLURM_PROCID=1", "SLURM_NTASKS=3"], "auto", "a\nb\nc\n"),
            ([], "auto", "a\nb\nc\n"),
        ] as [([String], String, String)])
    func environment(_ variables: [String], _ shard: String, _ output: String) throws {
        let run = try CommandRun(
            ["run", "--shard", shard, "echo", ":::", "a", "b", "c"], environment: ["PATH=/usr/bin:/bin"] + variables)
        #expect(run.output == output && run.code == 0)
        #expect(run.errors == (output.count < 6 ? "" : "forkpool: the environment names no shard: all items are run\n"))
    }

    @Test(
        "refuses a shard that is none, and runs nothing",
        arguments: [
            (["--shard", "3/3"], [], "a shard of 3 is from 0/3 to 2/3"), (["--shard", "0/0"], [], "a shard of 0"),
            (["--shard", "1"], [], "a shard has the form I/N"), (["--shard", "-1/3"], [], "--shard"),
            (["--shard=1/3/4"], [], "a shard has the form I/N"), (["--shard", "+1/3"], [], "a shard has the form I/N"),
            (["--shard", "0/99999999999999999999"], [], "a shard has the form I/N"),
            (["--split", "even"], [], "--split"),
            (["--shard", "auto"], ["FORKPOOL_SHARD=1"], "FORKPOOL_SHARDS is not"),
            (["--shard", "auto"], ["FORKPOOL_SHARDS=3"], "FORKPOOL_SHARD is not"),
            (
                ["--shard", "auto"], ["CI_NODE_INDEX=x", "CI_NODE_TOTAL=2"],
                "CI_NODE_INDEX is \"x\", which is no number"
            ),
            (["--shard", "0/2", "--log", "log"], [], "--log with --shard needs {shard} in its path"),
            (["--shard", "0/2", "--resume", "log"], [], "--resume with --shard needs {shard} in its path"),
        ] as [([String], [String], String)])
    func refusals(_ options: [String], _ variables: [String], _ words: String) throws {
        let run = try CommandRun(
            ["run"] + options + ["echo", ":::", "a"], environment: ["PATH=/usr/bin:/bin"] + variables)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.contains(words), "\(run.errors)")
    }
}
#endif
