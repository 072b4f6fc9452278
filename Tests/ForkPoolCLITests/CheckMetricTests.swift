// SPDX-License-Identifier: Apache-2.0
#if Command
import Foundation
import Testing

@testable import ForkPoolCLI

@Suite("The metrics of forkpool check")
struct CheckMetricTests {
    /// Makes a command with the wall times and CPU times of its runs, in milliseconds.
    private func command(_ name: String, wall: [Double], cpu: [Double], memory: Int = 10_000_000) -> MeasuredCommand {
        MeasuredCommand(
            name: name, label: name,
            runs: zip(wall, cpu).map { wall, cpu in
                Execution(
                    wall: Int(wall * 1e6), user: Int(cpu * 1e6), system: 0, peakMemory: memory, memoryFloor: 5,
                    instructions: nil)
            })
    }

    private func times(_ middle: Double, _ count: Int = 10) -> [Double] {
        (0..<count).map { middle * (1 + 0.001 * Double($0 % 3)) }
    }

    /// Looks once, and returns the verdicts.
    private func look(
        _ measured: [MeasuredCommand], isQuiet: Bool, isAutomatic: Bool = true, _ metric: Metric = .cpu
    ) -> [Comparison] {
        var decision = CheckDecision(
            [ComparisonState(head: 1, base: .command(0), metric)], PairedGate(limit: 1.05), withCanary: false,
            judgesWaiting: isAutomatic)
        decision.look(measured, isQuiet: isQuiet, isLast: false)
        return decision.comparisons(measured)
    }

    @Test("auto judges a command that mostly waits by wall time too, on a quiet machine")
    func waiting() {
        let measured = [
            command("base", wall: times(20), cpu: times(1)), command("head", wall: times(200), cpu: times(1)),
        ]
        let both = look(measured, isQuiet: true)
        #expect(both.map(\.metric) == [.cpu, .wall])
        #expect(both.map { $0.decision?.verdict } == [.passed, .slower])
        #expect(both.flatMap { $0.contradictions }.isEmpty)
        // A command that computes is judged by CPU time alone.
        let computing = [
            command("base", wall: times(20), cpu: times(19)), command("head", wall: times(38), cpu: times(19)),
        ]
        #expect(look(computing, isQuiet: true).map(\.metric) == [.cpu])
        // As is a start of less than a millisecond.
        let short = [
            command("base", wall: times(0.9), cpu: times(0.3)), command("head", wall: times(0.9), cpu: times(0.3)),
        ]
        #expect(look(short, isQuiet: true).map(\.metric) == [.cpu])
    }

    @Test("on a busy machine, or if another metric was asked for, a contradiction is said")
    func contradiction() {
        let measured = [
            command("base", wall: times(20), cpu: times(1)), command("head", wall: times(200), cpu: times(1)),
        ]
        for comparisons in [look(measured, isQuiet: false), look(measured, isQuiet: true, isAutomatic: false)] {
            #expect(comparisons.map { $0.decision?.verdict } == [.passed])
            #expect(comparisons[0].contradictions.count == 1)
            #expect(
                comparisons[0].contradictions[0].hasPrefix("but by wall time head is 10.0")
                    && comparisons[0].contradictions[0].hasSuffix(" × base, above the limit of 1.050"))
        }
        // The other way round: slower by CPU time, and faster by wall time.
        let parallel = [
            command("base", wall: times(40), cpu: times(40)), command("head", wall: times(20), cpu: times(50)),
        ]
        let slower = look(parallel, isQuiet: true)[0]
        #expect(slower.decision?.verdict == .slower)
        #expect(slower.contradictions.count == 1 && slower.contradictions[0].contains(", within the limit of 1.050"))
        // More memory contradicts "passed", and less does not contradict "slower".
        let large = [
            command("base", wall: times(20), cpu: times(20)),
            command("head", wall: times(20), cpu: times(20), memory: 30_000_000),
        ]
        #expect(look(large, isQuiet: true)[0].contradictions.count == 1)
        #expect(look([large[1], large[0]], isQuiet: true)[0].contradictions.isEmpty)
    }

    @Test("wall time is dropped where the machine becomes busy before it decides")
    func becomesBusy() {
        let near = (0..<10).map { 100 + Double($0 % 5) * 3 }
        let measured = [
            command("base", wall: times(100), cpu: times(1)), command("head", wall: near, cpu: times(1)),
        ]
        var decision = CheckDecision(
            [ComparisonState(head: 1, base: .command(0))], PairedGate(limit: 1.05), withCanary: false,
            judgesWaiting: true)
        decision.look(measured, isQuiet: true, isLast: false)
        #expect(decision.next == 20 && decision.groups == [[0, 1]])
        decision.look(measured, isQuiet: false, isLast: false)
        #expect(decision.next == nil && decision.comparisons(measured).map { $0.decision?.verdict } == [.passed])
    }

    @Test("a head that waits nine times as long does not pass silently")
    func sleeping() throws {
        let folder = try ScratchFolder()
        let files = ["json", "md"].flatMap { ["--\($0)", "\(folder.path)/\($0)"] }
        // A longer sleep takes a little more CPU time, too.
        let pair = ["--limit", "100%", "--base", "sleep 0.02", "--head", "sleep 0.20"]
        let automatic = try CommandRun(["check"] + pair + files)
        let texts = try ["json", "md"].map { try String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8) }
        if automatic.code == 1 {
            #expect(automatic.output.contains("\nSLOWER: head is "))
            #expect(automatic.output.hasSuffix(" × base by wall time, above the limit of 2.000\n"))
            #expect(texts[0].contains("\"verdict\": \"slower\"") && texts[1].contains("| **slower** |"))
        } else {
            // The machine was too busy to judge by wall time.
            #expect(automatic.output.contains("\nbut by wall time head is "))
        }
        let cpu = try CommandRun(["check", "--metric", "cpu"] + pair + files)
        #expect(cpu.output.contains("\nbut by wall time head is "), "\(cpu.output)")
        let json = try String(contentsOfFile: folder.path + "/json", encoding: .utf8)
        #expect(json.contains("\"contradicts\": true"))
        #expect(
            try String(contentsOfFile: folder.path + "/md", encoding: .utf8).contains("\nbut by wall time head is "))
    }

    @Test("a budget knows what fits, by the fastest round")
    func budget() {
        var budget = TimeBudget(seconds: 10)
        budget.add(1, at: 3)
        #expect(budget.hasRoom(for: 2) && !budget.hasRoom(for: 10) && budget.possible == 2)
        budget.add(1, at: 3.5)
        #expect(budget.hasRoom(for: 10) && budget.seconds(for: 10) == 8.5)
        budget.add(10, at: 9.5)
        #expect(budget.possible == 0)
    }
}
#endif
