// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Hosts that differ")
struct AgreementTests {
    /// What rank 1 does instead of a map of 10 numbers.
    enum Other: String, CaseIterable, Codable {
        case count, line, type, kind, delivery, leaves, throwsError
    }

    struct Odd: Error {}

    private static func call(_ cluster: Cluster, _ other: Other?) throws {
        switch other {
        case nil: try map(cluster, 10) { $0 }
        case .count: try map(cluster, 11) { $0 }
        case .line: try map(cluster, 10, line: 2) { $0 }
        case .type: try map(cluster, 10) { UInt8($0) }
        case .kind: try cluster.forEach(0..<10, file: "Sim/main.swift", line: 1) { _ in }
        case .delivery: try map(cluster, 10, deliver: .root) { $0 }
        case .leaves: return
        case .throwsError: throw Odd()
        }
    }

    private static func map<R: Codable & BitwiseCopyable>(
        _ cluster: Cluster, _ count: Int, deliver: Cluster.Delivery = .all, line: UInt = 1, _ body: (Int) -> R
    ) throws {
        _ = try cluster.map(0..<count, deliver: deliver, file: "Sim/main.swift", line: line, body)
    }

    @Test("ranks that make different calls all fail, with both calls in one sentence", arguments: Other.allCases)
    func calls(_ other: Other) async {
        await #expect(processExitsWith: .success) { [other] in
            Hosts.setDeadline()
            let results = Hosts.run(3) { cluster throws in
                _ = try cluster.map(0..<3) { $0 }
                try Self.call(cluster, cluster.rank == 1 ? other : nil)
            }
            let failures = results.map { result -> ForkPool.Failure? in
                if case .failure(let failure) = result { failure } else { nil }
            }
            // What a program threw comes first.
            let texts = (other == .throwsError ? [0, 2] : [0, 1, 2]).map { failures[$0]?.message ?? "" }
            #expect(Set(texts).count == 1)
            #expect(texts[0].contains("h1 (rank 0) makes call 2, map of 10 items at Sim/main.swift:1"), "\(texts[0])")
            let expected =
                switch other {
                case .count: "h2 (rank 1) makes call 2, map of 11 items at Sim/main.swift:1"
                case .line: "h2 (rank 1) makes call 2, map of 10 items at Sim/main.swift:2"
                case .type: "h2 (rank 1) makes call 2, map of 10 items at Sim/main.swift:1, with results of Swift.UInt8"
                case .kind: "h2 (rank 1) makes call 2, forEach of 10 items at Sim/main.swift:1"
                case .delivery: "h2 (rank 1) makes call 2, map of 10 items at Sim/main.swift:1, for the root alone"
                case .leaves: "h2 (rank 1) leaves Cluster.run"
                case .throwsError: "h2 (rank 1) leaves Cluster.run with Odd()"
                }
            #expect(texts[0].contains(expected), "\(texts[0])")
            #expect(failures.compactMap(\.self).allSatisfy { $0.code == .ranksDiffer || other == .throwsError })
        }
    }

    @Test("the root that leaves early is named")
    func root() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                if !cluster.isRoot { _ = try cluster.map(0..<10) { $0 } }
            }
            for result in results {
                let error = #expect(throws: ForkPool.Failure.self) { try result.get() }
                #expect(error?.code == .ranksDiffer)
                #expect(error?.message.contains("h1 (rank 0) leaves Cluster.run") == true)
            }
        }
    }

    @Test("after that every call fails at once, and the ranks leave together")
    func later() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                _ = try? cluster.map(0..<(10 + cluster.rank)) { $0 }
                return cluster.mapResults(0..<3) { $0 }.map { "\($0)" }
            }
            for result in results {
                let error = #expect(throws: ForkPool.Failure.self) { try result.get() }
                #expect(error?.message.contains("map of 11 items") == true)
            }
        }
    }

    @Test("another build on one rank is refused on all")
    func build() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let ran = SharedCounter()
            let results = Hosts.run(3, build: { $0 == 2 ? "other" : "same" }) { _ in ran.add(1) }
            for result in results {
                let error = #expect(throws: ForkPool.Failure.self) { try result.get() }
                #expect(error?.code == .ranksDiffer)
                let message = "h3 (rank 2) runs another build of the program than h1 (rank 0)"
                #expect(error?.message.hasPrefix(message) == true)
            }
            #expect(ran.value == 0)
        }
    }

    @Test("a worker makes no call of the cluster of its parent")
    func worker() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                try cluster.map(0..<4) { _ in
                    do throws(ForkPool.Failure) {
                        return try cluster.map(0..<2) { $0 }.count
                    } catch {
                        return error.code == .ranksDiffer ? -1 : -2
                    }
                }
            }
            #expect(results.map { try? $0.get() } == [[-1, -1, -1, -1], [-1, -1, -1, -1]])
        }
    }
}
