// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPoolTestSupport
import Foundation
import Testing

@Suite("The text of the tour")
struct TourStoryTests {
    /// Two runs over a small folder, shared by all tests; most of a tour is waiting, so they run at once.
    private static let runs = Threads.run(2) { number in
        Result { try CommandRun(["tour"] + (number == 0 ? [] : ["--resident"]) + [small.get().path]) }
    }
    private static var plain: Result<CommandRun, any Error> { runs[0] }
    /// The one with resident workers.
    private static var resident: Result<CommandRun, any Error> { runs[1] }
    private static let small = Result {
        let folder = try ScratchFolder()
        try folder.write("abc", to: "one")
        try folder.write("a", to: "below/two")
        try folder.link("below/loop", to: "..")
        return folder
    }

    private static let sums = "11 12 13 14 15 6 4 2 4 7"

    @Test("the loop and both pools print the same ten sums in order")
    func sumsInOrder() throws {
        let run = try Self.plain.get()
        #expect(run.code == 0)
        #expect(run.errors == "")
        #expect(run.output.contains("\n  \(Self.sums) "))
        #expect(run.output.contains("   5 workers: \(Self.sums) "))
        #expect(run.output.contains("  10 workers: \(Self.sums) "))
        #expect(run.output.contains("    1 worker: \(Self.sums) "))
        // Each sum of chapter 2 is on its own, with the time of its arrival.
        let arrivals = run.output.matches(of: /(\d+) at \d+\.\d\d s/).map { String($0.1) }
        #expect(arrivals.joined(separator: " ") == Self.sums)
    }

    /// The totals that workers printed between two texts, in the order of the lines.
    private static func totals(
        in output: String, from start: String, to end: String
    ) throws -> [(worker: Int, total: Int)] {
        let tail = try output[#require(output.range(of: start)?.upperBound)...]
        let part = try tail[..<#require(tail.range(of: end)?.lowerBound)]
        return try part.matches(of: /\n  worker (\d): sub total so far (\d+)(?=\n)/).map { match in
            (try #require(Int(match.1)), try #require(Int(match.2)))
        }
    }

    @Test("each worker says its sub total so far, the global stays 0 in the parent, and the shared counter is 15")
    func trap() throws {
        let output = try Self.plain.get().output
        let own = try Self.totals(in: output, from: "5. The trap", to: "total in the parent: 0 ")
        #expect([[2, 3, 3, 12], [2, 3, 4, 11]].contains(own.map(\.total).sorted()))
        #expect(own.map(\.worker).sorted() == [0, 0, 1, 1])
        let shared = try Self.totals(in: output, from: "total in the parent: 0 ", to: "total.value in the parent: 15 ")
        #expect(shared.count == 4 && shared.map(\.total).max() == 15)
    }

    @Test("a reader that goes while a worker prints ends the tour without a message")
    func closedPipeInTheTrap() throws {
        let folder = try Self.small.get().path
        let runs = Threads.run(2) { number in
            let script = """
                \(number == 1 ? "trap '' PIPE; " : "")"$@" | sed '/sub total/q' >/dev/null; exit "${PIPESTATUS[0]}"
                """
            return Result { try CommandRun(["tour", folder], through: ["/bin/bash", "-c", script, "bash"]) }
        }
        for run in try runs.map({ try $0.get() }) {
            #expect(run.code == 141)
            #expect(run.errors == "")
        }
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
        let first = try Self.totals(in: output, from: "5. The trap", to: "and the same map again")
        #expect([[2, 3, 3, 12], [2, 3, 4, 11]].contains(first.map(\.total).sorted()))
        let later = try Self.totals(in: output, from: "and the same map again", to: "total in the parent: 0 ")
        // Which worker gets which number the second time is random; together they have added everything twice.
        #expect(later.count == 4)
        #expect(Dictionary(later.map { ($0.worker, $0.total) }, uniquingKeysWith: max).values.reduce(0, +) == 30)
        #expect(output.contains("total.value in the parent: 15 "))
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
        let variables = ["TERM=xterm", "NO_COLOR=1", "TERM=dumb"]
        let runs = Threads.run(variables.count) { number in
            let environment = [variables[number], "PATH=/usr/bin:/bin"]
            return Result { try CommandRun(["tour", folder], to: .terminal, environment: environment) }
        }
        for (run, variable) in zip(try runs.map { try $0.get() }, variables) {
            #expect(run.code == 0)
            #expect(run.output.contains("1. One after another"))
            #expect(run.output.contains("\u{1B}") == (variable == "TERM=xterm"), "\(variable)")
        }
        #expect(try runs[0].get().output.contains("\u{1B}[1m1. One after another\u{1B}[0m"))
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
        for arguments in [["tour", "--nonsense"], ["tour", "one", "two"]] {
            let run = try CommandRun(arguments)
            #expect(run.code == 64)
            #expect(run.output == "")
            #expect(run.errors.contains("Usage:"))
        }
        let unknown = try CommandRun(["nonsense"])
        #expect(unknown.code == 64 && unknown.output == "")
        #expect(unknown.errors.hasPrefix("forkpool: there is no verb nonsense; the verbs are tour, run, "))
    }

    @Test("the help names every exit code")
    func help() throws {
        let run = try CommandRun(["help", "tour"])
        #expect(run.code == 0)
        for code in ["0", "1", "64", "66", "70", "74"] {
            #expect(run.output.contains("\n  \(code) "), "exit code \(code)")
        }
        #expect(run.output.contains("--resident"))
        #expect(try CommandRun(["--version"]).output == "0.1.0\n")
    }
}
#endif
