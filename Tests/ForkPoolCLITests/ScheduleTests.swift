// SPDX-License-Identifier: Apache-2.0
#if Command
import Testing

@testable import ForkPoolCLI

@Suite("The order and the number of runs")
struct ScheduleTests {
    @Test("the generator gives the published sequence")
    func generator() {
        // https://prng.di.unimi.it/splitmix64.c with x = 1234567, as Rosetta Code lists it.
        var random = SplitMix64(state: 1_234_567)
        #expect(
            (0..<3).map { _ in random.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            ])
    }

    @Test("a block is a round and its reverse; an odd number of rounds ends with half a block")
    func blocks() {
        var schedule = RunSchedule(seed: 7)
        for _ in 0..<50 {
            let order = schedule.rounds(5, of: [[0, 1, 2]])
            #expect(order.count == 15)
            let rounds = stride(from: 0, to: 15, by: 3).map { Array(order[$0..<$0 + 3]) }
            for round in rounds { #expect(round.sorted() == [0, 1, 2]) }
            #expect(rounds[1] == rounds[0].reversed() && rounds[3] == rounds[2].reversed())
        }
        #expect(schedule.rounds(0, of: [[0, 1]]).isEmpty)
    }

    @Test("both orders occur equally often")
    func orders() {
        var schedule = RunSchedule(seed: 1)
        let first = (0..<1000).count { _ in schedule.rounds(2, of: [[0, 1]])[0] == 0 }
        // 500 ± 100 is more than six standard deviations of a fair coin, and the seed is fixed.
        #expect((400...600).contains(first))
    }

    @Test("commands that are compared run one after the other")
    func groups() {
        var schedule = RunSchedule(seed: 3)
        for _ in 0..<50 {
            let order = schedule.rounds(2, of: [[0, 1], [2, 3], [4, 5]])
            for pair in stride(from: 0, to: 12, by: 2) { #expect(order[pair] / 2 == order[pair + 1] / 2) }
        }
    }

    @Test("the same seed gives the same order")
    func seeds() {
        var (one, two, other) = (RunSchedule(seed: 5), RunSchedule(seed: 5), RunSchedule(seed: 6))
        let order = one.rounds(20, of: [[0, 1, 2]])
        #expect(order == two.rounds(20, of: [[0, 1, 2]]))
        #expect(order != other.rounds(20, of: [[0, 1, 2]]))
    }

    @Test("stops at the number of runs, whatever the time")
    func number() {
        let rule = StopRule(runs: 3, seconds: 0)
        #expect(rule.look(after: 0) == 3)
        #expect(!rule.isMet(by: 2, after: 100, isLook: false) { 0 })
        #expect(rule.isMet(by: 3, after: 0, isLook: true) { nil })
    }

    @Test("without a number stops if it is precise at a look, or after the time and 10 runs")
    func precision() {
        let rule = StopRule(runs: nil, seconds: 5)
        #expect([0, 9, 10, 19, 20, 79, 80].map(rule.look) == [10, 10, 20, 20, 40, 80, 160])
        #expect(rule.isMet(by: 10, after: 1, isLook: true) { 0.01 })
        #expect(!rule.isMet(by: 10, after: 1, isLook: true) { 0.011 })
        #expect(!rule.isMet(by: 12, after: 1, isLook: false) { 0.001 })
        #expect(!rule.isMet(by: 10, after: 1, isLook: true) { nil })
        #expect(!rule.isMet(by: 9, after: 50, isLook: false) { 0 })
        #expect(rule.isMet(by: 10, after: 5, isLook: false) { nil })
    }

    @Test("lists make every combination, and fill in their values")
    func lists() throws {
        let lists = try [ParameterList(parsing: "a=1,2"), ParameterList(parsing: "b=x,,y=z")]
        let combinations = ParameterList.combinations(lists).map { $0.map { "\($0.name)=\($0.value)" } }
        #expect(
            combinations == [
                ["a=1", "b=x"], ["a=1", "b="], ["a=1", "b=y=z"], ["a=2", "b=x"], ["a=2", "b="], ["a=2", "b=y=z"],
            ])
        #expect(ParameterList.combinations([]).count == 1)
        #expect("{a}{b} {c} {{a}}".filled([("a", "{b}"), ("b", "2")]) == "{b}2 {c} {{b}}")
        for text in ["", "a", "=1", "{a}=1"] {
            #expect(throws: (any Error).self) { try ParameterList(parsing: text) }
        }
    }
}
#endif
