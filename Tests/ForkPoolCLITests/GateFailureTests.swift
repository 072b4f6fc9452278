// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import FoundationXML
import Glibc
import Testing

@Suite("A gate of which a benchmark fails, and its reports")
struct GateFailureTests {
    private let scratch: ScratchFolder
    private static let formats = ["json", "csv", "md", "svg", "junit", "comment"]

    init() throws {
        scratch = try ScratchFolder()
    }

    private var files: [String] { Self.formats.flatMap { ["--\($0)", path($0)] } + ["--history", path("history")] }

    private func path(_ name: String) -> String { scratch.path + "/" + name }

    private func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }

    private func check(_ benchmarks: [(name: String, head: String)], _ arguments: [String] = []) throws -> CommandRun {
        let list = benchmarks.map { "{\"name\": \"\($0.name)\", \"base\": \"true\", \"head\": \"\($0.head)\"}" }
        let gate = try scratch.write(
            "{\"limit\": \"1000%\", \"benchmarks\": [\(list.joined(separator: ", "))]}", to: "gate.json")
        return try CommandRun(["check", "--file", gate] + files + arguments)
    }

    /// Writes files as if an earlier check had left them.
    private func leaveOld() throws {
        for name in Self.formats { try scratch.write("stale", to: name) }
    }

    @Test(
        "a benchmark that fails is one failed case, and every report has all cases",
        arguments: [
            ("sh -c 'echo why \\\\<here\\\\> >&2; exit 3'", "exited with 3"),
            ("sh -c 'kill -9 $$'", "was ended by signal 9"),
            ("sleep 600", "took longer than 2.00 s and was killed"), ("/nosuch/program", "no such program"),
        ])
    func failing(_ head: String, _ reason: String) throws {
        try leaveOld()
        let run = try check(
            [("first", "true"), ("broken", head), ("last", "true")], ["--timeout", "2s", "--metric", "cpu"])
        #expect(run.code == 4, "\(run.output)")
        #expect(run.errors.hasPrefix("forkpool: ") && run.errors.contains(reason), "\(run.errors)")
        let verdicts = run.output.split(separator: "\n").filter { $0.hasPrefix("passed: ") || $0.hasPrefix("FAILED: ") }
        #expect(verdicts.count == 3 && verdicts[2].hasPrefix("FAILED: broken: ") && verdicts[2].hasSuffix(reason))
        let parser = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: path("junit"))))
        let elements = Elements()
        parser.delegate = elements
        #expect(parser.parse())
        #expect(elements.found[1].attributes["tests"] == "3" && elements.found[1].attributes["errors"] == "1")
        let cases = elements.found.filter { $0.name == "testcase" }.map { $0.attributes["name"] }
        #expect(cases == ["first by CPU time", "last by CPU time", "broken by CPU time"])
        let errors = elements.found.filter { $0.name == "error" }
        #expect(errors.count == 1 && errors[0].attributes["type"] == "failed")
        #expect(errors.first?.attributes["message"]?.hasSuffix(reason) == true)
        #expect(try text("comment").hasPrefix("<!-- forkpool check -->\n### ❌ forkpool: 1 of 3 benchmarks failed\n"))
        #expect(try text("comment").contains("\n| ❌ failed | broken | | | | |\n"))
        #expect(try text("md").contains("\n**failed** broken: "))
        let table = try text("csv")
        #expect(table.contains(",broken,0,") && table.hasSuffix(",failed\n"))
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path("json")))) as? [String: Any])
        let ours = try #require(document["forkpool"] as? [String: Any])
        #expect((ours["comparisons"] as? [[String: Any]])?.map { $0["verdict"] as? String } == ["passed", "passed"])
        let failures = try #require(ours["failures"] as? [[String: Any]])
        #expect(failures.count == 1 && failures[0]["benchmark"] as? String == "broken")
        #expect((failures[0]["reason"] as? String)?.hasSuffix(reason) == true)
        let history = try text("history")
        #expect(history.split(separator: "\n").count == 1 && history.contains("\"verdict\": \"failed\""))
        #expect(try text("svg").hasSuffix("</svg>\n"))
        if head.contains("why") {
            #expect(run.errors.hasSuffix("\n  stderr: why <here>\n"))
            #expect(elements.text.contains("  stderr: why <here>"))
            #expect(try text("md").contains("      stderr: why"))
        }
    }

    @Test("a slower head beside a failed one is told too, and a gate of which all fail has its reports")
    func several() throws {
        let slow = "sleep 0.1"
        let run = try check([("slow", slow), ("broken", "false")], ["--metric", "wall", "--limit", "200%"])
        #expect(run.code == 4 && run.output.contains("\nSLOWER: slow (head) is "))
        #expect(try text("comment").contains("\n### ❌ forkpool: 1 of 2 benchmarks failed, 1 slower\n"))
        try leaveOld()
        #expect(try check([("one", "false"), ("two", "/nosuch/program")]).code == 4)
        for name in Self.formats { #expect(try !text(name).contains("stale"), "\(name)") }
        #expect(try text("junit").contains(" tests=\"2\" failures=\"0\" errors=\"2\""))
    }

    @Test("a run that --max-time ends decides nothing, and takes no other benchmark with it")
    func cut() throws {
        let run = try check([("long", "sleep 600"), ("short", "true")], ["--max-time", "3s", "--metric", "cpu"])
        #expect(run.code == 3, "\(run.output)\(run.errors)")
        #expect(run.output.contains("\ninconclusive: long: ") && run.output.contains(" took longer than 3.00 s"))
        #expect(try text("junit").contains("<error type=\"inconclusive\""))
        #expect(try text("comment").contains("\n| ❔ inconclusive | long | | | | |\n"))
    }

    // MARK: - Reports of an earlier check

    @Test("a report of an earlier check is gone, however this one ends")
    func stale() throws {
        let missing = ["--baseline", "/nosuch/file", "--", "true"]
        let wrong = try scratch.write("{", to: "wrong.json")
        for (arguments, code) in [
            (missing, 5), (["--file", wrong], 64), (["--file", "/nosuch/file"], 66),
            (["--input", "/nosuch/file", "--base", "true", "--head", "true"], 66),
        ] as [([String], Int32)] {
            try leaveOld()
            #expect(try CommandRun(["check"] + files + arguments).code == code)
            for name in Self.formats { #expect(unsafe access(path(name), F_OK) != 0, "\(arguments): \(name)") }
        }
    }

    @Test("an interrupted check leaves no report, and no part of one")
    func interrupted() throws {
        try leaveOld()
        let fifo = path("fifo")
        try #require(unsafe mkfifo(fifo, 0o600) == 0)
        let reading = unsafe open(fifo, O_RDONLY | O_NONBLOCK)
        defer { close(reading) }
        let line = "sh -c 'echo >\"\(fifo)\"; exec sleep 600'"
        let run = try RunningCommand(["check"] + files + ["--base", line, "--head", line])
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&entry, 1, 60_000) == 1)
        kill(run.pid, SIGINT)
        #expect(try run.end().status & 0x7F == SIGINT)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(Set(left).isSubset(of: ["fifo", "history"]), "\(left)")
    }

    @Test("a report is replaced as a whole: a reader of the earlier file keeps it, and links lead to the new one")
    func replaced() throws {
        let (old, link) = (try scratch.write("old", to: "old"), path("link"))
        unsafe chmod(old, 0o640)
        try #require(unsafe symlink(old, link) == 0)
        let reader = try FileHandle(forReadingFrom: URL(fileURLWithPath: old))
        #expect(try CommandRun(["bench", "-n", "1", "--json", link, "true"]).code == 0)
        #expect(try reader.readToEnd() == Data("old".utf8))
        var status = stat()
        #expect(unsafe lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(unsafe stat(old, &status) == 0 && status.st_mode & 0o7777 == 0o640)
        #expect(try text("old").hasPrefix("{"))
        // A redirection is written, not replaced.
        let script = "exec \"$0\" \"$@\" --json /dev/stdout >>\"\(path("redirected"))\""
        #expect(try CommandRun(["bench", "-n", "1", "true"], through: ["/bin/sh", "-c", script]).code == 0)
        #expect(try text("redirected").contains("\"results\""))
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).count == 3)
    }

    @Test("a file that is read is not written")
    func sameFile() throws {
        let file = try scratch.write("{}", to: "main.json")
        let link = path("link")
        try #require(unsafe symlink(file, link) == 0)
        for (option, arguments) in [("--baseline", ["--", "true"]), ("--file", [])] {
            for path in [file, link] {
                let run = try CommandRun(["check", option, file, "--json", path] + arguments)
                #expect(run.code == 64)
                #expect(run.errors.contains("\(option) and --json name the same file, \(file)."), "\(run.errors)")
            }
        }
        #expect(try text("main.json") == "{}")
    }
}

/// Collects the elements of an XML document, and its text.
private final class Elements: NSObject, XMLParserDelegate {
    var found: [(name: String, attributes: [String: String])] = []
    var text = ""

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        found.append((name, attributes))
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
#endif
