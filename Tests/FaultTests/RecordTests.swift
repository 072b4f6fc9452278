// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite struct RecordTests {
    @Test(
        "G5: a wild write over a worker's record costs its item at most, and the map ends, with a timeout set",
        arguments: Kind.allCases)
    func overwritten(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for byte: UInt8 in [0, 1, 2, 0x7f, 0x80, 0xff] { RecordScenes.overwritten(kind, .record(byte)) }
            // What the parent's requests to wait are in.
            for byte: UInt8 in [1, 2, 0xff] { RecordScenes.overwritten(kind, .recordEnd(byte)) }
        }
    }

    // Each job has a `setUp`.
    @Test(
        "G5: a pool without setUp never ends because of setUp, whatever a worker's record says",
        arguments: [Kind.oneShot, .residentBody])
    func noSetUp(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            for finished in [false, true] { RecordScenes.noSetUp(kind, finished) }
        }
    }

    @Test("G5: a body that undoes its start time all the time is timed out", arguments: Kind.allCases)
    func hidden(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in RecordScenes.hidden(kind) }
    }

    // Resident pools get such writes in B9, where a test ends them.
    @Test("G5: a one-shot map with a timeout ends whatever one of its bodies writes into shared memory")
    func randomWrites() async {
        await #expect(processExitsWith: .success) { RecordScenes.randomWrites() }
    }
}

private enum RecordScenes {
    static func overwritten(_ kind: Kind, _ tampering: Tampering) {
        Scene.survive(kind, options: .init(chunk: .fixed(1), timeout: .seconds(1))) { pool throws in
            let deeds: [Deed] = (0..<200).map { item in
                item == 77 ? .tamper(tampering, then: .give(77)) : .give(item)
            }
            for (item, result) in pool.mapResults(deeds).enumerated() where item != 77 {
                #expect(result.value == item, "after \(tampering), item \(item): \(result)")
            }
        }
    }

    static func noSetUp(_ kind: Kind, _ finished: Bool) {
        Scene.survive(kind, options: .init(chunk: .fixed(1))) { pool throws in
            let results = pool.mapResults([
                .give(0), .tamper(.setUpStage(finished: finished), then: .raise(SIGSEGV)), .give(2),
            ])
            #expect(results[1].failure?.code == .crashed, "\(results[1])")
            #expect([results[0].value, results[2].value] == [0, 2])
        }
    }

    static func hidden(_ kind: Kind) {
        Scene.survive(kind, options: .init(chunk: .fixed(1), timeout: .seconds(1))) { pool throws in
            let results = pool.mapResults([.tamper(.hideBegin, then: .give(0)), .give(1), .give(2)])
            #expect(results[0].failure?.code == .timedOut)
            #expect(results.dropFirst().map(\.value) == [1, 2])
        }
    }

    static func randomWrites() {
        Scene.leaveNothing { () throws in
            for seed in 0..<60 {
                let pool = try Kind.oneShot.start(
                    Scribbling(), options: .init(chunk: .fixed(1), timeout: .milliseconds(300)))
                // Any outcome but a crash and a hang is allowed.
                let items = (0..<40).map { $0 == 20 ? seed : -$0 - 1 }
                #expect(pool.mapResults(items).count == 40)
                #expect(try pool.map([-1, -2]) == ["item -1", "item -2"])
            }
        }
    }
}
