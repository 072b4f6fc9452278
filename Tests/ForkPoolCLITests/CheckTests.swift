// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@Suite("forkpool check")
struct CheckTests {
    private let scratch: ScratchFolder
    /// A command that computes COUNT steps.
    private static let work = "awk 'BEGIN { for (i = 0; i < COUNT; i++) x += i }'"

    init() throws {
        scratch = try ScratchFolder()
    }

    private func work(_ count: Int) -> String {
        Self.work.replacingOccurrences(of: "COUNT", with: String(count))
    }

    private func check(_ arguments: [String]) throws -> CommandRun {
        try CommandRun(["check"] + arguments)
    }

    private func document(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("a head with ten times the work is slower, and a base with ten times the work is an improvement")
    func verdicts() throws {
        let slower = try check(["--base", work(100_000), "--head", work(1_000_000)])
        #expect(slower.code == 1 && slower.errors.isEmpty)
        #expect(slower.output.contains("\nSLOWER: head is "))
        #expect(slower.output.hasSuffix(" × base by CPU time, above the limit of 1.050\n"))
        let faster = try check(["--base", work(1_000_000), "--head", work(100_000), "--canary", "--limit", "50%"])
        #expect(faster.code == 0)
        #expect(faster.output.contains("\npassed: head is "))
        #expect(faster.output.hasSuffix("\ncanary: a head slower by 100.0 % would be found\n"))
    }

    @Test("uses the limit and the metric of the options")
    func limits() throws {
        let run = try check(["--base", "sleep 0.01", "--head", "sleep 0.03", "--limit", "900%", "--metric", "wall"])
        #expect(run.code == 0)
        #expect(run.output.contains(" × base by wall time, within the limit of 10.000\n"))
        let slower = try check(["--base", "sleep 0.01", "--head", "sleep 0.1", "--limit", "100%", "--metric", "wall"])
        #expect(slower.code == 1)
    }

    @Test("compares peak memory above that of the launcher; less is inconclusive")
    func memory() throws {
        let large = "awk 'BEGIN { s = \"0123456789abcdef\"; while (length(s) < 100000000) s = s s }'"
        #expect(try check(["--metric", "rss", "--base", "true", "--head", large]).code == 1)
        #expect(try check(["--metric", "rss", "--base", large, "--head", large]).code == 0)
        let hidden = try check(["--metric", "rss", "--base", "true", "--head", "true"])
        #expect(hidden.code == 3)
        #expect(hidden.output.contains("inconclusive: base needs less memory than the process that starts it ("))
    }

    @Test("where 10 pairs do not fit it stops at once, and says what they need")
    func inconclusive() throws {
        let run = try check(["--base", "sleep 1", "--head", "sleep 1", "--max-time", "15s"])
        #expect(run.code == 3)
        // Two rounds take four seconds or more, and ten more twenty or more.
        let needed = run.output.firstMatch(
            of: #/\ninconclusive: 10 pairs, the fewest that are judged, take about (\d+)/#)
        #expect(needed.flatMap { Int($0.1) }.map { $0 >= 20 } == true, "\(run.output)")
        #expect(run.output.contains(" s here, and --max-time is 15.0 s; a longer --max-time or "))
        #expect(run.output.contains("   2 runs\n"))
        let late = try check(["--base", "sleep 600", "--head", "sleep 600", "--max-time", "50ms"])
        #expect(late.code == 3 && late.output.isEmpty)
        // Which command runs first is random.
        #expect(late.errors.hasPrefix("forkpool: run 1 of ") && late.errors.contains(" (sleep 600) took longer than "))
    }

    @Test("several comparisons are one check, which fails if one of them is slower")
    func several() throws {
        let run = try check([
            "--base", "true", "--head", work(1_000_000), "--base", work(1_000_000), "--head", "true", "--json", "-",
            "--metric", "cpu",
        ])
        #expect(run.code == 1)
        let ours = try #require(document(run.output)["forkpool"] as? [String: Any])
        let comparisons = try #require(ours["comparisons"] as? [[String: Any]])
        #expect(comparisons.map { $0["head"] as? String } == ["head 1", "head 2"])
        #expect(comparisons.map { $0["verdict"] as? String } == ["slower", "passed"])
        #expect(comparisons.allSatisfy { $0["metric"] as? String == "cpu" && $0["limit"] as? Double == 1.05 })
    }

    @Test("every file contains the verdict")
    func files() throws {
        let names = ["json", "csv", "md", "svg"]
        let run = try check(
            ["--base", work(1_000_000), "--head", "true"] + names.flatMap { ["--\($0)", "\(scratch.path)/\($0)"] })
        #expect(run.code == 0)
        let texts = try names.map { try String(contentsOfFile: "\(scratch.path)/\($0)", encoding: .utf8) }
        #expect(texts[0].contains("\"verdict\": \"passed\""))
        #expect(
            texts[1].hasPrefix("command,") && texts[1].contains(",limit,verdict\n")
                && texts[1].hasSuffix(",1.05,passed\n"))
        #expect(texts[2].contains("| head / base | CPU time | ") && texts[2].contains(" | 1.050 | **passed** |"))
        #expect(texts[3].contains(", passed</text>"))
    }

    // MARK: - Baselines

    @Test("runs from bench are a baseline on the same host")
    func baseline() throws {
        let file = scratch.path + "/baseline.json"
        #expect(try CommandRun(["bench", "-n", "20", "--json", file, work(1_000_000)]).code == 0)
        // With one command in the file, it is the baseline for any head.
        let faster = try check(["--baseline", file, "--", "true"])
        #expect(
            faster.code == 0 && faster.output.contains("passed: head is ")
                && faster.output.contains(" × baseline by CPU time"))
        #expect(
            faster.output.contains("\nthe baseline in \(file) is another command: \(work(1_000_000)), not true\n"),
            "\(faster.output)")
        let same = try check(["--baseline", file, "--limit", "900%", work(1_000_000)])
        #expect(same.code == 0 && !same.output.contains("another command"))
        for format in ["--md", "--json"] {
            #expect(try check(["--baseline", file, format, "-", "--", "true"]).output.contains("is another command: "))
        }
        let line = try check(["--baseline", file, work(10_000_000), "--canary"])
        #expect(line.code == 1)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try scratch.write(text.replacingOccurrences(of: "\"cores\": ", with: "\"cores\": 9"), to: "other.json")
        let other = try check(["--baseline", scratch.path + "/other.json", "--", "true"])
        #expect(other.code == 5)
        #expect(
            other.errors.hasPrefix("forkpool: \(scratch.path)/other.json: the baseline is from another host: it has 9"))
    }

    @Test("of several commands in a baseline, the one with the same command line counts")
    func severalBaselines() throws {
        let file = scratch.path + "/baseline.json"
        #expect(try CommandRun(["bench", "-n", "20", "--json", file, "true", work(1_000_000)]).code == 0)
        #expect(try check(["--baseline", file, work(1_000_000), "--limit", "900%"]).code == 0)
        let none = try check(["--baseline", file, "--", "false"])
        #expect(
            none.code == 5
                && none.errors == "forkpool: \(file): no baseline for false: it has true, \(work(1_000_000))\n")
        let instructions = try check(["--baseline", file, "--metric", "instructions", "--", "true"])
        #expect(
            instructions.code == 5
                && instructions.errors.hasSuffix("no baseline for instructions: they were not counted\n"))
    }

    @Test("runs that failed are no baseline")
    func failedBaseline() throws {
        let file = scratch.path + "/baseline.json"
        #expect(try CommandRun(["bench", "-n", "3", "--ignore-failure", "--json", file, "false"]).code == 4)
        let run = try check(["--baseline", file, "--", "true"])
        #expect(run.code == 5 && run.errors == "forkpool: \(file): no baseline: 3 of 3 runs of false failed\n")
    }

    @Test("a file that is no baseline fails with 5")
    func noBaseline() throws {
        for (text, sentence) in [
            ("", "not JSON: expected a value, found the end of the text at byte 0"),
            ("{}", "it is not from forkpool bench --json"),
            ("{\"results\": [{\"command\": \"x\", \"times\": [1]}]}", "it is not from forkpool bench --json"),
        ] {
            let file = try scratch.write(text, to: "file.json")
            let run = try check(["--baseline", file, "--", "true"])
            #expect(run.code == 5 && run.errors == "forkpool: \(file): no baseline: \(sentence)\n")
        }
        let missing = try check(["--baseline", "/nosuch", "--", "true"])
        #expect(missing.code == 5)
        #expect(
            missing.errors
                == "forkpool: /nosuch: no baseline: No such file or directory; forkpool bench --json writes one\n")
        #expect(try check(["--baseline", scratch.path, "--", "true"]).code == 5)
        // A copy that was cut at many places.
        let whole = scratch.path + "/whole.json"
        #expect(try CommandRun(["bench", "-n", "1", "--json", whole, "true"]).code == 0)
        let text = try String(contentsOfFile: whole, encoding: .utf8)
        for length in stride(from: 1, to: text.utf8.count - 2, by: 97) {
            let cut = try scratch.write(String(text.prefix(length)), to: "cut.json")
            #expect(try check(["--baseline", cut, "--", "true"]).code == 5)
        }
    }

    // MARK: - Failing

    @Test("a command that fails or does not exist has its own exit code")
    func failures() throws {
        for (head, sentence) in [
            (
                "false",
                "run 1 of head (false) exited with 1\n  it wrote nothing to standard error; --show-output shows what else it writes"
            ),
            ("forkpool-no-such-program", "forkpool-no-such-program: no such program"),
            (scratch.path, "\(scratch.path): cannot be run: Permission denied"),
        ] {
            let run = try check(["--base", "true", "--head", head])
            #expect(run.code == 4 && run.output.isEmpty && run.errors == "forkpool: \(sentence)\n")
        }
        #expect(try check(["--base", "sleep 600", "--head", "true", "--timeout", "50ms"]).code == 4)
    }

    @Test("without an instruction counter it says in one line what to do")
    func instructions() throws {
        let run = try check(["--metric", "instructions", "--base", "true", "--head", "true"])
        // A machine with a counter compares instructions.
        if run.code == 70 {
            #expect(run.output.isEmpty)
            #expect(run.errors.hasPrefix("forkpool: instructions cannot be counted: "))
            #expect(run.errors.hasSuffix("; use --metric cpu\n"))
            #expect(run.errors.split(separator: "\n").count == 1)
        } else {
            #expect(run.code == 0 && run.output.contains(" by instructions, within the limit"))
        }
    }

    @Test(
        "reports each wrong argument in one line, with 64",
        arguments: [
            ([], "there is nothing to compare"), (["true"], "there is nothing to compare"),
            (["--base", "true"], "each --base needs a --head, and each --head a --base."),
            (["--base", "a", "--head", "b", "c"], "a command without --base or --head needs --baseline."),
            (["--baseline", "f", "--base", "a", "--head", "b"], "give either --baseline or --base and --head."),
            (["--baseline", "f"], "with --baseline give one command"),
            (["--baseline", "f", "a", "b"], "with --baseline give one command"),
            (["--base", "a", "--head", "b", "--limit", "5"], "a percentage has the form 5% or 2.5%."),
            (["--base", "a", "--head", "b", "--limit", "0%"], "--limit must be more than 0%"),
            (["--base", "a", "--head", "b", "--metric", "x"], "'auto', 'cpu', 'wall', 'instructions' or 'rss'"),
            (["--base", "a", "--head", "b", "--max-time", "0"], "--max-time must be more than 0."),
            (["--base", "a | b", "--head", "b"], "the | needs a shell"),
        ])
    func usage(_ arguments: [String], _ sentence: String) throws {
        let run = try check(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.split(separator: "\n").first?.contains(sentence) == true, "\(run.errors)")
    }

    @Test("results that cannot be written have their own exit code")
    func unwritable() throws {
        let pair = ["--base", "true", "--head", "true", "--limit", "1000%"]
        #expect(try check(pair + ["--json", "/nosuch/file"]).code == 74)
        #expect(try check(pair + ["--svg", "/dev/full"]).code == 74)
        let full = try CommandRun(["check"] + pair, through: ["/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/full"])
        #expect(
            full.code == 74 && full.errors == "forkpool: cannot write to standard output: No space left on device\n")
    }
}
#endif
