// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Maps over hosts that are threads")
struct ClusterTests {
    struct Odd: Error, Codable, Equatable {
        var item: Int
    }

    @Test("results of each coding are whole and in order on every host", arguments: [1, 2, 3, 6])
    func results(_ hosts: Int) async {
        await #expect(processExitsWith: .success) { [hosts] in
            Hosts.setDeadline()
            let results = Hosts.run(hosts) { cluster throws in
                #expect(cluster.hosts == hosts && cluster.isRoot == (cluster.rank == 0))
                #expect(try cluster.map(0..<1000) { $0 * $0 } == (0..<1000).map { $0 * $0 })
                // No random access, and results of different sizes.
                let words = (0..<300).lazy.filter { $0 % 3 > 0 }.map { "word \($0)" }
                let twice = try cluster.map(words) { (word: String) -> String in word + word }
                #expect(twice == words.map { $0 + $0 })
                let pairs = try cluster.map([(1, 2), (3, 4)]) { ($0.0 + $0.1, $0.0 * $0.1) }
                #expect(pairs.map(\.0) == [3, 7] && pairs.map(\.1) == [2, 12])
                let filled = try cluster.fill(count: 30, slot: 100, of: Int32.self) { number, slot in
                    for place in slot.indices { slot[place] = Int32(number * 100 + place) }
                }
                #expect(Array(filled) == Array(0..<3000))
                #expect(try cluster.map([Int]()) { $0 }.isEmpty)
                #expect(try cluster.fill(count: 0, slot: 5, of: Int.self) { _, _ in }.isEmpty)
                return cluster.rank
            }
            #expect(results.map { try? $0.get() } == Array(0..<hosts))
        }
    }

    @Test("large results go in several messages")
    func large() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                let bytes = try cluster.map(0..<6) { [UInt8](repeating: UInt8($0), count: 9 << 20) }
                for (item, result) in bytes.enumerated() {
                    #expect(result == [UInt8](repeating: UInt8(item), count: 9 << 20))
                }
                return bytes.count
            }
            #expect(results.map { try? $0.get() } == [6, 6])
        }
    }

    @Test("results for the root alone leave the others with none")
    func root() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let counts = Hosts.run(3) { cluster throws in
                let plain = try cluster.map(0..<100, deliver: .root) { $0 }.count
                let coded = try cluster.map(0..<100, deliver: .root) { "\($0)" }.count
                let outcomes = cluster.mapResults(0..<100, deliver: .root) { $0 }.count
                let slots = try cluster.fill(count: 10, slot: 10, of: UInt8.self, deliver: .root) { _, _ in }.count
                return [plain, coded, outcomes, slots]
            }
            #expect(counts.map { try? $0.get() } == [[100, 100, 100, 100], [0, 0, 0, 0], [0, 0, 0, 0]])
        }
    }

    /// Checks the failures, and returns all outcomes in words.
    private static func outcomes<R>(_ results: [Result<R, ForkPool.Failure>]) -> [String] {
        for (item, result) in results.enumerated() {
            guard case .failure(let failure) = result else { continue }
            #expect(failure.index == item)
            #expect(["h1", "h2", "h3"].contains(failure.host))
            #expect(failure.code == (item % 10 == 5 ? .killed : .thrown))
            #expect(failure.thrown?.decode(as: Odd.self) == (item % 10 == 5 ? nil : Odd(item: item)))
            // Where a thread of another rank was in the middle of something at the fork, it is a later attempt.
            #expect("\(failure)".hasPrefix("item \(item) on \(failure.host!)"))
        }
        return results.map { "\($0)" }
    }

    @Test("every outcome of mapResults is the same on every host, with the names of hosts", arguments: [false, true])
    func outcomes(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            Hosts.setDeadline()
            let results = Hosts.run(3) { cluster throws in
                func body(_ item: Int) throws -> Int {
                    if item % 10 == 1 { throw Odd(item: item) }
                    if item % 10 == 5 { kill(getpid(), SIGKILL) }
                    return item
                }
                if coded { return Self.outcomes(cluster.mapResults(0..<200) { "\(try body($0))" }) }
                return Self.outcomes(cluster.mapResults(0..<200) { try body($0) })
            }
            let all = results.map { try? $0.get() }
            #expect(all[0]?.count == 200 && all[1] == all[0] && all[2] == all[0])
            #expect(all[0]?.count { $0.hasPrefix("success") } == 160)
        }
    }

    @Test("a failure is that of the lowest item, on every host, and the next map works")
    func failure() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(3) { cluster throws in
                let error = #expect(throws: ForkPool.Failure.self) {
                    _ = try cluster.map(0..<2000) { item in
                        if item >= 700 { throw Odd(item: item) }
                        return item
                    }
                }
                #expect(try cluster.map(0..<10) { $0 } == Array(0..<10))
                return "\(error?.index ?? -1) \(error?.host ?? "")"
            }
            let all = results.map { try? $0.get() }
            #expect(all[0]?.hasPrefix("700 h") == true && all[1] == all[0] && all[2] == all[0])
        }
    }

    @Test("options hold on each host: a timeout, retries, a seed, setUp and tearDown")
    func options() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let (started, ended) = (SharedCounter(), SharedCounter())
            var options = ForkPool.Options(retries: 3, seed: 42)
            options.setUp = { started.add(1) }
            options.tearDown = { ended.add(1) }
            let random = try? ForkPool(workers: 2, options: ForkPool.Options(seed: 42)).map(0..<50) { _ in
                var generator = ForkPool.worker!.itemGenerator
                return generator.next()
            }
            let results = Hosts.run(2, options: options) { cluster throws in
                let numbers = try cluster.map(0..<50) { _ in
                    var generator = ForkPool.worker!.itemGenerator
                    return generator.next()
                }
                #expect(numbers == random)
                let attempts = try cluster.map(0..<20) { _ in
                    if ForkPool.worker!.attempt == 1 { kill(getpid(), SIGKILL) }
                    return ForkPool.worker!.attempt
                }
                // One more where a lock of another host, which is a thread here, was held at the fork.
                #expect(attempts.allSatisfy { (2...4).contains($0) }, "\(attempts)")
                let hasty = cluster.with { options in
                    options.timeout = .seconds(3)
                    options.retries = nil
                }
                let slow = hasty.mapResults(0..<4) { if $0 == 2 { while true { pause() } } }
                #expect(slow.map { (try? $0.get()) != nil } == [true, true, false, true])
                if case .failure(let failure) = slow[2] { #expect(failure.code == .timedOut) }
                return true
            }
            #expect(results.allSatisfy { (try? $0.get()) == true })
            #expect(ended.value > 0 && ended.value <= started.value)
        }
    }

    @Test("a setUp that fails on one host fails a map; the others do the work of mapResults")
    func setUp() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                var options = ForkPool.Options()
                if cluster.rank == 1 { options.setUp = { throw Odd(item: 0) } }
                let pool = ForkPool(workers: 1, options: options)
                let other = Cluster(
                    rank: cluster.rank, hosts: 2, hostName: cluster.hostName, pool: pool, link: cluster.link)
                let error = #expect(throws: ForkPool.Failure.self) { try other.map(0..<100) { $0 } }
                #expect(error?.code == .setUpFailed && error?.host == "h2")
                let outcomes = other.mapResults(0..<100) { $0 }
                #expect(outcomes.contains { (try? $0.get()) != nil })
                return outcomes.map { "\($0)" }
            }
            #expect((try? results[0].get()) == (try? results[1].get()))
        }
    }

    @Test("the items of a worker's body are those of each host")
    func forEach() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let runs = SharedArray<Int32>(count: 500)
            let results = Hosts.run(3) { cluster throws in
                try cluster.forEach(0..<500) { runs[$0] |= 1 << cluster.rank }
                return true
            }
            #expect(results.allSatisfy { (try? $0.get()) == true })
            #expect(runs.allSatisfy { $0.nonzeroBitCount == 1 }, "one host runs an item")
        }
    }
}
