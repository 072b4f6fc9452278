// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("The files and streams of forkpool bench and check")
struct BenchFileTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// Runs in the folder.
    private func run(_ arguments: [String]) throws -> CommandRun {
        try CommandRun(arguments, through: ["/bin/sh", "-c", "cd '\(scratch.path)' && exec \"$0\" \"$@\""])
    }

    private static let check = ["check", "--base", "true", "--head", "true"]

    @Test(
        "two options never name one file, however it is written, and nothing is lost",
        arguments: [
            (["bench", "--input", "old", "--output", "./old", "cat"], "--input and --output"),
            (["bench", "--input", "./old", "--json", "old", "cat"], "--input and --json"),
            (["bench", "--input", "old", "--csv", "link", "cat"], "--input and --csv"),
            (["bench", "--output", "old", "--json", "old", "true"], "--json and --output"),
            (["bench", "--md", "sub/../old", "--svg", "link", "true"], "--md and --svg"),
            (["bench", "--json", "new", "--csv", "./new", "true"], "--json and --csv"),
            (["bench", "--history", "sub/new", "--output", "sub/.././sub/new", "true"], "--history and --output"),
            (["bench", "--history", "old", "--svg", "link", "true"], "--svg and --history"),
            (check + ["--output", "./old", "--comment", "old"], "--comment and --output"),
            (check + ["--junit", "new", "--comment", "./new"], "--comment and --junit"),
        ] as [([String], String)])
    func oneFile(_ arguments: [String], _ options: String) throws {
        let old = try scratch.write("precious\n", to: "old")
        try scratch.link("link", to: "old")
        try scratch.write("", to: "sub/other")
        let run = try run(arguments)
        #expect(run.code == 64 && run.output.isEmpty)
        #expect(run.errors.contains("\(options) name the same file, "), "\(run.errors)")
        #expect(try String(contentsOfFile: old, encoding: .utf8) == "precious\n")
        for new in ["/new", "/sub/new"] { #expect(!FileManager.default.fileExists(atPath: scratch.path + new)) }
    }

    @Test("files of one name in two folders are two files")
    func twoFiles() throws {
        try scratch.write("in\n", to: "sub/file")
        let run = try run(["bench", "-n", "1", "--input", "sub/file", "--output", "file", "--json", "json", "cat"])
        #expect(run.code == 0, "\(run.errors)")
        #expect(try String(contentsOfFile: scratch.path + "/file", encoding: .utf8) == "in\n")
    }

    @Test("shows lines of a command's standard error that end with CR and LF, or have a zero byte")
    func errors() throws {
        let run = try run(["bench", "--", "sh", "-c", #"printf 'one\r\na\0b\r\nlast' >&2; exit 3"#])
        #expect(run.code == 4 && run.output.isEmpty)
        #expect(run.errors.hasSuffix("\n  stderr: one\n  stderr: a\\u{0}b\n  stderr: last\n"), "\(run.errors)")
    }

    @Test("CSV quotes a command with CR and LF")
    func table() throws {
        let run = Execution(wall: 1, user: 1, system: 0, peakMemory: 1, memoryFloor: 1, instructions: nil)
        let commands = ["echo a\r\nb", "echo \"c\"", "echo d"].enumerated().map {
            MeasuredCommand(name: MeasuredCommand.name($0), label: $1, runs: [run])
        }
        let results = Results(
            verb: "bench", entries: commands, comparisons: [],
            noise: Noise(others: nil, pressure: nil, processors: 2), seed: 1, warmup: 0, seconds: 1, metric: .wall)
        for field in ["\n\"echo a\r\nb\",", "\n\"echo \"\"c\"\"\",", "\necho d,"] {
            #expect(results.csv.contains(field), "\(results.csv)")
        }
    }

    @Test("a pipe for the output of commands keeps only its last bytes")
    func pipe() throws {
        let pipe = try OutputPipe(keeping: 5)
        let digits = Array("0123456789".utf8)
        for length in [3, 10, 1, 20_000] {
            let text = (0..<length).map { digits[$0 % 10] }
            let before = pipe.bytes
            try #require(unsafe write(pipe.target, text, length) == length)
            pipe.drain()
            #expect(pipe.bytes == Array((before + text).suffix(5)))
        }
        pipe.clear()
        #expect(pipe.bytes.isEmpty)
        // What is not drained yet is forgotten, too.
        try #require(unsafe write(pipe.target, digits, 10) == 10)
        pipe.clear()
        #expect(pipe.bytes.isEmpty)
        let none = try OutputPipe(keeping: 0)
        try #require(unsafe write(none.target, digits, 10) == 10)
        none.drain()
        #expect(none.bytes.isEmpty)
    }
}
#endif
