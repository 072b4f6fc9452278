// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool
@testable import ForkPoolCluster

@Suite("Messages between hosts")
struct ReplyTests {
    /// The reply of a host for items 10 to 20 of 100, of which some fail.
    private static func reply(coded: Bool) throws -> [UInt8] {
        let pool = ForkPool(workers: 1)
        func body(_ item: Int) throws -> Int {
            if item % 4 == 0 { throw AgreementTests.Odd() }
            return item
        }
        let workers =
            coded
            ? try pool.resident { (item: Int) in "\(try body(item))" }.rangeWorkers(stopsAtFailure: false)
            : try pool.resident { (item: Int) in try body(item) }.rangeWorkers(stopsAtFailure: false)
        defer { workers.close() }
        let batch = try workers.submit(10..<20)
        while !batch.wait(until: .max) {}
        var replies: [[UInt8]] = []
        batch.reply(from: "h2") { replies.append($0) }
        #expect(replies.count == 1)
        return replies[0]
    }

    private static func results(coded: Bool) throws -> GatheredResults {
        coded
            ? try GatheredResults(count: 100, stride: 16, of: String.self, isCoded: true)
            : try GatheredResults(count: 100, stride: 8, of: Int.self, isCoded: false)
    }

    @Test("a reply places results and failures, and no damage of it places anything outside", arguments: [false, true])
    func damage(_ coded: Bool) async {
        await #expect(processExitsWith: .success) { [coded] in
            Hosts.setDeadline()
            guard let bytes = try? Self.reply(coded: coded), let whole = try? Self.results(coded: coded) else {
                Issue.record("no reply")
                return
            }
            let placed = unsafe bytes.withUnsafeBytes { unsafe whole.place($0) }
            #expect(placed?.items == 10..<20 && placed?.isLast == true && placed?.ending == nil)
            #expect(whole.failures.keys.sorted() == [12, 16])
            #expect(whole.failures[12]?.host == "h2" && whole.failures[12]?.code == .thrown)
            #expect(whole.finishedCount == 10)
            #expect(
                coded ? whole.decodedResults(as: String.self).count == 100 : whole.results(of: Int.self)[11].isValue(11)
            )
            #expect(unsafe (bytes + bytes).withUnsafeBytes { unsafe RangeReply.size(ofFirst: $0) } == bytes.count)
            var dice = Dice(state: 3)
            for round in 0..<3000 {
                var damaged = bytes
                switch round % 3 {
                case 0: damaged = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &dice)))
                case 1:
                    damaged[Int.random(in: 0..<bytes.count, using: &dice)] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
                default:
                    let word = [Int.max, Int.min, -1, 101, 1 << 40].randomElement(using: &dice)!
                    let place = 8 * Int.random(in: 0..<5, using: &dice)
                    unsafe withUnsafeBytes(of: word) {
                        unsafe damaged.replaceSubrange(place..<place + 8, with: Array($0))
                    }
                }
                let size = unsafe damaged.withUnsafeBytes { unsafe RangeReply.size(ofFirst: $0) }
                #expect(size ?? 0 <= damaged.count)
                guard let results = try? Self.results(coded: coded) else { continue }
                if let placed = unsafe damaged.withUnsafeBytes({ unsafe results.place($0) }) {
                    #expect(placed.items.lowerBound >= 0 && placed.items.upperBound <= 100)
                }
                #expect(results.finishedCount <= 100)
                if coded { _ = results.decodedResults(as: String.self) }
            }
        }
    }

    @Test("a command is read as it was written, and other bytes are none")
    func commands() {
        let failure = ForkPool.Failure.ranksDiffer("they differ")
        for command in [
            Command.welcome(sharers: 2, hosts: ["h1", "h2"]), .begin(3), .run([5..<9, 20..<21]), .stop(above: -1),
            .end(codedBytes: 7),
            .failures([failure.at(4)]), .fail(failure), .refuse(failure, isFinal: true),
            .refuse(failure, isFinal: false),
        ] {
            #expect(Command(command.bytes).map { "\($0)" } == "\(command)")
            #expect(Command(Array(command.bytes.prefix(23))) == nil)
        }
        #expect(Command([UInt8](repeating: 0xFF, count: 24)) == nil)
        #expect(Command(Command.run([0..<1]).bytes.enumerated().map { $0.offset == 24 ? 9 : $0.element }) == nil)
    }
}

extension Result where Success: Equatable {
    fileprivate func isValue(_ value: Success) -> Bool { (try? get()) == value }
}
