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

    @Test("equal commands have the same count within 0.1 %, and two pairs pass them")
    func equal() throws {
        guard usesCallgrind else { return }
        let run = try check(["--base", work(100_000), "--head", work(100_000), "--limit", "0.1%", "--json", "-"])
        #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
        let document = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let ours = try #require(document["forkpool"] as? [String: Any])
        #expect(ours["instructions_by"] as? String == "callgrind")
        let comparison = try #require((ours["comparisons"] as? [[String: Any]])?.first)
        let ratio = try #require(comparison["ratio"] as? Double)
        #expect(abs(ratio - 1) <= 0.001 && comparison["runs"] as? Int == 2)
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

    @Test("a base whose count changes from run to run is not passed by the first pairs")
    func growing() throws {
        guard usesCallgrind else { return }
        let script = scratch.path + "/grow"
        try """
        echo >>\(scratch.path)/runs
        awk 'END { for (i = 0; i < NR * 2000; i++) x += i }' \(scratch.path)/runs
        """.write(toFile: script, atomically: true, encoding: .utf8)
        let run = try check([
            "--base", "sh \(script)", "--head", "true", "--limit", "0.5%", "--max-time", "250s", "--json", "-",
        ])
        #expect(run.code == 0 && run.errors.isEmpty, "\(run.errors)")
        let document = try #require(JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let ours = try #require(document["forkpool"] as? [String: Any])
        let comparison = try #require((ours["comparisons"] as? [[String: Any]])?.first)
        #expect(comparison["runs"] as? Int == 10)
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
        // Not with -I, which would ignore the variable that fixes the hash.
        let line = "\(python) -S -c 'print(len({str(i): i for i in range(999)}))'"
        #expect(try check(["--base", line, "--head", line, "--limit", "0.1%"]).code == 0)
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

    private typealias Pairs = (base: [Double], head: [Double])

    /// Judges counts look after look; the last of them is the last look if there is no time for more.
    private func decide(
        _ looks: [Pairs], isLast: Bool = false, canary: Bool = false, fromFile: Bool = false
    ) -> (next: Int?, decision: Comparison.Decision?) {
        let base = command(looks.last?.base ?? [])
        var decision = CheckDecision(
            [ComparisonState(head: 1, base: fromFile ? .file(base) : .command(0), .instructions)],
            PairedGate(limit: 1.05), withCanary: canary, isExact: true)
        #expect(decision.next == 1)
        var measured: [MeasuredCommand] = []
        for (number, pairs) in looks.enumerated() {
            measured = [command(pairs.base), command(pairs.head)]
            decision.look(measured, isLast: isLast && number == looks.count - 1)
        }
        return (decision.next, decision.comparisons(measured)[0].decision)
    }

    @Test("a verdict needs a second pair, in which the counts are the same", arguments: [9960.0, 10_000, 11_000])
    func second(_ head: Double) {
        let first: Pairs = ([10_000], [head])
        let second: Pairs = ([10_000, 10_009], [head, head + 9])
        #expect(decide([first]).next == 2)
        let decided = decide([first, second])
        #expect(decided.next == nil && decided.decision?.verdict == (head > 10_500 ? .slower : .passed))
    }

    @Test("counts that differ from run to run are judged as times are", arguments: [false, true])
    func unsteady(fromFile: Bool) {
        for pairs: Pairs in [
            ([1000, 1040], [1100, 1120]), ([1000, 1010], [996, 1003]), ([1000, 1010], [990, 990]),
            ([1000, 1000], [990, 1000]),
        ] {
            let looks: [Pairs] = [([pairs.base[0]], [pairs.head[0]]), pairs]
            #expect(decide(looks, fromFile: fromFile).next == 10, "\(pairs)")
            let last = decide(looks, isLast: true, fromFile: fromFile)
            #expect(last.next == nil && last.decision?.verdict == .inconclusive, "\(pairs)")
        }
    }

    @Test("without time for a second pair, a slower head is slower, and one passes only with the count of base")
    func onePair() {
        let slower = decide([([1000], [1100])], isLast: true, canary: true).decision
        #expect(slower?.verdict == .slower && slower?.canary == true)
        #expect(decide([([10_000], [10_009])], isLast: true).decision?.verdict == .passed)
        #expect(decide([([10_000], [10_020])], isLast: true).decision?.verdict == .inconclusive)
        #expect(decide([([1000], [996])], isLast: true).decision?.verdict == .inconclusive)
    }
}
#endif
