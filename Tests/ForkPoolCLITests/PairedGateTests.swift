// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The gate that compares pairs of runs")
struct PairedGateTests {
    private let gate = PairedGate(limit: 1.05)

    private func ratios(_ count: Int, around middle: Double, by width: Double = 0.01) -> [Double] {
        (0..<count).map { middle + width * (Double($0) / Double(count - 1) - 0.5) }
    }

    @Test("divides its error among the looks and the comparisons")
    func error() {
        #expect(gate.errorPerLook == 0.0125)
        #expect(PairedGate(limit: 1.05, comparisons: 5).errorPerLook == 0.0025)
    }

    @Test("passes equal commands and finds slower ones at the first look")
    func clear() {
        #expect(gate.judge(ratios(10, around: 1), isLast: false) == .passed)
        #expect(gate.judge(ratios(10, around: 1.1), isLast: false) == .slower)
        #expect(gate.judge(ratios(10, around: 0.5), isLast: false) == .passed)
    }

    @Test("asks for more pairs while the interval contains the limit, and is inconclusive without more")
    func unclear() {
        for (count, next) in [(10, 20), (20, 40), (40, 80)] {
            #expect(gate.judge(ratios(count, around: 1.05), isLast: false) == .more(next))
        }
        #expect(gate.judge(ratios(80, around: 1.05), isLast: false) == .inconclusive)
        #expect(gate.judge(ratios(20, around: 1.05), isLast: true) == .inconclusive)
        #expect(gate.judge([1, 1, 1], isLast: false) == .more(10))
        #expect(gate.judge([], isLast: true) == .inconclusive)
    }

    @Test("passes a ratio exactly at the limit")
    func atLimit() {
        #expect(gate.judge(Array(repeating: 1.05, count: 10), isLast: false) == .passed)
    }

    @Test("is not misled by a disturbed run")
    func outlier() {
        var disturbed = ratios(20, around: 1)
        disturbed[3] = 50
        disturbed[4] = 0.01
        #expect(gate.judge(disturbed, isLast: false) == .passed)
        #expect(abs(Ratio(pairs: disturbed, error: 0.05).estimate - 1) < 0.01)
    }

    @Test("at 3 % noise finds a difference of 10 % in nearly every trial, and none in equal commands")
    func trials() {
        // A fixed pseudo-random sequence, so that the counts are always the same.
        var state: UInt64 = 20_261_124
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        func run(_ ratio: Double) -> PairedGate.Verdict {
            var seen: [Double] = []
            for look in PairedGate.looks {
                while seen.count < look {
                    let noise = (0..<12).reduce(0.0) { sum, _ in sum + uniform() } - 6
                    seen.append(ratio * (1 + 0.03 * noise))
                }
                let verdict = gate.judge(seen, isLast: look == PairedGate.looks.last)
                if case .more = verdict { continue }
                return verdict
            }
            return .inconclusive
        }
        let alike = (0..<500).map { _ in run(1) }
        #expect(alike.count { $0 == .slower } == 0)
        #expect(alike.count { $0 == .passed } == 500)
        let slower = (0..<500).map { _ in run(1.1) }
        #expect(slower.count { $0 == .slower } >= 495)
    }
}
#endif
