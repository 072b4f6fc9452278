// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Glibc
import Testing

@testable import ForkPoolCLI

@Suite("forkpool check by instructions")
struct InstructionTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func work(_ count: Int) -> String { "awk 'BEGIN { for (i = 0; i < \(count); i++) x += i }'" }

    private func check(_ arguments: [String], path: String = "/usr/bin:/bin") throws -> CommandRun {
        try CommandRun(
            ["check", "--metric", "instructions"] + arguments, environment: ["TERM=xterm", "PATH=\(path)"],
            deadline: 300)
    }

    /// Whether callgrind counts here: the processor has no counter, and `scripts/setup --tools` installed valgrind.
    private var usesCallgrind: Bool {
        guard case .callgrind? = try? InstructionCounter.find() else { return false }
        return true
    }

    @Test("equal commands have the same count within 0.1 %, and one pair passes them")
    func equal() throws {
        guard usesCallgrind else { return }
        let run = try check(["--base", work(100_000), "--head", work(100_000), "--limit", "0.1%", "--json", "-"])
        #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
        let document = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let ours = try #require(document["forkpool"] as? [String: Any])
        #expect(ours["instructions_by"] as? String == "callgrind")
        let comparison = try #require((ours["comparisons"] as? [[String: Any]])?.first)
        let ratio = try #require(comparison["ratio"] as? Double)
        #expect(abs(ratio - 1) <= 0.001 && comparison["runs"] as? Int == 1)
        // The times are those of callgrind, so the document has none.
        let results = try #require(document["results"] as? [[String: Any]])
        #expect(results[0]["mean"] is NSNull && (results[0]["instructions"] as? Double ?? 0) > 1_000_000)
    }

    @Test("a change of 1 % is found, confirmed by a second pair, and the report says that instructions are not time")
    func onePercent() throws {
        guard usesCallgrind else { return }
        let run = try check(["--base", work(100_000), "--head", work(101_000), "--limit", "0.5%"])
        #expect(run.code == 1 && run.errors.isEmpty, "\(run.output)")
        #expect(run.output.contains("\nSLOWER: head is 1.0"))
        #expect(run.output.hasSuffix(" × base by instructions, above the limit of 1.005\n"))
        #expect(run.output.contains("   2 runs\n"))
        #expect(
            run.output.contains(
                "\nInstructions are counted by callgrind, in the command and its children, outside of the kernel. They are "
                    + "not time: a miss of a cache and a wait cost none.\n"))
        #expect(!run.output.contains("   wall ") && !run.output.contains("resolves"))
        // The other way round it is faster.
        #expect(try check(["--base", work(101_000), "--head", work(100_000), "--limit", "0.5%", "--canary"]).code == 0)
    }

    @Test("children count too")
    func children() throws {
        guard usesCallgrind else { return }
        let base = "sh -c \"\(work(20_000)); \(work(20_000))\""
        let head = "sh -c \"\(work(20_000)); \(work(60_000))\""
        let run = try check(["--base", base, "--head", head, "--csv", "-"])
        #expect(run.code == 1)
        let counts = run.output.split(separator: "\n").dropFirst().compactMap {
            $0.split(separator: ",").last.flatMap { Double($0) }
        }
        #expect(counts.count == 2 && counts[1] > 1.5 * counts[0], "\(run.output)")
    }

    @Test("its own document is a baseline, and no baseline for times")
    func baseline() throws {
        guard usesCallgrind else { return }
        let file = scratch.path + "/main.json"
        #expect(try check(["--base", work(20_000), "--head", work(20_000), "--json", file]).code == 0)
        #expect(try check(["--baseline", file, work(20_000), "--limit", "0.1%"]).code == 0)
        #expect(
            try check(["--baseline", file, work(40_000)]).code == 5, "two commands in the file, and neither is this one"
        )
        let times = try CommandRun(["check", "--baseline", file, work(20_000)])
        #expect(times.code == 5)
        #expect(times.errors == "forkpool: \(file): no baseline for CPU time: its runs were under callgrind\n")
    }

    @Test("a command that fails, a hash that is random, and output to a pipe are as without it")
    func surroundings() throws {
        guard usesCallgrind else { return }
        let failed = try check(["--base", "true", "--head", "sh -c 'echo why >&2; exit 3'"])
        #expect(failed.code == 4)
        #expect(
            failed.errors == "forkpool: run 1 of head (sh -c 'echo why >&2; exit 3') exited with 3\n  stderr: why\n")
        let large = "head -c 300000 /dev/zero"
        #expect(try check(["--base", large, "--head", large, "--output", "pipe"]).code == 0)
        let python = "/usr/bin/python3"
        guard unsafe access(python, X_OK) == 0 else { return }
        let line = "\(python) -I -c 'print(len({str(i): i for i in range(999)}))'"
        #expect(try check(["--base", line, "--head", line, "--limit", "0.5%"]).code == 0)
    }

    @Test("where nothing counts it says in one line what to install")
    func missing() throws {
        let run = try check(["--base", "/bin/true", "--head", "/bin/true"], path: "/nosuch")
        // A machine with a counter compares instructions.
        guard run.code == 70 else {
            #expect(run.code == 0 && run.output.contains("counted by the processor"))
            return
        }
        #expect(run.output.isEmpty && run.errors.split(separator: "\n").count == 1)
        #expect(run.errors.hasPrefix("forkpool: instructions cannot be counted: "))
        #expect(run.errors.contains("; install it (Debian's package valgrind), or use --metric cpu\n"))
    }

    @Test("the counts of all processes in a log are added")
    func log() {
        let log = """
            ==7== Command: /bin/sh -c true
            ==8== Events    : Ir
            ==8== Collected : 130757
            ==7== I   refs:      233,609
            ==7== Collected : 233609

            """
        #expect(CallgrindLog.count(in: log) == 364_366)
        #expect(CallgrindLog.count(in: "==7== Collected : x\n") == nil && CallgrindLog.count(in: "") == nil)
    }

    // MARK: - The decision

    private func command(_ counts: [Double]) -> MeasuredCommand {
        MeasuredCommand(
            name: "x", label: "x",
            runs: counts.map {
                Execution(wall: 1, user: 1, system: 0, peakMemory: 1, memoryFloor: 0, instructions: Int($0))
            })
    }

    @Test("counts that differ from run to run are judged as times are")
    func unsteady() {
        var decision = CheckDecision(
            [ComparisonState(head: 1, base: .command(0), .instructions)], PairedGate(limit: 1.05), withCanary: false,
            isExact: true)
        #expect(decision.next == 1)
        decision.look([command([1000]), command([1100])], isLast: false)
        #expect(decision.next == 2)
        decision.look([command([1000, 1040]), command([1100, 1120])], isLast: false)
        #expect(decision.next == 10)
        // Without time for a second pair the first one decides.
        var last = CheckDecision(
            [ComparisonState(head: 1, base: .command(0), .instructions)], PairedGate(limit: 1.05), withCanary: true,
            isExact: true)
        let measured = [command([1000]), command([1100])]
        last.look(measured, isLast: true)
        #expect(last.comparisons(measured)[0].decision?.verdict == .slower)
        #expect(last.comparisons(measured)[0].decision?.canary == true)
    }
}
#endif
