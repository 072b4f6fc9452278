// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool bench")
struct BenchTests {
    let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    func bench(_ arguments: [String], to output: CommandRun.Output = .file) throws -> CommandRun {
        try CommandRun(["bench"] + arguments, to: output)
    }

    /// The document that `--json -` prints.
    func document(_ arguments: [String]) throws -> [String: Any] {
        let run = try bench(["--json", "-"] + arguments)
        #expect(run.code == 0 && run.errors.isEmpty)
        return try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    func results(_ arguments: [String]) throws -> [[String: Any]] {
        try #require(document(arguments)["results"] as? [[String: Any]])
    }

    @Test("reports the time of each command, and the ratio of the second to the first")
    func report() throws {
        let run = try bench(["-n", "12", "sleep 0.01", "sleep 0.05"])
        #expect(run.code == 0 && run.errors.isEmpty)
        #expect(run.output.hasPrefix("A  sleep 0.01\n"))
        #expect(run.output.contains("\nB  sleep 0.05\n"))
        #expect(run.output.contains("12 runs"))
        #expect(run.output.contains("\nB is "))
        #expect(run.output.contains("] × A by wall time, "))
        #expect(run.output.contains(" % of wall time with 12 pairs.\n"))
        #expect(!run.output.contains("\u{1B}"))
    }

    @Test("the document has the fields of hyperfine, and every run")
    func json() throws {
        let document = try document(["-n", "7", "--seed", "42", "sleep 0.01", "sh -c 'exit 0'"])
        let results = try #require(document["results"] as? [[String: Any]])
        #expect(results.map { $0["command"] as? String } == ["sleep 0.01", "sh -c 'exit 0'"])
        for result in results {
            let times = try #require(result["times"] as? [Double])
            #expect(times.count == 7)
            #expect((result["memory_usage_byte"] as? [Int])?.count == 7)
            #expect(result["exit_codes"] as? [Int] == Array(repeating: 0, count: 7))
            #expect((result["parameters"] as? [String: String])?.isEmpty == true)
            #expect(result["min"] as? Double == times.min() && result["max"] as? Double == times.max())
            #expect(result["median"] as? Double == times.sorted()[3])
            let mean = try #require(result["mean"] as? Double)
            #expect(abs(mean - times.reduce(0, +) / 7) < 1e-9)
            for key in ["stddev", "user", "system"] { #expect(result[key] is Double) }
        }
        // A sleep of 10 ms takes at least 10 ms.
        #expect((results[0]["times"] as? [Double])?.allSatisfy { $0 >= 0.01 } == true)
        let ours = try #require(document["forkpool"] as? [String: Any])
        #expect((ours["design"] as? [String: Any])?["seed"] as? Int == 42)
        #expect(ours["verb"] as? String == "bench")
        let runs = try #require(ours["runs"] as? [[String: Any]])
        #expect(runs.count == 2)
        #expect((runs[0]["wall_ns"] as? [Int])?.count == 7)
        let comparisons = try #require(ours["comparisons"] as? [[String: Any]])
        #expect(comparisons.map { $0["metric"] as? String } == ["wall", "cpu"])
        #expect(comparisons[0]["base"] as? String == "A" && comparisons[0]["head"] as? String == "B")
        let ratio = try #require(comparisons[0]["ratio"] as? Double)
        #expect(try ratio >= #require(comparisons[0]["low"] as? Double))
        #expect(try ratio <= #require(comparisons[0]["high"] as? Double))
    }

    @Test("without -n each command runs at least 10 times, even with a short --max-time")
    func fewest() throws {
        let times = try results(["--max-time", "1ms", "true", "true"]).map { $0["times"] as? [Double] }
        #expect(times.map { $0?.count ?? 0 }.allSatisfy { $0 >= 10 })
    }

    @Test("a command after -- gets its words unchanged")
    func words() throws {
        let file = scratch.path + "/words"
        let script = "printf '[%s]' \"$@\" >>\"$0\""
        let run = try bench(["-n", "1", "--warmup", "0", "--", "sh", "-c", script, file, "a b", "$HOME", "", "--json"])
        #expect(run.code == 0 && run.errors.isEmpty)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "[a b][$HOME][][--json]")
    }

    @Test("a shell runs commands only with --shell, and then all of them")
    func shell() throws {
        let file = scratch.path + "/shell"
        let run = try bench([
            "-n", "2", "--warmup", "0", "--shell", "--prepare", "echo p >>'\(file)'", "echo c >>'\(file)'",
        ])
        #expect(run.code == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "p\nc\np\nc\n")
        let refused = try bench(["echo c >>'\(file)'"])
        #expect(refused.code == 64)
        #expect(refused.errors == "forkpool: \"echo c >>'\(file)'\": the > needs a shell: pass --shell, or quote it\n")
    }

    @Test("--setup and --cleanup run once, --prepare before each run, all with the values of lists")
    func around() throws {
        let file = scratch.path + "/around"
        func note(_ text: String) -> String { "echo \(text) >>'\(file)'" }
        let run = try bench([
            "--shell", "-n", "1", "--warmup", "1", "-L", "x=1,2", "--setup", note("s{x}"), "--prepare", note("p{x}"),
            "--cleanup", note("c{x}"), note("r{x}"),
        ])
        #expect(run.code == 0 && run.errors.isEmpty)
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(lines.first == "s1" && lines[1] == "s2" && lines.suffix(2) == ["c1", "c2"])
        let middle = Array(lines[2..<lines.count - 2])
        #expect(middle.count == 8)
        for pair in stride(from: 0, to: 8, by: 2) { #expect(middle[pair].dropFirst() == middle[pair + 1].dropFirst()) }
        #expect(middle.filter { $0 == "r1" }.count == 2 && middle.filter { $0 == "p2" }.count == 2)
    }

    @Test("lists make every combination, and the document names their values")
    func lists() throws {
        let results = try results(["-n", "1", "-L", "a=1,2", "--list", "b=x,y", "echo {a} {b}"])
        #expect(results.map { $0["command"] as? String } == ["echo 1 x", "echo 1 y", "echo 2 x", "echo 2 y"])
        #expect(results[1]["parameters"] as? [String: String] == ["a": "1", "b": "y"])
    }

    @Test("--show-output shows the output of commands, which is discarded otherwise")
    func output() throws {
        let shown = try bench([
            "-n", "1", "--warmup", "0", "--show-output", "--", "sh", "-c", "echo out; echo err >&2",
        ])
        #expect(shown.code == 0)
        #expect(shown.output.hasPrefix("out\nA  sh -c ") && shown.errors == "err\n")
        let silent = try bench(["-n", "1", "--md", "-", "--", "sh", "-c", "echo out; echo err >&2"])
        #expect(silent.output.hasPrefix("| |") && silent.errors.isEmpty)
    }

    @Test("a command has an empty standard input")
    func input() throws {
        #expect(try results(["-n", "1", "cat"]).count == 1)
    }

    @Test("tables and charts go to their files, and the report still to standard output")
    func files() throws {
        let names = ["json", "csv", "md", "svg"]
        // The old content is longer than the new one, and must be gone.
        for name in names { try scratch.write(String(repeating: "x", count: 100_000), to: name) }
        let run = try bench(
            ["-n", "6"] + names.flatMap { ["--\($0)", "\(scratch.path)/\($0)"] } + ["true", "sh -c 'exit'"])
        #expect(run.code == 0 && run.output.hasPrefix("A  true\n"))
        let texts = try names.map { try String(contentsOfFile: "\(scratch.path)/\($0)", encoding: .utf8) }
        #expect(texts[0].hasPrefix("{\n  \"results\": ["))
        let lines = texts[1].split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0].hasPrefix("command,mean,stddev,median,user,system,min,max,name,runs,"))
        #expect(lines[1].hasPrefix("true,") && lines[2].hasPrefix("sh -c 'exit',"))
        #expect(texts[2].contains("| A | `true` | ") && texts[2].contains("| B / A | wall time | "))
        #expect(texts[3].hasPrefix("<svg ") && texts[3].hasSuffix("</svg>\n"))
        #expect(!texts.joined().contains("xxx"))
    }
}
#endif
