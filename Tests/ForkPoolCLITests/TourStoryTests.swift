// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@Suite("The text of the tour")
struct TourStoryTests {
    /// One run over a small folder, shared by all tests.
    private static let plain = Result { try CommandRun(["tour", small.get().path]) }
    /// The same with resident workers.
    private static let resident = Result { try CommandRun(["tour", "--resident", small.get().path]) }
    private static let small = Result {
        let folder = try ScratchFolder()
        try folder.write("abc", to: "one")
        try folder.write("a", to: "below/two")
        try folder.link("below/loop", to: "..")
        return folder
    }

    private static let sums = "11 22 33 44 55 66 77 88 99 110"

    @Test("the loop and both pools print the same ten sums in order")
    func sumsInOrder() throws {
        let run = try Self.plain.get()
        #expect(run.code == 0)
        #expect(run.errors == "")
        #expect(run.output.contains("\n  \(Self.sums) "))
        #expect(run.output.contains("   5 workers: \(Self.sums) "))
        #expect(run.output.contains("  10 workers: \(Self.sums) "))
    }

    @Test("the global stays 0 in the parent, and the shared counter is 15")
    func trap() throws {
        let run = try Self.plain.get()
        #expect(run.output.contains("subtotals in the workers: 3, 3, 4, 5\n"))
        #expect(run.output.contains("total in the parent:      0 "))
        #expect(run.output.contains("total.value:              15 "))
    }

    @Test("counts the files, does not follow a link to a folder above, and the digests agree")
    func files() throws {
        let run = try Self.plain.get()
        #expect(run.output.contains("  2 files, 4 bytes\n"))
        #expect(run.output.contains("1 symbolic link, not followed\n"))
        #expect(run.output.contains("equal, file by file"))
    }

    @Test("resident workers give the same sums and digest, and their start is shown separately")
    func residentResults() throws {
        let run = try Self.resident.get()
        #expect(run.code == 0)
        #expect(run.errors == "")
        #expect(run.output.contains("Its workers start once in each chapter, and stay.\n"))
        for workers in [" 5", "10"] {
            #expect(run.output.contains("  \(workers) workers start "))
            #expect(run.output.contains("  \(workers) workers: \(Self.sums) "))
        }
        #expect(run.output.contains("  2 files, 4 bytes\n"))
        #expect(run.output.contains("equal, file by file"))
        let digest = try #require(run.output.firstMatch(of: /one digest over all of them: [0-9a-f]{16}\n/))
        #expect(try Self.plain.get().output.contains(digest.output))
        #expect(try !Self.plain.get().output.contains("workers start "))
    }

    @Test("resident workers keep their totals, and the total in the parent stays 0")
    func residentTrap() throws {
        let output = try Self.resident.get().output
        #expect(output.contains("subtotals in the workers: 3, 3, 4, 5\n"))
        // Which worker gets which batch the second time is random; together they have added everything twice.
        #expect(output.contains(/after the same map again: \d+, \d+, \d+, \d+, with the sum 30\n/))
        #expect(output.contains("total in the parent:      0 "))
        #expect(output.contains("total.value:              15 "))
    }

    @Test("output to a file has no escape codes, and lines of at most 80 characters")
    func plainWhenPiped() throws {
        let name = try Self.small.get().path
        for run in [Self.plain, Self.resident] {
            let output = try run.get().output
            #expect(!output.contains("\u{1B}") && !output.contains("\r"))
            #expect(output.split(separator: "\n").allSatisfy { $0.count <= 80 || $0.contains(name) })
        }
    }

    @Test("a terminal gets colours, unless NO_COLOR or a dumb terminal forbids them")
    func colours() throws {
        let folder = try Self.small.get().path
        let coloured = try CommandRun(["tour", folder], to: .terminal)
        #expect(coloured.code == 0)
        #expect(coloured.output.contains("\u{1B}[1m1. One after another\u{1B}[0m"))
        for variable in ["NO_COLOR=1", "TERM=dumb"] {
            let run = try CommandRun(["tour", folder], to: .terminal, environment: [variable, "PATH=/usr/bin:/bin"])
            #expect(run.code == 0)
            #expect(run.output.contains("1. One after another"))
            #expect(!run.output.contains("\u{1B}"), "\(variable)")
        }
    }

    @Test("a reader that closes the pipe ends the tour without a message")
    func closedPipe() throws {
        let ended = try CommandRun(["tour"], to: .closedPipe)
        #expect(ended.signal == 13)
        #expect(ended.errors == "")
        let ignoring = try CommandRun(
            ["tour"],
            through: ["/bin/sh", "-c", "trap '' PIPE; exec \"$@\"", "sh"],
            to: .closedPipe
        )
        #expect(ignoring.code == 141)
        #expect(ignoring.errors == "")
    }

    @Test("results that cannot be written are an error of their own")
    func fullDevice() throws {
        let run = try CommandRun(["tour"], through: ["/bin/sh", "-c", "exec \"$@\" > /dev/full", "sh"])
        #expect(run.code == 74)
        #expect(run.errors == "forkpool: cannot write to standard output: No space left on device\n")
    }

    @Test("a wrong command line is exit code 64, with the usage on standard error")
    func usage() throws {
        for arguments in [["tour", "--nonsense"], ["tour", "one", "two"], ["nonsense"]] {
            let run = try CommandRun(arguments)
            #expect(run.code == 64)
            #expect(run.output == "")
            #expect(run.errors.contains("Usage:"))
        }
    }

    @Test("the help names every exit code")
    func help() throws {
        let run = try CommandRun(["tour", "--help"])
        #expect(run.code == 0)
        for code in ["0", "1", "64", "66", "70", "74"] {
            #expect(run.output.contains("\n  \(code) "), "exit code \(code)")
        }
        #expect(run.output.contains("--resident"))
        #expect(try CommandRun(["--version"]).output == "0.1.0\n")
    }
}
#endif
