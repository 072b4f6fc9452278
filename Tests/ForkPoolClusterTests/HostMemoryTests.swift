// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("What hosts have for themselves, and what they share")
struct HostMemoryTests {
    @Test("with one seed the workers of each host have seeds of their own")
    func seeds() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            // A worker that replaces one with a lock of another host, which is a thread here, has another seed.
            _ = try? ForkPool(workers: 1).map(0..<1) { _ in ForkPool.worker!.seed }
            let results = Hosts.run(3, options: ForkPool.Options(seed: 42)) { cluster throws in
                try cluster.pool.map(0..<1) { _ in ForkPool.worker!.seed }
            }
            let seeds = results.compactMap { try? $0.get() }.joined()
            #expect(Set(seeds).count == 3)
            // The first host is as one that is alone.
            let alone = try? ForkPool(workers: 1, options: ForkPool.Options(seed: 42)).map(0..<1) { _ in
                ForkPool.worker!.seed
            }
            #expect(seeds.first == alone?.first)
        }
    }

    @Test("the elements of a slot start as zeros, whatever the memory had before")
    func zeros() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                let filled = try cluster.fill(count: 500, slot: 1000, of: Int.self) { number, slot in
                    for place in slot.indices { slot[place] += number }
                }
                return filled.indices.allSatisfy { filled[$0] == $0 / 1000 }
            }
            #expect(results.map { try? $0.get() } == [true, true])
        }
    }

    @Test("a range for which the pool's memory has no room waits until others have ended")
    func fullMemory() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            do {
                // Slots of 4 GiB, which nothing touches: a pool has memory for eight at most.
                let resident: ForkPool.Resident<Int, UInt8> = try ForkPool(workers: 2).makeResident(
                    .plain, .plain(slot: 1 << 32)
                ) { range, writer, _ in
                    writer.run(range) { _ in throw ClusterTests.Odd(item: 0) }
                }
                let local = LocalWork("h1") { () throws(ForkPool.Failure) in
                    resident.rangeWorkers(stopsAtFailure: false)
                }
                var (started, ended, refused) = (0, 0, 0)
                func run() {
                    local.run(started..<started + 1)
                    started += 1
                }
                for _ in 0..<12 { run() }
                while ended < 100 {
                    _ = local.report { reply in
                        let flags = unsafe reply.withUnsafeBytes { unsafe $0.load(fromByteOffset: 16, as: Int.self) }
                        refused += flags & RangeReply.Flags.isRefused != 0 ? 1 : 0
                        guard flags & RangeReply.Flags.isLast != 0 else { return }
                        ended += 1
                        if started < 100 { run() }
                    }
                    local.wait(1_000_000)
                }
                #expect(started == 100 && refused == 0)
                local.close()
            } catch {
                Issue.record(error)
            }
        }
    }

    @Test("a message of one rank that is large and late keeps no other rank waiting")
    func largeMessage() {
        let boxes = Mailboxes(3)
        boxes.put([UInt8](repeating: 1, count: 64 << 20 + 1), from: 1, to: 0, .replies)
        boxes.put([2], from: 2, to: 0, .replies)
        let late = ThreadTransport.Stuck(source: 1, target: 0, channel: Channel.replies.rawValue)
        let inbox = Inbox(ThreadTransport(0, boxes, sticks: late), .replies)
        #expect(inbox.next()?.source == 2)
        boxes.put([3], from: 2, to: 0, .replies)
        #expect(inbox.next()?.bytes == [3])
        #expect(inbox.next() == nil)
    }

    @Test("a result that the root alone cannot decode is a failure of every host", arguments: [false, true])
    func decoding(_ toAll: Bool) async {
        struct Deceiving: Codable {
            var text: String

            init(_ item: Int) { text = "\(item)" }

            init(from decoder: any Decoder) throws {
                text = try decoder.singleValueContainer().decode(String.self)
                if text == "7" { throw ClusterTests.Odd(item: 7) }
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.singleValueContainer()
                try container.encode(text)
            }
        }
        await #expect(processExitsWith: .success) { [toAll] in
            Hosts.setDeadline()
            let results = Hosts.run(3) { cluster throws in
                let error = #expect(throws: ForkPool.Failure.self) {
                    try cluster.map(0..<20, deliver: toAll ? .all : .root) { Deceiving($0) }
                }
                #expect(error?.code == .notDecodable && error?.index == 7)
                // The hosts are in step.
                return try cluster.map(0..<3) { $0 }
            }
            #expect(results.map { try? $0.get() } == Array(repeating: [0, 1, 2], count: 3))
        }
    }

    @Test("thrown errors that are large together come to every host")
    func largeErrors() async {
        struct Large: Error, Codable, Equatable {
            var bytes: [UInt8]
        }
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let results = Hosts.run(2) { cluster throws in
                let outcomes = cluster.mapResults(0..<40) { (item: Int) -> Int in
                    throw Large(bytes: [UInt8](repeating: UInt8(item), count: 1 << 20))
                }
                return outcomes.enumerated().allSatisfy { item, outcome in
                    guard case .failure(let failure) = outcome else { return false }
                    return failure.thrown?.decode(as: Large.self)?.bytes.last == UInt8(item)
                }
            }
            #expect(results.map { try? $0.get() } == [true, true])
        }
    }

    @Test("an item of which its host sent nothing has no result")
    func unsent() throws {
        let results = try GatheredResults(count: 3, stride: 8, of: Int.self, isCoded: false)
        results.failUnfinished(0..<2)
        #expect(results.missing == [2..<3])
        let outcomes = results.results(of: Int.self)[..<2]
        for case .success in outcomes { Issue.record("an item has a result") }
    }

    @Test("the progress handler hears of the end of a map without items")
    func progress() async {
        await #expect(processExitsWith: .success) {
            Hosts.setDeadline()
            let calls = Atomic(0)
            var options = ForkPool.Options()
            options.progress = { progress in
                if progress.done == progress.total { calls.add(1, ordering: .relaxed) }
            }
            let results = Hosts.run(2, options: options) { cluster throws in try cluster.map([Int]()) { $0 } }
            #expect(results.map { try? $0.get() } == [[], []])
            #expect(calls.load(ordering: .relaxed) == 1)
        }
    }
}
