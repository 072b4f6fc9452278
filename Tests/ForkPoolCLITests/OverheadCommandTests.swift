// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("forkpool overhead")
struct OverheadCommandTests {
    /// Runs the gate on a file of limits.
    private static func check(_ limits: String, _ options: String...) throws -> CommandRun {
        let folder = try ScratchFolder()
        let path = folder.path + "/limits"
        try limits.write(toFile: path, atomically: true, encoding: .utf8)
        return try CommandRun(["overhead", "--check", path] + options)
    }

    @Test("counts the system calls and allocations of a call and its worker, and compares them")
    func counts() throws {
        // A call allocates, and needs at least one system call, because parent and worker share one processor.
        let kept = try Self.check("1000 system calls a call: warm call\n1000 allocations a call: warm call\n")
        #expect(kept.code == 0, "\(kept.output)\(kept.errors)")
        #expect(kept.output.split(separator: "\n").map { $0.prefix(6) } == ["passed", "passed"])
        let broken = try Self.check("0.5 system calls a call: warm call\n0.5 allocations a call: warm call\n")
        #expect(broken.code == 1, "\(broken.output)\(broken.errors)")
        #expect(broken.output.split(separator: "\n").map { $0.prefix(6) } == ["SLOWER", "SLOWER"])
        #expect(broken.errors == "")
    }

    @Test("counts instructions exactly, with the same result each time")
    func instructions() throws {
        let arguments = ["overhead", "--row", "map of no-ops, one claim an item", "--json", "--no-python"]
        let runs = try (0..<2).map { _ in try CommandRun(arguments) }
        for run in runs { #expect(run.code == 0, "\(run.errors)") }
        #if arch(x86_64)
        let counts = try runs.map { try Self.counts($0.output)["instructions"] as? Double }
        #expect(try #require(counts[0]) > 10)
        #expect(counts[0] == counts[1])
        // The claim itself is one locked instruction.
        #expect(try #require(Self.counts(runs[0].output)["locked_instructions"] as? Double) >= 1)
        #endif
    }

    /// The only element of "counts" in a document.
    private static func counts(_ document: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any]
        let counts = try #require(object?["counts"] as? [[String: Any]])
        #expect(counts.count == 1)
        return counts[0]
    }

    @Test("prints a table as text, as Markdown, or as a document with every run")
    func formats() throws {
        let arguments = ["overhead", "--row", "fork and reap", "--rounds", "6", "--no-python"]
        let text = try CommandRun(arguments)
        #expect(text.code == 0 && text.output.contains("fork and reap 1 worker  µs"))
        let markdown = try CommandRun(arguments + ["--md"])
        let head = "|  | unit | one-shot | C floor |\n| --- | --- | ---: | ---: |\n| fork and reap 1 worker | µs | "
        #expect(markdown.output.hasPrefix(head))

        let json = try CommandRun(arguments + ["--json"])
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        let rows = try #require(object?["rows"] as? [[String: Any]])
        let cells = try #require(rows.first?["cells"] as? [[String: Any]])
        #expect(rows.count == 1 && cells.count == 2)
        for cell in cells {
            let seconds = try #require(cell["seconds"] as? [Double])
            #expect(seconds.count == 6)
            #expect(try #require(cell["low"] as? Double) <= #require(cell["median"] as? Double))
        }
    }

    @Test("prints the results of the gate as a document")
    func document() throws {
        let run = try Self.check("0.001 one-shot: fork and reap 1 worker", "--json", "--rounds", "6")
        #expect(run.code == 1)
        let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        #expect(object?["exit"] as? Int == 1)
        let limit = try #require((object?["limits"] as? [[String: Any]])?.first)
        #expect(limit["limit"] as? String == "one-shot: fork and reap 1 worker")
        #expect(limit["verdict"] as? String == "slower")
    }

    @Test("reports each error in one line, with its exit code")
    func refusals() throws {
        let missing = try CommandRun(["overhead", "--check", "/no/such/file"])
        #expect(missing.code == 66)
        #expect(missing.errors == "forkpool: /no/such/file: cannot be read: No such file or directory\n")
        let unknown = try Self.check("1 resident: no such row")
        #expect(unknown.code == 64)
        #expect(
            unknown.errors.hasPrefix("forkpool: the limit \"resident: no such row\" names no row, column or workload"))
        #expect(try Self.check("# nothing\n").code == 64)
        #expect(try Self.check("1 resident: warm call", "--row", "no such row").code == 64)
        #expect(try Self.check("1 resident: warm call", "--md").code == 64)
        #expect(try CommandRun(["overhead", "--json", "--md"]).code == 64)
        #expect(try CommandRun(["overhead", "--workload", "no such workload"]).code == 70)
    }

    @Test("each limit of the project names a row or workload")
    func kept() throws {
        // No limit has this row, but the file is still read and checked.
        let here = URL(fileURLWithPath: #filePath)
        let file = here.appendingPathComponent("../../../Benchmarks/overhead.limits").standardized.path
        let run = try CommandRun(["overhead", "--check", file, "--row", "no such row"])
        #expect(run.code == 64)
        #expect(run.errors.contains("no row or workload has a name that contains \"no such row\""), "\(run.errors)")
    }
}
#endif
