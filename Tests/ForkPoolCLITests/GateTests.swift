import Testing

@testable import ForkPoolCLI

@Suite("The decision of a check")
struct GateTests {
    /// Runs that take so many microseconds of processor time each.
    private func measured(_ name: String, _ times: [Double], memory: Int = 10, floor: Int = 5) -> Measured {
        Measured(
            name: name, label: name,
            runs: times.map {
                Execution(
                    wall: Int($0 * 2000), user: Int($0 * 1000), system: 0, peakMemory: memory, memoryFloor: floor,
                    instructions: nil)
            })
    }

    /// Times around a middle, spread evenly over ± a part of it, in an order that pairs nothing with itself.
    private func times(_ count: Int, _ middle: Double, _ spread: Double = 0.01, stride step: Int = 1) -> [Double] {
        (0..<count).map { middle * (1 + spread * (2 * Double($0 * step % count) / Double(count - 1) - 1)) }
    }

    private func decision(canary: Bool = false, metric: Metric = .cpu, _ contests: Int = 1) -> CheckDecision {
        let contests = (0..<contests).map { Contest(head: 2 * $0 + 1, base: .command(2 * $0)) }
        return CheckDecision(contests, PairedGate(limit: 1.05), metric, withCanary: canary)
    }

    private func outcome(_ decision: CheckDecision, _ measured: [Measured]) -> CheckOutcome {
        let results = Results(
            verb: "check", entries: measured, comparisons: decision.comparisons(measured),
            noise: Noise(others: 0, pressure: 0, processors: 2), seed: 1, warmup: 2, seconds: 1, metric: .cpu)
        return CheckOutcome(results: results, maxTime: 60)
    }

    @Test("passes what is alike, finds what is slower, and does not mind what is faster, after 10 pairs")
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

    @Test("goes on to 20, 40 and 80 pairs while the limit is within the interval, and then gives up")
    func unclear() {
        var decision = decision()
        for (count, next) in [(10, 20), (20, 40), (40, 80), (80, nil)] as [(Int, Int?)] {
            let measured = [measured("base", times(count, 100)), measured("head", times(count, 105, stride: 3))]
            decision.look(measured, isLast: false)
            #expect(decision.next == next)
            if next == nil { #expect(outcome(decision, measured).code == 3) }
        }
    }

    @Test("of several comparisons the slower one decides, and those that are decided are measured no more")
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

    // By hand, after 10 pairs: one look has 0.0125 / 2 on its side. All 10 above: 1/1024 = 0.00098; 9 of them: 11/1024 = 0.0107.
    // Three at once: 0.00098 ≤ 0.00625 / 3 = 0.00208. Seven at once: 0.00098 > 0.00625 / 7 = 0.00089, but ≤ 0.00625 / 6.
    @Test("several comparisons share the error as Holm says")
    func holm() {
        let gate = PairedGate(limit: 1.05)
        let all = Array(repeating: 1.1, count: 10)
        let nine = Array(repeating: 1.1, count: 9) + [1.0]
        #expect(gate.judge([all, nine, nine], isLast: true) == [.slower, .inconclusive, .inconclusive])
        #expect(gate.judge(Array(repeating: all, count: 6), isLast: true) == Array(repeating: .slower, count: 6))
        #expect(
            gate.judge(Array(repeating: all, count: 7), isLast: false) == Array(repeating: .more(20), count: 7))
        // 20 above are 1/1048576: sure even of seven, and then the others have what is left.
        let twenty = Array(repeating: 1.1, count: 20)
        #expect(
            gate.judge([twenty] + Array(repeating: all, count: 6), isLast: true) == Array(repeating: .slower, count: 7))
    }

    @Test("of one comparison it says the same in both ways")
    func alone() {
        let gate = PairedGate(limit: 1.05)
        for count in [8, 10, 20, 40, 80] {
            for middle in [0.9, 1, 1.03, 1.045, 1.05, 1.055, 1.07, 1.2] {
                let ratios = times(count, middle, 0.02, stride: 3)
                #expect(gate.judge([ratios], isLast: false) == [gate.judge(ratios, isLast: false)])
            }
        }
    }

    @Test("a canary is found where the noise is small, and where it is not the check is inconclusive though it passed")
    func canary() {
        for (spread, found, code) in [(0.01, true, Int32(0)), (0.08, false, 3)] {
            var decision = decision(canary: true)
            // Faster than base: what is made slower is made so from base, not from there.
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

    @Test("what passed is measured on until its canary is found, too")
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

    @Test("peak memory that is less than the launcher's is not taken for equal")
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

    @Test("with a baseline both sides have their interval, and the canary is found the same way")
    func baseline() {
        for (factor, verdict) in [(1.0, PairedGate.Verdict.passed), (1.2, .slower), (1.05, .inconclusive)] {
            let base = measured("baseline", times(20, 100))
            let contest = Contest(head: 0, base: .file(base))
            var decision = CheckDecision([contest], PairedGate(limit: 1.05), .cpu, withCanary: true)
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
