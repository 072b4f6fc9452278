// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("The options of forkpool bench that hyperfine has too")
struct BenchOptionTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func bench(_ arguments: [String]) throws -> CommandRun { try CommandRun(["bench"] + arguments) }

    private func document(_ arguments: [String]) throws -> [String: Any] {
        let run = try bench(["--json", "-"] + arguments)
        #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
        return try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
    }

    private func commands(_ arguments: [String]) throws -> [String?] {
        try #require(document(arguments)["results"] as? [[String: Any]]).map { $0["command"] as? String }
    }

    private func ours(_ arguments: [String]) throws -> [String: Any] {
        try #require(document(arguments)["forkpool"] as? [String: Any])
    }

    @Test("--reference is compared with each command, and runs once")
    func reference() throws {
        let other = try ours(["-n", "1", "--reference", "echo r", "-L", "x=1,2", "echo {x}"])
        let comparisons = try #require(other["comparisons"] as? [[String: Any]])
        #expect(comparisons.map { $0["base"] as? String } == Array(repeating: "reference", count: 4))
        #expect(comparisons.map { $0["head"] as? String } == ["A", "A", "B", "B"])
        #expect(try commands(["-n", "1", "--reference", "echo r", "echo a"]) == ["echo r", "echo a"])
        // One of the commands does not run twice.
        let one = try ours(["-n", "1", "--reference", "echo b", "echo a", "echo b", "echo c"])
        #expect((one["comparisons"] as? [[String: Any]])?.allSatisfy { $0["base"] as? String == "B" } == true)
        #expect((one["runs"] as? [[String: Any]])?.count == 3)
        let list = try bench(["-L", "x=1", "--reference", "echo {x}", "echo {x}"])
        #expect(list.code == 64 && list.errors.contains("--reference is one command, so it cannot have {x}"))
        let around = try bench(["-L", "x=1", "--reference", "true", "--prepare", "echo {x}", "echo {x}"])
        #expect(around.code == 64 && around.errors.contains("--reference has no value for {x}"), "\(around.errors)")
    }

    @Test("--sort time has the fastest command first in tables, and leaves the document as it is")
    func sorting() throws {
        let lines = ["sleep 0.06", "sleep 0.01", "sleep 0.03"]
        let (json, md) = (scratch.path + "/json", scratch.path + "/md")
        let run = try bench(["-n", "3", "--sort", "time", "--json", json, "--md", md] + lines)
        #expect(run.code == 0)
        let order = ["B  sleep 0.01\n", "C  sleep 0.03\n", "A  sleep 0.06\n"].map {
            run.output.range(of: $0)?.lowerBound
        }
        #expect(order.allSatisfy { $0 != nil } && order.compactMap { $0 } == order.compactMap { $0 }.sorted())
        let table = try String(contentsOfFile: md, encoding: .utf8).split(separator: "\n").dropFirst(2).prefix(3)
        #expect(table.map { String($0.prefix(4)) } == ["| B ", "| C ", "| A "])
        let text = try String(contentsOfFile: json, encoding: .utf8)
        let first = try #require(text.range(of: "sleep 0.06"))
        let second = try #require(text.range(of: "sleep 0.01"))
        #expect(first.lowerBound < second.lowerBound)
    }

    @Test("-P runs with each number of a range, as decimal numbers")
    func scan() throws {
        #expect(try commands(["-n", "1", "-P", "n=1..3", "echo {n}"]) == ["echo 1", "echo 2", "echo 3"])
        for (text, values) in [
            ("n=2..0", ["2", "1", "0"]), ("n=0..1..0.25", ["0", "0.25", "0.50", "0.75", "1.00"]),
            ("n=-1..1", ["-1", "0", "1"]), ("n=1..8..3", ["1", "4", "7"]), ("n=5..5", ["5"]),
            ("n=0.1..0.3..0.1", ["0.1", "0.2", "0.3"]), ("n=1..0..-0.5", ["1", "0.5", "0.0"]),
            ("n=0..0.3..0.1", ["0", "0.1", "0.2", "0.3"]), ("n=1..2.5", ["1", "2"]),
            ("n=-0.50..0.5..0.5", ["-0.50", "0.00", "0.50"]),
        ] {
            #expect(try ParameterList(scan: text).values == values, "\(text)")
        }
        for text in [
            "n", "n=", "n=1", "n=1..", "n=1..2..0", "n=1..2..-1", "n=a..b", "n=1..2..3..4", "n=1..100000", "=1..2",
            "n=1e3..2", "n=1...2", "n=1.2.3..4", "n=0..99999999999999999999",
        ] {
            #expect(throws: (any Error).self, "\(text)") { try ParameterList(scan: text) }
        }
        let list = try bench(["-P", "threads", "1", "8", "make -j{threads}"])
        #expect(list.code == 64 && list.errors.contains("a scan has the form NAME=FIRST..LAST"))
    }

    @Test("a backslash before a comma in a list keeps it in the value")
    func commas() throws {
        #expect(try ParameterList(parsing: #"x=a\,b,c\\,d\e"#).values == ["a,b", #"c\"#, #"d\e"#])
        #expect(try commands(["-n", "1", "-L", #"x=a\,b,c"#, "echo {x}"]) == ["echo a,b", "echo c"])
    }

    @Test("--min-runs and --max-runs bound the runs")
    func bounds() throws {
        let most = try #require(document(["-M", "3", "true"])["results"] as? [[String: Any]])
        #expect((most[0]["times"] as? [Double])?.count == 3)
        let least = try #require(document(["-m", "25", "--max-time", "1ms", "true"])["results"] as? [[String: Any]])
        #expect((least[0]["times"] as? [Double])?.count ?? 0 >= 25)
        for (arguments, sentence) in [
            (["-n", "5", "-m", "3"], "give either --runs, or --min-runs and --max-runs."),
            (["-m", "5", "-M", "3"], "--min-runs must not be more than --max-runs."),
            (["-M", "0"], "--max-runs must be from 1 to 1000000, not 0."),
        ] {
            let run = try bench(arguments + ["true"])
            #expect(run.code == 64 && run.errors.contains(sentence), "\(run.errors)")
        }
        let rule = StopRule(runs: nil, seconds: 5, fewest: 3, most: 10)
        #expect([0, 3, 6, 9].map(rule.look) == [3, 6, 10, 10])
    }

    @Test("an option of hyperfine that has another name here is an error that says which")
    func foreign() throws {
        for (arguments, sentence) in [
            (["--export-json", "x.json"], "--export-json is an option of hyperfine; here it is --json FILE."),
            (["--export-json=x.json"], "--export-json is an option of hyperfine; here it is --json FILE."),
            (["-r", "20"], "-r is an option of hyperfine; here it is -n COUNT."),
            (
                ["-u", "second"],
                "-u is an option of hyperfine; here there is none: each figure has the unit that fits it."
            ),
        ] {
            let run = try bench(arguments + ["true"])
            #expect(run.code == 64 && run.output.isEmpty && run.errors == "forkpool: \(sentence)\n", "\(run.errors)")
        }
        // After -- they are words of the command.
        #expect(try bench(["-n", "1", "--", "echo", "-r", "--export-json"]).code == 0)
    }

    // MARK: - Streams

    @Test("--input is the standard input of each run, from its start")
    func input() throws {
        let file = try scratch.write("one\ntwo\n", to: "input")
        let seen = scratch.path + "/seen"
        let run = try bench(["-n", "3", "--warmup", "0", "--input", file, "--", "sh", "-c", "cat >>\"$0\"", seen])
        #expect(run.code == 0)
        #expect(try String(contentsOfFile: seen, encoding: .utf8) == "one\ntwo\none\ntwo\none\ntwo\n")
        #expect(try bench(["-n", "1", "--input", "null", "--", "sh", "-c", "! read x"]).code == 0)
        // The commands around the runs have none.
        #expect(try bench(["-n", "1", "--input", file, "--prepare", "sh -c '! read x'", "grep -q two"]).code == 0)
        for (path, reason) in [
            ("/nosuch/file", "No such file or directory"),
            (scratch.path, "each run needs it anew, so it must be a file"),
        ] {
            let run = try bench(["--input", path, "cat"])
            #expect(run.code == 66 && run.errors == "forkpool: \(path): cannot be read: \(reason)\n")
        }
    }

    @Test("--output is /dev/null, a pipe that is read, a file, or this command's own")
    func output() throws {
        let file = scratch.path + "/out"
        #expect(try bench(["-n", "3", "--output", file, "--", "printf", "%s\\n", "a"]).code == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "a\n")
        // More than a pipe holds: without a reader the command would wait for ever.
        let large = try bench([
            "-n", "2", "--output", "pipe", "--", "sh", "-c", "head -c 1000000 /dev/zero && test -p /dev/stdout",
        ])
        #expect(large.code == 0, "\(large.errors)")
        #expect(try bench(["-n", "2", "--", "sh", "-c", "test -c /dev/stdout"]).code == 0)
        let shown = try bench(["-n", "1", "--warmup", "0", "--output", "inherit", "echo out"])
        #expect(shown.code == 0 && shown.output.hasPrefix("out\n"))
        let missing = try bench(["--output", "/nosuch/file", "echo"])
        #expect(
            missing.code == 74
                && missing.errors == "forkpool: /nosuch/file: cannot be written: No such file or directory\n")
        #expect(try bench(["--output", "inherit", "--md", "-", "true"]).code == 64)
        #expect(try bench(["--output", "pipe", "--show-output", "true"]).code == 64)
    }

    @Test("a command that leaves its end of the pipe to a process that stays does not hang")
    func leftPipe() throws {
        let run = try bench(["-n", "2", "--output", "pipe", "--", "sh", "-c", "sleep 600 & exit 0"])
        #expect(run.code == 0)
    }

    // MARK: - The shell

    @Test("the shell is of choice, and the start of it is subtracted and said")
    func shell() throws {
        for (arguments, name) in [
            (["--shell"], "/bin/sh"), (["--shell", "bash"], "bash"), (["--shell=bash"], "bash"), (["-S", "sh"], "sh"),
            (["--shell", "bash --norc"], "bash --norc"),
        ] {
            let run = try bench(["-n", "6"] + arguments + ["sleep 0.02 && true"])
            #expect(run.code == 0, "\(run.errors)")
            #expect(run.output.contains("\nThe start of the shell (\(name)) takes "), "\(run.output)")
            #expect(run.output.contains(", which is subtracted from each run.\n"))
            #expect(!run.output.contains("shell  \(name)"))
        }
        let own = try bench(["-n", "1", "--shell=bash", "[[ $BASH_VERSION ]]"])
        #expect(own.code == 0)
        let none = try bench(["--shell", "none", "true && true"])
        #expect(none.code == 64)
        // A script of a shell after --shell is a command.
        #expect(try bench(["-n", "1", "--shell", "sh -c 'exit 0'"]).code == 0)
        let missing = try bench(["-S", "/nosuch/shell", "true"])
        #expect(missing.code == 127 && missing.errors == "forkpool: /nosuch/shell: no such program\n")
    }

    @Test("what is subtracted is in the document, whose runs stay as they were measured")
    func shellDocument() throws {
        let document = try document(["-n", "11", "--shell", "sleep 0.05"])
        let ours = try #require(document["forkpool"] as? [String: Any])
        let shell = try #require((ours["shell"] as? [String: Any])?["wall_ns"] as? Int)
        let runs = try #require(ours["runs"] as? [[String: Any]])
        let wall = try #require(runs[0]["wall_ns"] as? [Int])
        let times = try #require((document["results"] as? [[String: Any]])?[0]["times"] as? [Double])
        #expect(runs.count == 1 && shell > 0 && times.count == 11)
        for (wall, time) in zip(wall, times) { #expect(abs(Double(wall - shell) / 1e9 - time) < 1e-6) }
        // A command that the shell runs itself takes no time of its own, and no negative one.
        let none = try #require(try self.document(["-n", "9", "--shell", ":"])["results"] as? [[String: Any]])
        #expect((none[0]["times"] as? [Double])?.allSatisfy { $0 >= 0 } == true)
    }

    // MARK: - Failures and shapes

    @Test("--exit-codes says which codes are no failure")
    func exitCodes() throws {
        let results = try #require(
            document(["-n", "2", "--exit-codes", "0,1", "false", "true"])["results"] as? [[String: Any]])
        #expect(results.map { $0["exit_codes"] as? [Int] } == [[1, 1], [0, 0]])
        #expect(try bench(["-n", "2", "--exit-codes", "1", "true"]).code == 4)
        #expect(
            try CommandRun(["check", "--exit-codes", "1", "--base", "false", "--head", "false", "--limit", "900%"]).code
                == 0)
        for text in ["", "a", "256", "-1", "1,"] {
            #expect(try bench(["--exit-codes=" + text, "true"]).code == 64)
        }
    }

    @Test("outliers are told, and whether the first run is one")
    func outliers() throws {
        let even = (0..<20).map { 10 + 0.1 * Double($0 % 5) }
        #expect(RunShape(even).sentences { "\($0)" }.isEmpty)
        #expect(RunShape(even + [30]).sentences { "\($0)" } == ["1 outlier, 30.0"])
        #expect(
            RunShape([30] + even + [40]).sentences { "\($0)" }
                == ["2 outliers, from 30.0 to 40.0: the first run is one; more --warmup, or --prepare, would help"])
        // Equal runs have none, and few runs tell nothing.
        #expect(RunShape(Array(repeating: 1, count: 20) + [1.05]).outliers.isEmpty)
        #expect(RunShape([1, 1, 1, 1, 9]).outliers.isEmpty)
        let count = try scratch.write("", to: "count")
        let script = "echo >>\"$0\"; [ $(wc -l <\"$0\") -ne 1 ] || sleep 1"
        let run = try bench(["-n", "12", "--warmup", "0", "--", "sh", "-c", script, count])
        #expect(
            run.output.contains("outlier") && run.output.contains(": the first run is one; more --warmup"),
            "\(run.output)")
    }

    @Test("runs that fall into two groups are told")
    func groups() throws {
        let low = (0..<12).map { 10 + 0.02 * Double($0) }
        let high = (0..<8).map { 15 + 0.02 * Double($0) }
        let groups = try #require(RunShape(low + high).groups)
        #expect(groups.low.count == 12 && groups.high.count == 8)
        #expect(abs(groups.low.median - 10.11) < 0.001 && abs(groups.high.median - 15.07) < 0.001)
        #expect(RunShape((0..<40).map { 10 + 0.1 * Double($0) }).groups == nil)
        // Two groups that hardly differ are one.
        #expect(RunShape(low + low.map { $0 + 0.4 }).groups == nil)
        let count = try scratch.write("", to: "count")
        let script = "echo >>\"$0\"; [ $(($(wc -l <\"$0\") % 2)) -eq 0 ] || exec sleep 0.15; exec sleep 0.02"
        // A machine that stalls may move a run from its group, but hardly in each of ten.
        let isTold = try (0..<10).contains { _ in
            try bench(["-n", "24", "--", "sh", "-c", script, count]).output.contains("\n   two groups of runs: ")
        }
        #expect(isTold)
    }

    @Test(
        "at most one of a hundred samples of one group is called two",
        arguments: ["even", "normal", "exponential", "steep"])
    func oneGroup(_ distribution: String) {
        // A fixed pseudo-random sequence, so that the count is always the same.
        var random = SplitMix64(state: 20_261_130)
        func uniform() -> Double { Double(random.next() >> 11) / Double(1 << 53) }
        func draw() -> Double {
            switch distribution {
            case "even": uniform()
            case "normal": (0..<12).reduce(0.0) { sum, _ in sum + uniform() } - 6 + 10
            case "exponential": 0.2 - log(1 - uniform())
            default: exp(2 * (uniform() + uniform()))
            }
        }
        for size in [10, 20, 40, 80] {
            let found = (0..<500).count { _ in RunShape((0..<size).map { _ in draw() }).groups != nil }
            #expect(found <= 5, "\(size) runs: \(found) of 500")
        }
    }
}
#endif
