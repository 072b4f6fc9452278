// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("What hosts report while a range runs")
struct ReportTests {
    /// Holds workers up until it is opened.
    struct Gate {
        private let ends: (read: Int32, write: Int32)

        init() {
            var ends: [Int32] = [-1, -1]
            #expect(unsafe pipe(&ends) == 0)
            self.ends = (ends[0], ends[1])
        }

        /// Returns when it is open, also in a second attempt.
        func wait() {
            var end = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
            while unsafe poll(&end, 1, -1) < 1 {}
        }

        func open() {
            var byte: UInt8 = 0
            #expect(unsafe write(ends.write, &byte, 1) == 1)
        }
    }

    /// A reply in few words: what it places, and how it is marked.
    private static func place(_ bytes: [UInt8], _ results: GatheredResults) throws -> GatheredResults.PlacedReply {
        try #require(unsafe bytes.withUnsafeBytes { unsafe results.place($0) })
    }

    @Test(
        "the finished part of a range is reported, each item once, and the rest when it has ended",
        arguments: [false, true])
    func parts(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            Hosts.setDeadline()
            do {
                let gate = Gate()
                func body(_ item: Int) throws -> Int {
                    if item == 15 { gate.wait() }
                    if item == 12 { throw AgreementTests.Odd() }
                    return 2 * item
                }
                let pool = ForkPool(workers: 2)
                let workers =
                    coded
                    ? try pool.resident { (item: Int) in "\(try body(item))" }.rangeWorkers(stopsAtFailure: false)
                    : try pool.resident { (item: Int) in try body(item) }.rangeWorkers(stopsAtFailure: false)
                defer { workers.close() }
                let results =
                    coded
                    ? try GatheredResults(count: 100, stride: 16, of: String.self, isCoded: true)
                    : try GatheredResults(count: 100, stride: 8, of: Int.self, isCoded: false)
                let batch = try workers.submit(10..<20)
                var replies: [[UInt8]] = []
                var over = 0
                while over < 9 {
                    let before = replies.count
                    let isNew = batch.report { replies.append($0) }
                    #expect(isNew == (replies.count > before))
                    for bytes in replies[before...] {
                        let placed = try Self.place(bytes, results)
                        #expect(!placed.isLast && placed.over > 0 && placed.ending == nil)
                        #expect(placed.items.lowerBound >= 10 && placed.items.upperBound <= 20)
                        over += placed.over
                    }
                    batch.wait(until: monotonicNanoseconds() + 1_000_000)
                }
                #expect(over == 9 && batch.unfinishedCount == 1)
                // The failure's words come with the last reply.
                #expect(results.finishedCount == 8 && results.failures.isEmpty)
                #expect(!batch.report { _ in Issue.record("nothing is new") })
                gate.open()
                while !batch.wait(until: .max) {}
                var last: [[UInt8]] = []
                batch.reply(from: "h2") { last.append($0) }
                #expect(last.count == 1)
                let placed = try Self.place(last[0], results)
                #expect(placed.isLast && placed.over == 1 && placed.items == 15..<20)
                #expect(results.finishedCount == 10 && results.failures.keys.sorted() == [12])
                for item in 10..<20 where item != 12 {
                    let isRight =
                        coded
                        ? (try? results.decodedResults(as: String.self)[item].get()) == "\(2 * item)"
                        : (try? results.results(of: Int.self)[item].get()) == 2 * item
                    #expect(isRight, "item \(item)")
                }
            } catch {
                Issue.record(error)
            }
        }
    }

    @Test("an item that waits for all others does not hold up those of its range", arguments: [false, true])
    func held(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            Hosts.setDeadline()
            let gate = Gate()
            let isOpen = SharedCounter()
            var options = ForkPool.Options()
            options.progress = { progress in
                if progress.done == 199, isOpen.add(1) == 1 { gate.open() }
            }
            let results = Hosts.run(2, options: options) { cluster throws in
                func body(_ item: Int) -> Int {
                    if item == 60 { gate.wait() }
                    // A worker claims items that take so long one by one, and none behind the one that waits.
                    usleep(300)
                    return item
                }
                return coded
                    ? try cluster.map(0..<200) { "\(body($0))" }.count
                    : try cluster.map(0..<200) { body($0) }.count
            }
            #expect(results.map { try? $0.get() } == [200, 200])
        }
    }

    @Test("what a host without workers was given goes to one that had no more to do")
    func refused() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let gate = Gate()
            let isOpen = SharedCounter()
            var options = ForkPool.Options()
            options.progress = { progress in
                if progress.done == 4, isOpen.add(1) == 1 { gate.open() }
            }
            let results = Hosts.run(2, workers: 1, options: options) { cluster throws in
                let call = Call("mapResults", 6, cluster.pool, nil, toAll: true, "Sim/main.swift", 1)
                let results = cluster.link!.mapResults(call, of: Int.self) { () throws(ForkPool.Failure) in
                    if cluster.rank == 1 {
                        gate.wait()
                        throw .noMemory("has no workers")
                    }
                    return try cluster.pool.resident { (item: Int) in 3 * item }
                }
                return results.map { try? $0.get() }
            }
            for result in results { #expect((try? result.get()) == (0..<6).map { 3 * $0 }) }
        }
    }
}
