// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("Summaries and ratios of runs")
struct SummaryTests {
    private static let values = [
        1.031, 0.987, 1.012, 1.094, 0.951, 1.044, 1.002, 1.067, 0.973, 1.025, 1.058, 0.999, 1.083, 1.017, 0.962, 1.039,
        1.008, 1.071, 0.994, 1.021,
    ]

    // numpy: median, mean, std(ddof=1); scipy 1.17.1: quantile_test(x, p=0.5, q=1).confidence_interval(0.95)
    @Test("a summary agrees with numpy, and its interval with scipy")
    func summary() throws {
        let summary = Summary(Self.values)
        #expect(abs(summary.median - 1.019) < 1e-12)
        #expect(abs(summary.mean - 1.0219) < 1e-12)
        #expect(abs(try #require(summary.deviation) - 0.0395978468314151) < 1e-12)
        #expect(summary.interval == 0.999...1.044)
        #expect(summary.minimum == 0.951 && summary.maximum == 1.094)
    }

    @Test("few values have no interval, and one has no deviation")
    func few() {
        #expect(Summary([2]).deviation == nil && Summary([2]).interval == nil && Summary([2]).median == 2)
        #expect(Summary([1, 2, 3, 4, 5]).interval == nil)
        #expect(Summary([1, 2, 3, 4, 5, 6]).interval == 1...6)
    }

    // scipy: exp(median(log(x))), and confidence_interval(0.9875) and (0.99)
    @Test("the ratio of pairs is the median of their logarithms, and its interval is that of scipy")
    func pairs() {
        #expect(abs(Ratio(pairs: Self.values, error: 0.05).estimate - 1.018998037289572) < 1e-12)
        #expect(Ratio(pairs: Self.values, error: 0.05).interval == 0.999...1.044)
        #expect(Ratio(pairs: Self.values, error: 0.0125).interval == 0.994...1.058)
        #expect(Ratio(pairs: Self.values, error: 0.01).interval == 0.987...1.067)
        #expect(Ratio(pairs: [1, 1, 1], error: 0.05).interval == nil)
    }

    // scipy: quantile_test(v, p=0.5, q=1).confidence_interval(0.975) is 9.9…10.9 of the first and 8.9…9.8 of the second.
    @Test("the ratio of independent runs combines both intervals, each with half of the error")
    func apart() throws {
        let ratio = Ratio(
            of: [10.2, 10.9, 9.8, 10.4, 11.3, 10.1, 10.6, 9.9, 10.8, 10.3, 10.5, 10.0],
            to: [9.1, 9.6, 8.9, 9.4, 10.2, 9.0, 9.5, 9.3, 9.8, 9.2, 9.7, 8.8], error: 0.05)
        let interval = try #require(ratio.interval)
        #expect(abs(ratio.estimate - 10.35 / 9.35) < 1e-12)
        #expect(abs(interval.lowerBound - 9.9 / 9.8) < 1e-12)
        #expect(abs(interval.upperBound - 10.9 / 8.9) < 1e-12)
        #expect(Ratio(of: [1, 2, 3], to: [1, 2, 3], error: 0.05).interval == nil)
    }

    @Test("the resolution is half the width of the interval, as a fraction of the ratio")
    func resolution() throws {
        // By hand: the square root of 1.21 / 1 is 1.1.
        let ratio = Ratio(pairs: [1, 1.05, 1.05, 1.1, 1.15, 1.21], error: 0.05)
        #expect(abs(try #require(ratio.resolution) - 0.1) < 1e-12)
        #expect(ratio.text == "1.075 [1.000, 1.210]")
        #expect(Ratio(pairs: [1], error: 0.05).text == "1.000 [too few runs to tell]")
    }

    @Test("a difference that no run can show is no percentage")
    func unresolved() {
        #expect(
            Results.resolution(0.034, of: .cpu, "80 pairs")
                == "This machine resolves ±3.4 % of CPU time with 80 pairs.\n")
        #expect(Results.resolution(1, of: .wall, "10 runs").contains("±100.0 %"))
        #expect(
            Results.resolution(1880.165, of: .wall, "320 pairs")
                == "This machine cannot compare wall time here, even with 320 pairs; a longer run of the commands would "
                + "help.\n")
    }
}
#endif
