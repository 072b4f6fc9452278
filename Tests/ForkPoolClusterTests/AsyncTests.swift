// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

extension Hosts {
    /// Runs an async program on so many hosts at once, each of which is a task of this process and a thread that makes its calls.
    static func runAsync<T: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Cluster) async throws -> T
    ) async -> [Result<T, any Error>] {
        let boxes = Mailboxes(count)
        return await withTaskGroup { group in
            for rank in 0..<count {
                group.addTask {
                    do {
                        return (rank, Result<T, any Error>.success(try await runRank(rank, boxes, body)))
                    } catch {
                        return (rank, Result<T, any Error>.failure(error))
                    }
                }
            }
            var results: [Int: Result<T, any Error>] = [:]
            for await (rank, result) in group { results[rank] = result }
            return (0..<count).map { results[$0]! }
        }
    }

    private static func runRank<T: Sendable>(
        _ rank: Int, _ boxes: Mailboxes, _ body: @Sendable (Cluster) async throws -> T
    ) async throws -> T {
        try await Cluster.run(body) { program in
            let hello = Hello(build: "same", host: "h\(rank + 1)", processors: "0-1")
            try Cluster.run(over: ThreadTransport(rank, boxes), hello, workers: 2, program)
        }
    }
}

@Suite("A cluster in async code")
struct AsyncTests {
    /// Makes each call.
    @Sendable private static func program(_ cluster: Cluster) async throws -> Int {
        #expect(try await cluster.map(0..<1000) { $0 * $0 } == (0..<1000).map { $0 * $0 })
        #expect(try await cluster.map(0..<100) { "\($0)" } == (0..<100).map { "\($0)" })
        let pairs = try await cluster.map([(1, 2), (3, 4)]) { ($0.0 + $0.1, $0.0 * $0.1) }
        #expect(pairs.map(\.0) == [3, 7] && pairs.map(\.1) == [2, 12])
        let outcomes = await cluster.mapResults(0..<10) { number throws -> String in
            if number == 5 { abort() }
            return "\(number)"
        }
        #expect(outcomes.map { try? $0.get() } == (0..<10).map { $0 == 5 ? nil : "\($0)" })
        let plain = await cluster.with { $0.retries = 1 }.mapResults([(1, 2)]) { $0 }
        #expect(try plain.map { try $0.get().1 } == [2])
        try await cluster.forEach(0..<10) { _ in }
        let filled = try await cluster.fill(count: 30, slot: 100, of: Int32.self) { number, slot in
            for place in slot.indices { slot[place] = Int32(number * 100 + place) }
        }
        #expect(Array(filled) == Array(0..<3000))
        return cluster.rank
    }

    @Test("every call is awaited, on one host and on several", arguments: [1, 2, 3])
    func calls(_ hosts: Int) async {
        await #expect(processExitsWith: .success) { [hosts] in
            Hosts.setDeadline()
            let results = await Hosts.runAsync(hosts, Self.program)
            #expect(results.map { try? $0.get() } == Array(0..<hosts))
        }
    }

    @Test("a program that no launcher started is one host, whose calls are those of its pool")
    func alone() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let rank = try await Cluster.run(workers: 2, Self.program)
            #expect(rank == 0)
            let folder = Files.makeFolder()
            let journal = folder + "/night.journal"
            for _ in 0..<2 {
                let results = try await Cluster.run { cluster in try await cluster.map(0..<100, journal: journal) { $0 }
                }
                #expect(results == Array(0..<100))
            }
            unsafe unlink(journal)
            unsafe rmdir(folder)
        }
    }

    @Test("the program runs where its caller does")
    func isolation() async {
        await #expect(processExitsWith: .success) { @MainActor in
            Hosts.setDeadline()
            var count = 0
            try await Cluster.run(workers: 1) { cluster in
                MainActor.assertIsolated()
                count += try await cluster.map(0..<3) { $0 }.count
                MainActor.assertIsolated()
            }
            #expect(count == 3)
        }
    }

    @Test("what a program throws goes to its caller, and the hosts that make a call hear of it")
    func thrown() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = await Hosts.runAsync(2) { cluster in
                if cluster.rank == 1 { throw ClusterTests.Odd(item: 7) }
                return try await cluster.map(0..<10) { $0 }.count
            }
            #expect(throws: ClusterTests.Odd(item: 7)) { try results[1].get() }
            #expect { try results[0].get() } throws: { ($0 as? ForkPool.Failure)?.code == .ranksDiffer }
        }
    }

    private static func cancelItself() {
        unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
    }

    @Test("a cancelled task gets the results of several hosts, which make the same calls, and a failure of one")
    func cancelled() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let counts = await Hosts.runAsync(2) { cluster in
                Self.cancelItself()
                return try await cluster.map(0..<10) { $0 }.count
            }
            #expect(counts.map { try? $0.get() } == [10, 10])
            let alone = await Task {
                try await Cluster.run(workers: 1) { cluster in
                    Self.cancelItself()
                    return try await cluster.map(0..<10) { $0 }.count
                }
            }.result
            #expect { try alone.get() } throws: { ($0 as? ForkPool.Failure)?.code == .cancelled }
        }
    }

    @Test("a call that is handed over behind the end, or after it, is made nevertheless", arguments: [false, true])
    func behindTheEnd(_ isOver: Bool) async throws {
        let calls = CallThread()
        calls.end(nil)
        if isOver {
            try calls.serve()
            calls.close()
        }
        async let value = calls.run { 7 }
        if !isOver {
            try ThreadWork.start {
                try? calls.serve()
                calls.close()
            } then: {
            }
        }
        #expect(await value == 7)
    }

    @Test("a call after the end of the run is refused")
    func late() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let clusters = await Hosts.runAsync(2) { cluster in
                cluster
            }
            for result in clusters {
                let cluster = try result.get()
                await #expect { try await cluster.map(0..<3) { $0 } } throws: { "\($0)".contains("Cluster.run") }
                let outcomes = await cluster.mapResults(0..<3) { "\($0)" }
                #expect(outcomes.count == 3 && outcomes.allSatisfy { (try? $0.get()) == nil })
            }
            let kept = try Hosts.run(1) { $0 }[0].get()
            #expect { try kept.map(0..<3) { $0 } } throws: { ($0 as? ForkPool.Failure)?.code == .ranksDiffer }
        }
    }

    @Test("a call that is not awaited stops the program, since it is on another thread")
    func notAwaited() async {
        await #expect(processExitsWith: .failure) {
            Hosts.setDeadline()
            _ = await Hosts.runAsync(1) { cluster in
                func call() throws { try cluster.forEach(0..<3) { _ in } }
                try call()
            }
            exit(0)
        }
    }
}
