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

    private static let quiet = Noise(others: 0, pressure: 0, processors: 2, runnable: 0)
    private static let busy = Noise(others: 2, pressure: 1, processors: 2, runnable: 2)

    /// Looks once, and returns the verdicts.
    private func look(
        _ measured: [MeasuredCommand], _ noise: Noise = quiet, isAutomatic: Bool = true, isLast: Bool = false,
        _ base: ComparisonState.Base = .command(0)
    ) -> [Comparison] {
        let head = measured.count - 1
        var decision = CheckDecision(
            [ComparisonState(head: head, base: base)], PairedGate(limit: 1.05), withCanary: false,
            judgesWaiting: isAutomatic)
        decision.look(measured, noise, isLast: isLast)
        return decision.comparisons(measured)
    }

    @Test("auto judges a command that mostly waits by wall time too, however busy the machine is")
    func waiting() {
        let measured = [
            command("base", wall: times(20), cpu: times(1)), command("head", wall: times(194), cpu: times(1)),
        ]
        for noise in [Self.quiet, Self.busy, Noise(others: nil, pressure: nil, processors: 2)] {
            let both = look(measured, noise)
            #expect(both.map(\.metric) == [.cpu, .wall])
            #expect(both.map { $0.decision?.verdict } == [.passed, .slower])
            #expect(both.flatMap(\.remarks).isEmpty)
        }
        // A command that computes is judged by CPU time alone.
        let computing = [
            command("base", wall: times(20), cpu: times(19)), command("head", wall: times(38), cpu: times(19)),
        ]
        #expect(look(computing).map(\.metric) == [.cpu])
        // As is a start of less than a millisecond.
        let short = [
            command("base", wall: times(0.9), cpu: times(0.3)), command("head", wall: times(0.9), cpu: times(0.3)),
        ]
        #expect(look(short).map(\.metric) == [.cpu])
    }

    @Test("auto judges work that is no longer parallel by wall time too")
    func parallel() {
        let measured = [
            command("base", wall: times(10), cpu: times(80)), command("head", wall: times(97), cpu: times(80)),
        ]
        for noise in [Self.quiet, Self.busy] {
            #expect(look(measured, noise).map { $0.decision?.verdict } == [.passed, .slower])
        }
    }

    @Test("what other processes may explain of a wall time decides nothing, and a contradiction is said")
    func contradiction() {
        let waiting = [
            command("base", wall: times(20), cpu: times(1)), command("head", wall: times(200), cpu: times(1)),
        ]
        // Beside two other threads on two processors a command takes twice as long.
        let computing = [
            command("base", wall: times(20), cpu: times(12)), command("head", wall: times(40), cpu: times(12)),
        ]
        #expect(look(computing, Self.quiet).map(\.metric) == [.cpu, .wall])
        for (comparisons, ratio) in [(look(waiting, isAutomatic: false), "10.0"), (look(computing, Self.busy), "2.0")] {
            #expect(comparisons.map { $0.decision?.verdict } == [.passed])
            #expect(comparisons[0].remarks.count == 1)
            #expect(
                comparisons[0].remarks[0].hasPrefix("but by wall time head is \(ratio)")
                    && comparisons[0].remarks[0].hasSuffix(" × base, above the limit of 1.050"))
        }
        // The other way round: slower by CPU time, and faster by wall time.
        let parallel = [
            command("base", wall: times(40), cpu: times(40)), command("head", wall: times(20), cpu: times(50)),
        ]
        let slower = look(parallel)[0]
        #expect(slower.decision?.verdict == .slower)
        #expect(slower.remarks.count == 1 && slower.remarks[0].contains(", within the limit of 1.050"))
        // More memory contradicts "passed", and less does not contradict "slower".
        let large = [
            command("base", wall: times(20), cpu: times(20)),
            command("head", wall: times(20), cpu: times(20), memory: 30_000_000),
        ]
        #expect(look(large)[0].remarks.count == 1)
        #expect(look([large[1], large[0]])[0].remarks.isEmpty)
    }

    @Test("of two metrics one that cannot tell changes no verdict, and is said")
    func undecided() {
        let near = (0..<10).map { 100 + Double($0 % 5) * 2 }
        let wall = [command("base", wall: times(100), cpu: times(1)), command("head", wall: near, cpu: times(1))]
        let unsteady = (0..<10).map { 1 + Double($0 % 5) * 0.03 }
        let cpu = [
            command("base", wall: times(100), cpu: times(20)),
            command("head", wall: times(100), cpu: (0..<10).map { $0 < 6 ? 20 : 28 }),
        ]
        for (measured, metric, other) in [(wall, Metric.cpu, "wall"), (cpu, .wall, "cpu")] {
            var decision = CheckDecision(
                [ComparisonState(head: 1, base: .command(0))], PairedGate(limit: 1.05), withCanary: false,
                judgesWaiting: true)
            decision.look(measured, Self.quiet, isLast: false)
            // More pairs may tell.
            #expect(decision.next == 20 && decision.groups == [[0, 1]])
            for noise in [Self.quiet, Self.busy] {
                var decision = decision
                decision.look(measured, noise, isLast: true)
                let comparisons = decision.comparisons(measured)
                #expect(comparisons.map(\.metric) == [metric])
                #expect(comparisons[0].decision?.verdict == .passed && comparisons[0].remarks.count == 1)
                let remark = comparisons[0].remarks.first ?? ""
                #expect(remark.contains(" time does not tell: by it head is "), "\(comparisons[0].remarks)")
                #expect(remark.hasSuffix("; --metric \(other) judges by it alone"))
            }
        }
        // A hundredth of the wall time, of which head may take 12 % more.
        let neither = [command("base", wall: times(100), cpu: times(1)), command("head", wall: near, cpu: unsteady)]
        let last = look(neither, isLast: true)
        #expect(last.map(\.metric) == [.cpu] && last[0].decision?.verdict == .passed)
        #expect(
            last[0].remarks.first
                == "CPU time cannot be told exactly of a command that mostly waits: what head may take more is at most "
                + "0.12 % of the wall time", "\(last[0].remarks)")
        #expect(last[0].remarks.count == 2)
        // A third of the wall time is more than the limit allows.
        let large = [
            command("base", wall: times(100), cpu: times(33)),
            command("head", wall: near.map { $0 * 1.01 }, cpu: (0..<10).map { 33 * (1 + Double($0 % 5) * 0.08) }),
        ]
        #expect(look(large, isLast: true).map { $0.decision?.verdict } == [.inconclusive])
        // As it is if CPU time alone was asked for.
        #expect(look(neither, isAutomatic: false, isLast: true)[0].decision?.verdict == .inconclusive)
    }

    @Test("a head that looks slower by the metric that cannot tell does not pass by the other one")
    func looksSlower() {
        let slower = (0..<10).map { $0 < 3 ? 100.0 : 140 }
        let measured = [command("base", wall: times(100), cpu: times(1)), command("head", wall: slower, cpu: times(1))]
        for noise in [Self.quiet, Self.busy] {
            let comparisons = look(measured, noise, isLast: true)
            #expect(comparisons.map(\.metric) == [.cpu, .wall])
            #expect(comparisons.map { $0.decision?.verdict } == [.passed, .inconclusive])
        }
        // Where it is slower by one, that is enough.
        let cpu = [
            command("base", wall: times(100), cpu: times(20)),
            command("head", wall: slower, cpu: times(30)),
        ]
        #expect(look(cpu, isLast: true).map { $0.decision?.verdict } == [.slower])
    }

    @Test("a verdict keeps the ratio of its own look, when later looks are for another metric")
    func decidedRatio() {
        let first = [
            command("base", wall: times(100), cpu: times(1)), command("head", wall: times(100), cpu: times(1)),
        ]
        let near = (0..<20).map { 100 + Double($0 % 5) * 3 }
        let later = [
            command("base", wall: times(100, 20), cpu: times(1, 20)), command("head", wall: near, cpu: times(1, 20)),
        ]
        var decision = CheckDecision(
            [ComparisonState(head: 1, base: .command(0))], PairedGate(limit: 1.05), withCanary: false,
            judgesWaiting: true)
        decision.look(first, Self.quiet, isLast: false)
        let ratios = decision.comparisons(later).map(\.ratio)
        #expect(ratios.count == 2 && ratios.allSatisfy { ($0.interval?.upperBound ?? 2) <= 1.05 })
    }

    @Test("the wall time of a baseline, which ran under another load, decides on a quiet machine or if far above")
    func baseline() {
        let base = command("baseline", wall: times(20, 20), cpu: times(1, 20))
        func verdicts(_ wall: Double, _ noise: Noise) -> [PairedGate.Verdict?] {
            let head = command("head", wall: times(wall, 20), cpu: times(1, 20))
            return look([head], noise, .file(base)).map { $0.decision?.verdict }
        }
        #expect(verdicts(30, Self.quiet) == [.passed, .slower])
        #expect(verdicts(30, Self.busy) == [.passed])
        #expect(verdicts(190, Self.busy) == [.passed, .slower])
    }

    @Test("a head that waits nine times as long is slower, whatever else runs")
    func sleeping() throws {
        let folder = try ScratchFolder()
        let names = ["json", "csv", "md", "junit", "comment"]
        let files = names.flatMap { ["--\($0)", "\(folder.path)/\($0)"] }
        func texts() throws -> [String: String] {
            Dictionary(
                uniqueKeysWithValues: try names.map {
                    ($0, try String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8))
                })
        }
        // A longer sleep takes a little more CPU time, too.
        let pair = ["--limit", "100%", "--base", "sleep 0.02", "--head", "sleep 0.20"]
        let automatic = try CommandRun(["check"] + pair + files)
        #expect(automatic.code == 1 && automatic.output.contains("\nSLOWER: head is "), "\(automatic.output)")
        #expect(automatic.output.contains(" × base by wall time, above the limit of 2.000\n"))
        let slower = try texts()
        #expect(slower["json"]?.contains("\"verdict\": \"slower\"") == true)
        #expect(slower["csv"]?.hasSuffix(",2.0,slower\n") == true)
        #expect(slower["md"]?.contains("| **slower** |") == true)
        #expect(slower["junit"]?.contains("name=\"head by wall time\"") == true)
        #expect(slower["comment"]?.contains("\n### ❌ forkpool: 1 of 1 benchmark slower\n") == true)
        // If CPU time alone was asked for, every report says what wall time says.
        let cpu = try CommandRun(["check", "--metric", "cpu", "--limit", "900%"] + pair.dropFirst(2) + files)
        #expect(cpu.code == 0 && !cpu.output.contains("\nbut by "), "9.5 is within ten times: \(cpu.output)")
        // Two runs of base that the machine delays make the interval of wall time wide: then the check says nothing of it.
        var contrary = cpu
        for _ in 0..<10 where !contrary.output.contains("\nbut by ") {
            contrary = try CommandRun(["check", "--metric", "cpu"] + pair + files)
        }
        #expect(contrary.output.contains("\nbut by wall time head is "), "\(contrary.output)")
        let said = try texts()
        #expect(said["json"]?.contains("\"contradicts\": true") == true)
        for name in ["json", "md", "junit", "comment"] {
            #expect(said[name]?.contains("but by wall time head is ") == true, "\(name)")
        }
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
