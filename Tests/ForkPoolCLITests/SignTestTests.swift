// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The sign test")
struct SignTestTests {
    // scipy 1.17.1: scipy.stats.binom.cdf(k, n, 0.5)
    @Test(
        "the binomial probabilities are those of scipy",
        arguments: [
            (0, 1, 0.5), (0, 10, 0.0009765625), (1, 10, 0.0107421875), (4, 20, 0.005908966064453125),
            (12, 40, 0.008294501687487355), (50, 101, 0.5000000000000002), (470, 1000, 0.031011597549181716),
            (999, 1000, 1.0), (1000, 1000, 1.0), (-1, 5, 0.0),
        ])
    func cumulative(_ most: Int, _ count: Int, _ expected: Double) {
        #expect(abs(SignTest.cumulative(most, of: count) - expected) <= 1e-12 * max(expected, 1e-3))
    }

    @Test(
        "the rank of the ends of an interval is the largest that the error allows",
        arguments: [
            (5, 0.05, nil), (6, 0.05, 1), (10, 0.0125, 1), (20, 0.0125, 5), (40, 0.0125, 12), (80, 0.0125, 29),
            (101, 0.05, 41), (1000, 0.05, 469), (0, 0.05, nil), (1, 0.5, nil),
        ] as [(Int, Double, Int?)])
    func rank(_ count: Int, _ error: Double, _ expected: Int?) {
        #expect(SignTest.rank(of: count, error: error) == expected)
    }

    @Test("the ends of an interval are values, given in any order")
    func interval() {
        let values: [Double] = [7, 1, 9, 3, 5, 2, 8, 4, 10, 6]
        #expect(SignTest.interval(values, error: 0.0125) == 1...10)
        #expect(SignTest.interval(values, error: 0.05) == 2...9)
        #expect(SignTest.interval([1, 2, 3], error: 0.05) == nil)
    }

    @Test("the p-value is that of scipy, and values at the limit do not count")
    func probability() {
        // scipy.stats.binomtest(9, 10, alternative="greater").pvalue
        #expect(abs(SignTest.probability([9, 9, 9, 9, 9, 9, 9, 9, 9, 1], above: 5) - 0.0107421875) < 1e-12)
        #expect(SignTest.probability([5, 5, 5], above: 5) == 1)
        #expect(SignTest.probability([1, 1], above: 5) == 1)
        #expect(SignTest.probability([], above: 5) == 1)
    }

    @Test("the median of an even number of values is the mean of two")
    func middle() {
        #expect(median([3, 1, 2]) == 2 && median([4, 1, 3, 2]) == 2.5 && median([7]) == 7)
        #expect(median([]).isNaN)
    }

    @Test("Holm's method decides which of several tests are significant")
    func several() {
        // By hand: 0.01 ≤ 0.05 / 4, 0.016 ≤ 0.05 / 3, 0.03 > 0.05 / 2: the rest is not significant, however small.
        #expect(holm([0.03, 0.01, 0.045, 0.016], error: 0.05) == [false, true, false, true])
        #expect(holm([0.05], error: 0.05) == [true])
        #expect(holm([0.02, 0.03], error: 0.05) == [true, true])
        #expect(holm([], error: 0.05) == [])
    }
}
#endif
