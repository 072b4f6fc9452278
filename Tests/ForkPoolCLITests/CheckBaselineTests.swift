// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@Suite("A baseline of forkpool check that was measured under other conditions")
struct CheckBaselineTests {
    private let scratch: ScratchFolder
    private let file: String

    init() throws {
        scratch = try ScratchFolder()
        file = scratch.path + "/main.json"
    }

    private func bench(_ arguments: [String]) throws {
        #expect(try CommandRun(["bench", "-n", "20", "--json", file] + arguments).code == 0)
    }

    private func check(
        _ arguments: [String], environment: [String] = ["TERM=xterm", "PATH=/usr/bin:/bin"], through: [String] = []
    ) throws -> CommandRun {
        try CommandRun(
            ["check", "--baseline", file, "--limit", "1000%", "--metric", "wall"] + arguments, through: through,
            environment: environment)
    }

    /// Whether runs were compared, whatever the verdict on a busy machine is.
    private func isCompared(_ run: CommandRun) -> Bool { [0, 1, 3].contains(run.code) && run.errors.isEmpty }

    private func refusal(_ arguments: [String]) throws -> String {
        let run = try check(arguments)
        #expect(run.code == 5 && run.output.isEmpty && run.errors.hasPrefix("forkpool: \(file): no baseline: "))
        return String(run.errors.dropFirst("forkpool: \(file): no baseline: ".count))
    }

    @Test("another shell is refused, with the option to give")
    func shell() throws {
        try bench(["--shell=bash", "cat"])
        #expect(
            try refusal(["cat"])
                == "its commands were run by bash, and here by no shell: give --shell='bash', or measure it again\n")
        #expect(try refusal(["--shell", "cat"]).hasPrefix("its commands were run by bash, and here by /bin/sh: give "))
        #expect(isCompared(try check(["--shell=bash", "cat"])))
        try bench(["cat"])
        #expect(
            try refusal(["--shell", "cat"])
                == "its commands were run by no shell, and here by /bin/sh: give --shell=none, or measure it again\n")
    }

    @Test("another input is refused, also a file of the same name; the same content is not another")
    func input() throws {
        let input = try scratch.write("one\n", to: "input")
        try bench(["--input", input, "cat"])
        #expect(isCompared(try check(["--input", input, "cat"])))
        let copy = try scratch.write("one\n", to: "copy")
        #expect(isCompared(try check(["--input", copy, "cat"])))
        #expect(try refusal(["cat"]).hasPrefix("the input of its commands was \(input) (4 bytes, digest "))
        #expect(try refusal(["cat"]).hasSuffix("), and here it is empty: give the same --input, or measure it again\n"))
        try scratch.write("two\n", to: "input")
        #expect(try refusal(["--input", input, "cat"]).contains(", and here it is \(input) (4 bytes, digest "))
        try bench(["cat"])
        #expect(
            try refusal(["--input", input, "cat"]).hasPrefix("the input of its commands was empty, and here it is "))
    }

    @Test("another output is refused")
    func output() throws {
        try bench(["--output", "pipe", "true"])
        #expect(
            try refusal(["true"])
                == "the output of its commands went to pipe, and here to null: give the same --output, or measure it "
                + "again\n")
        #expect(isCompared(try check(["--output", "pipe", "true"])))
    }

    @Test("another folder, and other variables that programs depend on, are told in every report")
    func told() throws {
        try bench(["true"])
        let same = try check(["true"])
        #expect(isCompared(same) && !same.output.contains("was measured"), "\(same.output)")
        let other = ["TERM=dumb", "PATH=/usr/bin:/bin", "LC_ALL=C", "OMP_NUM_THREADS=1", "HOME=/"]
        let elsewhere = ["/bin/sh", "-c", "cd / && exec \"$0\" \"$@\""]
        let run = try check(["true"], environment: other, through: elsewhere)
        #expect(isCompared(run))
        let folder = FileManager.default.currentDirectoryPath
        #expect(run.output.contains("\nthe baseline in \(file) was measured in another folder, \(folder)\n"))
        #expect(
            run.output.contains(
                "\nthe baseline in \(file) was measured with another value of LC_ALL, OMP_NUM_THREADS\n"),
            "\(run.output)")
        for format in ["--json", "--md", "--comment", "--junit"] {
            let run = try check(["true", format, "-"], environment: other)
            #expect(run.output.contains("another value of "), "\(format): \(run.output)")
        }
        // Values stay private.
        #expect(try !String(contentsOfFile: file, encoding: .utf8).contains("/usr/bin:/bin"))
    }

    @Test("a baseline without its conditions is told as such")
    func unknown() throws {
        try bench(["true"])
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try scratch.write(text.replacingOccurrences(of: "\"conditions\"", with: "\"other\""), to: "main.json")
        let run = try check(["true"])
        #expect(isCompared(run))
        #expect(run.output.contains("\(file) does not say with which shell, input and environment it was measured\n"))
    }
}
#endif
