// SPDX-License-Identifier: Apache-2.0
import ExampleSupport
import ForkPool
import Foundation

/// Reads files of JSON lines in parallel: `JSONLines [MEGABYTES | FILE]`.
@main
struct JSONLines {
    /// What is known of a file when its last line is read.
    struct Summary: Equatable {
        var lines = 0
        var cents = 0
        var bad: [String] = []
    }

    /// The work itself: each line goes to a worker, and the results come back in the order of the lines.
    static func summarize(_ path: String) throws -> Summary {
        let decoder = JSONDecoder()
        var summary = Summary()
        let stream = ForkPool().stream(try Lines(of: path)) { line in try Order.centsPerPiece(line, decoder) }
        for (index, result) in stream {
            summary.lines += 1
            switch result {
            case .success(let cents): summary.cents += cents
            case .failure(let failure): summary.bad.append("line \(index + 1): \(failure)")
            }
        }
        return summary
    }

    static func main() async throws {
        let argument = CommandLine.arguments.dropFirst().first
        if let argument, Int(argument) == nil, CommandLine.arguments.count == 2 {
            do {
                let summary = try summarize(argument)
                for line in summary.bad { print(line) }
                print(summary.lines, "lines,", summary.cents, "cents")
            } catch {
                print(error)
                exit(66)
            }
        } else if let megabytes = Int(argument ?? "20"), 1...100_000 ~= megabytes, CommandLine.arguments.count <= 2 {
            try await show(megabytes: megabytes)
        } else {
            print("usage: JSONLines [MEGABYTES | FILE]")
            exit(64)
        }
    }

    /// Does it with files of its own.
    private static func show(megabytes: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "json-lines-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (small, large) = (folder.appending(path: "small").path, folder.appending(path: "large").path)
        let noOrder = #"{"id": 17, "customer": "#
        let noPieces = #"{"id": 42, "customer": "Ann", "cents": 300, "pieces": 0, "tags": []}"#
        _ = try Order.writeFile(small, megabytes: 1, bad: [17: noOrder, 42: noPieces])
        let lines = try Order.writeFile(large, megabytes: megabytes)

        var expectations = Expectations()
        let found = try summarize(small)
        for line in found.bad { print("      ", line) }
        expectations.expect(
            found.bad.count == 2 && found.bad[0].hasPrefix("line 17: ") && found.bad[1].hasPrefix("line 42: "),
            "a line that is no JSON and one that crashes its worker cost one line each, of \(found.lines)")
        let before = peakMemory(of: RUSAGE_SELF)
        let summary = try summarize(large)
        let after = peakMemory(of: RUSAGE_SELF)
        expectations.expect(
            summary.lines == lines && summary.bad.isEmpty, "\(megabytes) MB: \(lines) lines, \(summary.cents) cents")
        expectations.expect(
            after - before <= 16,
            "memory: at most \(after) MiB, and \(before) MiB for 1 MB; a worker: \(peakMemory(of: RUSAGE_CHILDREN)) MiB"
        )

        let results = try await compare(
            "\(megabytes) MB", rounds: 3,
            [
                Way("sequential") { try inTurn(large) },
                Way("ForkPool") { try summarize(large) },
                Way("task group, batches of 200 lines") { try await inTasks(large) },
            ])
        expectations.expect(results.allSatisfy { $0 == summary }, "all of them find the same")
        try? FileManager.default.removeItem(at: folder)
        expectations.finish()
    }

    /// The most memory that this process, or a process that it has waited for, has had, in MiB.
    private static func peakMemory(of who: __rusage_who) -> Int {
        var usage = rusage()
        getrusage(Int32(who.rawValue), &usage)
        return usage.ru_maxrss >> 10
    }
}
