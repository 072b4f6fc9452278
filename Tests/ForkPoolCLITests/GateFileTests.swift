// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import FoundationXML
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("forkpool check with several benchmarks of a file")
struct GateFileTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func work(_ count: Int) -> String { "awk 'BEGIN { for (i = 0; i < \(count); i++) x += i }'" }

    private func check(_ text: String, _ arguments: [String] = []) throws -> CommandRun {
        try CommandRun(["check", "--file", try scratch.write(text, to: "gate.json")] + arguments)
    }

    private var gate: String {
        """
        {"limit": "900%", "metric": "cpu", "max-time": "2m", "benchmarks": [
          {"name": "parse <a|b>", "base": "\(work(100_000))", "head": ["awk", "BEGIN { for (i = 0; i < 1000000; i++) x += i }"],
           "limit": "10%"},
          {"name": "write", "base": "\(work(1_000_000))", "head": "true"}]}
        """
    }

    @Test("each benchmark has its name, its commands and its limit; one that is slower fails the gate")
    func several() throws {
        let run = try check(gate)
        #expect(run.code == 1 && run.errors.isEmpty, "\(run.errors)")
        #expect(run.output.contains("\nSLOWER: parse <a|b> (head) is "))
        #expect(run.output.contains(" × parse <a|b> (base) by CPU time, above the limit of 1.100\n"))
        #expect(run.output.contains("\npassed: write (head) is "))
        #expect(run.output.contains(" × write (base) by CPU time, within the limit of 10.000\n"))
        // Options come before the file.
        let wide = try check(gate, ["--limit", "1000%"])
        #expect(wide.code == 0 && wide.output.contains(" by CPU time, within the limit of 11.000\n"), "\(wide.output)")
        let standard = try CommandRun(
            ["check", "--file", "-"], through: ["/bin/sh", "-c", "cat '\(scratch.path)/gate.json' | \"$0\" \"$@\""])
        #expect(standard.code == 1 && standard.output.contains("\nSLOWER: parse <a|b> (head) is "))
    }

    @Test(
        "reports what is wrong with a file, with 64",
        arguments: [
            ("", "not JSON"), ("[]", "a gate is an object"), ("{}", "there is no \"benchmarks\""),
            ("{\"benchmarks\": []}", "\"benchmarks\" must be a list of at least one"),
            ("{\"limits\": 1}", "\"limits\" is no member of a gate: it has limit, metric, max-time and benchmarks"),
            ("{\"limit\": 5}", "the file: \"limit\" must be a percentage in quotes"),
            ("{\"metric\": \"time\"}", "\"metric\" must be one of auto, cpu, wall, instructions, rss"),
            ("{\"max-time\": 5}", "\"max-time\" must be a duration in quotes"),
            (
                "{\"benchmarks\": [{\"base\": \"a\"}]}",
                "benchmark 1: \"head\" must be a command line, or a list of words"
            ),
            (
                "{\"benchmarks\": [{\"base\": [\"echo\", \"a\\u0000b\"], \"head\": \"b\"}]}",
                "benchmark 1: \"base\" has a zero byte"
            ),
            (
                "{\"benchmarks\": [{\"base\": \"a\", \"head\": \"b\\u0000\"}]}",
                "benchmark 1: \"head\" has a zero byte"
            ),
            (
                "{\"benchmarks\": [{\"name\": \"x\", \"base\": [], \"head\": \"b\"}]}",
                "benchmark \"x\": \"base\" must be"
            ),
            (
                "{\"benchmarks\": [{\"base\": \"a\", \"head\": \"b\", \"limi\": 1}]}",
                "benchmark 1: \"limi\" is no member"
            ),
            (
                "{\"benchmarks\": [{\"base\": \"a\", \"head\": \"b\", \"limit\": \"0%\"}]}",
                "benchmark 1: \"limit\" must be"
            ),
            (
                "{\"benchmarks\": [{\"base\": \"a\", \"base\": \"c\", \"head\": \"b\"}]}",
                "\"base\" is there twice in benchmark 1"
            ),
            (
                "{\"benchmarks\": [{\"name\": \"x\", \"base\": \"a\", \"head\": \"b\"}, {\"name\": \"x\", \"base\": \"a\", \"head\": \"b\"}]}",
                "\"x\" is there twice in the names of the benchmarks"
            ),
            ("{\"benchmarks\": [{\"base\": \"true | cat\", \"head\": \"true\"}]}", "the | needs a shell"),
        ])
    func wrong(_ text: String, _ sentence: String) throws {
        let run = try check(text)
        #expect(run.code == 64 && run.output.isEmpty && run.errors.contains(sentence), "\(run.errors)")
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test("a file that does not exist, and commands beside the file, are errors")
    func unreadable() throws {
        let run = try CommandRun(["check", "--file", "/nosuch/gate.json"])
        #expect(
            run.code == 66 && run.errors == "forkpool: /nosuch/gate.json: cannot be read: No such file or directory\n")
        let both = try check(gate, ["--base", "true", "--head", "true"])
        #expect(both.code == 64 && both.errors.contains("the commands are in the file; give no others."))
    }

    // MARK: - A comment and JUnit XML

    @Test("the comment begins with a mark and the verdict, and shows names as they are")
    func comment() throws {
        let file = scratch.path + "/comment.md"
        #expect(try check(gate, ["--comment", file]).code == 1)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.hasPrefix("<!-- forkpool check -->\n### ❌ forkpool: 1 of 2 benchmarks slower\n"))
        #expect(text.contains("\n| ❌ slower | parse \\<a\\|b\\> | "))
        #expect(text.contains("\n| ✅ passed | write | "))
        #expect(text.contains("<details><summary>") && text.contains("\n</details>\n"))
        #expect(text.contains("\n| parse \\<a\\|b\\> (base) | `awk "))
        // A table needs a line of its own before it, also within the details.
        #expect(text.contains("</summary>\n\n| | Command |"))
        let passed = try CommandRun(
            [
                "check", "--base", work(1_000_000), "--head", "true", "--limit", "100%", "--metric", "cpu", "--comment",
                "-",
            ])
        #expect(passed.code == 0 && passed.output.contains("\n### ✅ forkpool: 1 benchmark within the limit\n"))
        let open = try CommandRun([
            "check", "--base", "sleep 1", "--head", "sleep 1", "--max-time", "9s", "--comment", "-",
        ])
        #expect(open.code == 3 && open.output.contains("\n### ❔ forkpool: 1 of 1 benchmark inconclusive\n"))
    }

    /// Collects the elements of an XML document.
    private final class Elements: NSObject, XMLParserDelegate {
        var found: [(name: String, attributes: [String: String])] = []
        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            found.append((name, attributes))
        }
    }

    @Test("JUnit XML has a test case for each verdict")
    func junit() throws {
        let file = scratch.path + "/junit.xml"
        #expect(try check(gate, ["--junit", file]).code == 1)
        let parser = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: file)))
        let elements = Elements()
        parser.delegate = elements
        #expect(parser.parse())
        // On a busy machine the suite has a sentence about that.
        let names = elements.found.map(\.name).filter { $0 != "system-out" }
        #expect(names == ["testsuites", "testsuite", "testcase", "failure", "testcase"])
        #expect(elements.found[1].attributes["tests"] == "2" && elements.found[1].attributes["failures"] == "1")
        #expect(elements.found[2].attributes["name"] == "parse <a|b> by CPU time")
        #expect(elements.found[3].attributes["type"] == "slower")
        #expect(elements.found[3].attributes["message"]?.contains(", above the limit of 1.100") == true)
        let same = try check(gate, ["--junit", file, "--comment", file])
        #expect(same.code == 64 && same.errors.contains("--comment and --junit name the same file, \(file)."))
    }

    // MARK: - The history

    private func lines(_ file: String) throws -> [[String: Any]] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("each time adds a line to the history, whose chart has a point for each")
    func history() throws {
        let (file, chart) = (scratch.path + "/history.jsonl", scratch.path + "/trend.svg")
        for label in ["one", "two & <three>"] {
            #expect(try check(gate, ["--history", file, "--label", label, "--svg", chart]).code == 1)
        }
        let all = try lines(file)
        #expect(all.map { $0["label"] as? String } == ["one", "two & <three>"])
        let results = try #require(all[1]["results"] as? [[String: Any]])
        #expect(results.map { $0["name"] as? String } == ["parse <a|b>", "write"])
        #expect(results.map { $0["verdict"] as? String } == ["slower", "passed"])
        #expect(
            results.allSatisfy { $0["metric"] as? String == "cpu" && $0["value"] is Double && $0["ratio"] is Double })
        let time = try #require(all[0]["time"] as? String)
        #expect(time.count == 20 && time.hasPrefix("20") && time.hasSuffix("Z"))
        let elements = Elements()
        let parser = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: chart)))
        parser.delegate = elements
        #expect(parser.parse())
        #expect(
            elements.found.count { $0.name == "circle" } == 4 && elements.found.count { $0.name == "polyline" } == 2)
        #expect(elements.found.count { $0.attributes["class"]?.contains("slower") == true } == 2)
    }

    @Test("a line whose end is missing, and lines of something else, harm no other line")
    func cutHistory() throws {
        let file = try scratch.write("{\"time\": \"2026\", \"results\": [{\"na", to: "history.jsonl")
        let run = try CommandRun(["bench", "-n", "2", "--history", file, "--svg", "-", "sleep 0.01", "true"])
        #expect(run.code == 0 && run.output.contains("<circle"))
        #expect(run.errors == "forkpool: \(file): 1 line is no measurement, and has no place in the chart\n")
        let text = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(text.count == 2 && text[0].hasSuffix("[{\"na") && text[1].hasSuffix("}"))
        #expect(text[1].contains("\"name\": \"sleep 0.01\"") && text[1].contains("\"metric\": \"wall\""))
        let missing = try CommandRun(["bench", "-n", "1", "--history", "/nosuch/h", "true"])
        #expect(
            missing.code == 74
                && missing.errors == "forkpool: /nosuch/h: cannot be written: No such file or directory\n")
        #expect(try CommandRun(["bench", "--label", "x", "true"]).code == 64)
        #expect(try CommandRun(["bench", "--history", "-", "true"]).code == 64)
    }
}
#endif
