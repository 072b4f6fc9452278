// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The decision of a check")
struct GateTests {
    /// Makes runs with the given processor times, in microseconds.
    private func measured(_ name: String, _ times: [Double], memory: Int = 10, floor: Int = 5) -> MeasuredCommand {
        MeasuredCommand(
            name: name, label: name,
            runs: times.map {
                Execution(
                    wall: Int($0 * 2000), user: Int($0 * 1000), system: 0, peakMemory: memory, memoryFloor: floor,
                    instructions: nil)
            })
    }

    /// Makes times spread evenly over ± a fraction of a middle; another stride gives another order.
    private func times(_ count: Int, _ middle: Double, _ spread: Double = 0.01, stride step: Int = 1) -> [Double] {
        (0..<count).map { middle * (1 + spread * (2 * Double($0 * step % count) / Double(count - 1) - 1)) }
    }

    private func decision(canary: Bool = false, metric: Metric = .cpu, _ count: Int = 1) -> CheckDecision {
        let states = (0..<count).map { ComparisonState(head: 2 * $0 + 1, base: .command(2 * $0), metric) }
        return CheckDecision(states, PairedGate(limit: 1.05), withCanary: canary)
    }

    private func outcome(_ decision: CheckDecision, _ measured: [MeasuredCommand]) -> CheckReport {
        let results = Results(
            verb: "check", entries: measured, comparisons: decision.comparisons(measured),
            noise: Noise(others: 0, pressure: 0, processors: 2), seed: 1, warmup: 2, seconds: 1, metric: .cpu)
        return CheckReport(results: results, maxTime: 60)
    }

    @Test("after 10 pairs passes equal and faster heads, and finds slower ones")
    func clear() {
        for (factor, verdict, code) in [
            (1.0, PairedGate.Verdict.passed, Int32(0)), (1.1, .slower, 1), (0.5, .passed, 0),
            (1.0499, .inconclusive, 3),
        ] {
            var decision = decision()
            #expect(decision.next == 10)
            let measured = [measured("base", times(10, 100)), measured("head", times(10, 100 * factor, stride: 3))]
            decision.look(measured, isLast: verdict == .inconclusive)
            #expect(decision.next == nil)
            #expect(decision.comparisons(measured)[0].decision?.verdict == verdict)
            #expect(outcome(decision, measured).code == code)
        }
    }

    @Test("goes on to 20, 40 and 80 pairs while the interval contains the limit, then gives up")
    func unclear() {
        var decision = decision()
        for (count, next) in [(10, 20), (20, 40), (40, 80), (80, nil)] as [(Int, Int?)] {
            let measured = [measured("base", times(count, 100)), measured("head", times(count, 105, stride: 3))]
            decision.look(measured, isLast: false)
            #expect(decision.next == next)
            if next == nil { #expect(outcome(decision, measured).code == 3) }
        }
    }

    @Test("fails if one of several comparisons is slower, and stops measuring decided ones")
    func several() {
        var decision = decision(3)
        let first = [
            measured("base 1", times(10, 100)), measured("head 1", times(10, 100)), measured("base 2", times(10, 100)),
            measured("head 2", times(10, 130)), measured("base 3", times(10, 100)),
            measured("head 3", times(10, 105, 0.02, stride: 3)),
        ]
        #expect(decision.groups == [[0, 1], [2, 3], [4, 5]])
        decision.look(first, isLast: false)
        #expect(decision.groups == [[4, 5]])
        decision.look(first, isLast: true)
        #expect(decision.next == nil)
        #expect(decision.comparisons(first).map { $0.decision?.verdict } == [.passed, .slower, .inconclusive])
        #expect(outcome(decision, first).code == 1)
    }

    // By hand, after 10 pairs: one side of a look has the error 0.0125 / 2. All 10 above: 1/1024 = 0.00098; 9 of them: 11/1024 = 0.0107.
    // Three at once: 0.00098 ≤ 0.00625 / 3 = 0.00208. Seven at once: 0.00098 > 0.00625 / 7 = 0.00089, but ≤ 0.00625 / 6.
    @Test("several comparisons share the error by Holm's method")
    func holm() {
        let gate = PairedGate(limit: 1.05)
        let all = Array(repeating: 1.1, count: 10)
        let nine = Array(repeating: 1.1, count: 9) + [1.0]
        #expect(gate.judge([all, nine, nine], isLast: true) == [.slower, .inconclusive, .inconclusive])
        #expect(gate.judge(Array(repeating: all, count: 6), isLast: true) == Array(repeating: .slower, count: 6))
        #expect(
            gate.judge(Array(repeating: all, count: 7), isLast: false) == Array(repeating: .more(20), count: 7))
        // 20 above are 1/1048576: significant even among seven; then the other six share the error.
        let twenty = Array(repeating: 1.1, count: 20)
        #expect(
            gate.judge([twenty] + Array(repeating: all, count: 6), isLast: true) == Array(repeating: .slower, count: 7))
    }

    @Test("judges one comparison the same alone and as a list")
    func alone() {
        let gate = PairedGate(limit: 1.05)
        for count in [8, 10, 20, 40, 80] {
            for middle in [0.9, 1, 1.03, 1.045, 1.05, 1.055, 1.07, 1.2] {
                let ratios = times(count, middle, 0.02, stride: 3)
                #expect(gate.judge([ratios], isLast: false) == [gate.judge(ratios, isLast: false)])
            }
        }
    }

    @Test("finds a canary if the noise is small; if not, a passed check is inconclusive")
    func canary() {
        for (spread, found, code) in [(0.01, true, Int32(0)), (0.08, false, 3)] {
            var decision = decision(canary: true)
            // Head is faster than base; the canary is slower than base, not only slower than head.
            let measured = [measured("base", times(10, 100, 0)), measured("head", times(10, 80, spread))]
            decision.look(measured, isLast: true)
            let result = decision.comparisons(measured)[0].decision
            #expect(result?.verdict == .passed)
            #expect(result?.canary == found)
            #expect(outcome(decision, measured).code == code)
            #expect(
                outcome(decision, measured).text(Style(for: -1)).contains(
                    found ? "would be found" : "would not be found"))
        }
    }

    @Test("goes on after a pass until the canary is found")
    func canaryGoesOn() {
        var decision = decision(canary: true)
        let unsure = [measured("base", times(10, 100, 0)), measured("head", times(10, 80, 0.08))]
        decision.look(unsure, isLast: false)
        #expect(decision.next == 20)
        let sure = [measured("base", times(20, 100, 0)), measured("head", times(20, 80, 0.04))]
        decision.look(sure, isLast: false)
        #expect(decision.next == nil)
        #expect(decision.comparisons(sure)[0].decision?.canary == true)
    }

    @Test("peak memory below that of the launcher does not pass as equal")
    func hiddenMemory() {
        for (base, head, verdict) in [
            (5, 5, PairedGate.Verdict.inconclusive), (5, 50, .slower), (50, 5, .passed), (50, 50, .passed),
        ] {
            var decision = decision(metric: .rss)
            let measured = [
                measured("base", times(10, 100), memory: base), measured("head", times(10, 100), memory: head),
            ]
            decision.look(measured, isLast: true)
            #expect(decision.comparisons(measured)[0].decision?.verdict == verdict)
        }
    }

    @Test("a baseline has its own interval, and the canary works the same way")
    func baseline() {
        for (factor, verdict) in [(1.0, PairedGate.Verdict.passed), (1.2, .slower), (1.05, .inconclusive)] {
            let base = measured("baseline", times(20, 100))
            let state = ComparisonState(head: 0, base: .file(base))
            var decision = CheckDecision([state], PairedGate(limit: 1.05), withCanary: true)
            let measured = [measured("head", times(20, 100 * factor))]
            #expect(decision.groups == [[0]])
            decision.look(measured, isLast: true)
            let comparison = decision.comparisons(measured)[0]
            #expect(comparison.decision?.verdict == verdict)
            #expect(comparison.decision?.canary == true)
            #expect(!comparison.isPaired)
        }
    }
}
#endif
