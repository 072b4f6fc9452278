// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Journals of maps over hosts")
struct ClusterJournalTests {
    private static let count = 400

    /// Runs `work` with the path of a journal in a folder of its own.
    static func run(_ work: (String) throws -> Void) {
        Hosts.setDeadline()
        let folder = Files.makeFolder()
        defer {
            for name in Files.names(in: folder) where !name.hasPrefix(".") { unsafe unlink("\(folder)/\(name)") }
            unsafe rmdir(folder)
        }
        do { try work("\(folder)/run.journal") } catch { Issue.record(error) }
    }

    /// Maps items, of which those from `bad` on throw; the others add the round's bit to their runs.
    ///
    /// An item may run twice in a round: a lock that another host, which is a thread here, had at the fork is a deadlock.
    private static func map(
        _ cluster: Cluster, _ path: String, round: Int32, coded: Bool, failsAt bad: Int, _ runs: SharedArray<Int32>
    ) throws(ForkPool.Failure) -> [String] {
        func body(_ item: Int) throws -> Int {
            if item >= bad { throw AgreementTests.Odd() }
            runs[item] |= 1 << round
            return 3 * item
        }
        return coded
            ? try cluster.map(0..<count, journal: path, key: "k") { "\(try body($0))" }
            : try cluster.map(0..<count, journal: path, key: "k") { try body($0) }.map { "\($0)" }
    }

    @Test("a map goes on from the journal of one host on several, and the other way round", arguments: [false, true])
    func goesOn(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            Self.run { path throws in
                let runs = SharedArray<Int32>(count: Self.count)
                let alone = Cluster(rank: 0, hosts: 1, hostName: "h1", pool: ForkPool(workers: 2), link: nil)
                let expected = (0..<Self.count).map { "\(3 * $0)" }
                var error = #expect(throws: ForkPool.Failure.self) {
                    try Self.map(alone, path, round: 0, coded: coded, failsAt: 100, runs)
                }
                #expect(error?.index == 100)
                for result in Hosts.run(3, { try Self.map($0, path, round: 1, coded: coded, failsAt: 250, runs) }) {
                    error = #expect(throws: ForkPool.Failure.self) { try result.get() }
                    #expect(error?.code == .thrown && error?.index == 250)
                }
                for result in Hosts.run(3, { try Self.map($0, path, round: 2, coded: coded, failsAt: .max, runs) }) {
                    #expect((try? result.get()) == expected)
                }
                #expect(try Self.map(alone, path, round: 3, coded: coded, failsAt: .max, runs) == expected)
                for result in Hosts.run(2, { try Self.map($0, path, round: 4, coded: coded, failsAt: 0, runs) }) {
                    #expect((try? result.get()) == expected)
                }
                #expect(runs.allSatisfy { $0.nonzeroBitCount == 1 }, "nothing that was in the journal runs again")
            }
        }
    }

    @Test("a journal that cannot be used fails the map on every host, and the hosts stay in step")
    func refused() async {
        await #expect(processExitsWith: .success) {
            Self.run { path throws in
                let results = Hosts.run(3) { cluster throws in
                    _ = try cluster.map(0..<10, journal: path) { $0 }
                    let error = #expect(throws: ForkPool.Failure.self) {
                        try cluster.map(0..<11, journal: path) { $0 }
                    }
                    #expect(error?.code == .journalFailed)
                    let outcomes = cluster.mapResults(0..<3, journal: "/nowhere/run.journal") { $0 }
                    #expect(outcomes.count == 3)
                    return try cluster.map(0..<10, journal: path) { $0 + 1 }
                }
                for result in results { #expect((try? result.get()) == Array(0..<10)) }
            }
        }
    }

    @Test("mapResults runs failed items again, and keeps the others")
    func failedAgain() async {
        await #expect(processExitsWith: .success) {
            Self.run { path throws in
                let runs = SharedArray<Int32>(count: 100)
                for round in Int32(0)..<2 {
                    let results = Hosts.run(2) { cluster throws in
                        cluster.mapResults(0..<100, journal: path) { item in
                            runs[item] |= 1 << round
                            if round == 0, item % 7 == 0 { throw AgreementTests.Odd() }
                            return item
                        }.count { (try? $0.get()) != nil }
                    }
                    #expect(results.map { try? $0.get() } == (round == 0 ? [85, 85] : [100, 100]), "\(results)")
                }
                #expect(runs.indices.allSatisfy { runs[$0] == ($0 % 7 == 0 ? 3 : 1) }, "\(Array(runs))")
            }
        }
    }
}
