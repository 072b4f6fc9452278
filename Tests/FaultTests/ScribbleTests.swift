// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Testing

@testable import ForkPool

/// Closures only; `WildJobTests` and `ExecDamageTests` test jobs.
@Suite struct ScribbleTests {
    private static let kinds: [Kind] = [.oneShot, .residentBody]

    @Test("B9: a state that no worker writes is a failure of its item", arguments: kinds)
    func states(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ScribbleScenes.states(kind)
            ScribbleScenes.statesAndSlots(kind)
        }
    }

    @Test("B9: an offset or length outside a worker's memory is a failure of its item", arguments: kinds)
    func extents(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ScribbleScenes.extents(kind) }
    }

    @Test("B9: a chain of errors with wild links ends, and its items fail", arguments: kinds)
    func errorChains(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ScribbleScenes.errorChains(kind) }
    }

    @Test("B9: random bytes in states, slots, results and errors never crash the parent", arguments: kinds)
    func randomBytes(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ScribbleScenes.randomBytes(kind) }
    }

    @Test("B9: a forged state of a coded result fails its item", arguments: kinds)
    func forgedState(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ScribbleScenes.forgedState(kind) }
    }

    @Test(
        "A9: a worker that dies right after it published leaves bytes that its successor keeps", arguments: kinds)
    func diesAfterPublishing(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ScribbleScenes.diesAfterPublishing(kind) }
    }
}

private enum ScribbleScenes {
    static func states(_ kind: Kind) {
        Scene.run {
            // A state without an error means that the worker had no memory for one.
            let wild = [UInt8](3...255).filter { $0 != Reach.State.described }
            let pool = try Scribbler(kind) { reach in
                reach.give(reach.item)
                if let state = UInt8(exactly: reach.item), wild.contains(state) {
                    reach.setState(of: reach.item, state)
                }
            }
            for (item, result) in try pool.map(260).results(of: Int.self).enumerated() {
                if let state = UInt8(exactly: item), wild.contains(state) {
                    #expect(result.failure?.code == .corrupted)
                    #expect(result.failure?.index == item)
                } else {
                    #expect(result.value == item)
                }
            }
        }
    }

    static func statesAndSlots(_ kind: Kind) {
        Scene.run {
            let pool = try Scribbler(kind) { reach in
                reach.give(coded: "value \(reach.item)")
                switch reach.item {
                case 1: reach.setState(of: 1, 0xA7)
                case 2: reach.setState(of: 2, Reach.State.failed)
                case 3: reach.setState(of: 3, Reach.State.lost)
                case 4: reach.setSlotWord(8, .max)
                case 5: reach.setSlotWord(11, .max)
                case 6: reach.setSlotWord(13, -1)
                default: break
                }
            }
            let results = try pool.words(8)
            #expect(results.map(\.value) == ["value 0", nil, nil, nil, nil, nil, nil, "value 7"])
            let codes = results.map { $0.failure?.code }
            #expect(codes == [nil, .corrupted, .noMemory, .corrupted, .corrupted, .corrupted, .corrupted, nil])
            #expect(try pool.words(1).map(\.value) == ["value 0"])
        }
    }

    /// A result that is never empty.
    private struct Pair: Codable {
        let left: String
        let right: String
    }

    static func extents(_ kind: Kind) {
        Scene.run {
            let pool = try Scribbler(kind) { reach in
                let wild = reach.wildNumbers
                reach.setSlotWord(2 * reach.item, wild[reach.item / wild.count])
                reach.setSlotWord(2 * reach.item + 1, wild[reach.item % wild.count])
                reach.setState(of: reach.item, Reach.State.value)
            }
            let results = try pool.map(Reach.wildCount * Reach.wildCount, coded: true).decodedResults(as: Pair.self)
            for (item, result) in results.enumerated() {
                // Zeros within the arena are no message either.
                let code = result.failure?.code
                #expect(code == .corrupted || code == .notDecodable, "item \(item)")
            }
        }
    }

    static func errorChains(_ kind: Kind) {
        Scene.run {
            let round = SharedCounter()
            let pool = try Scribbler(kind) { reach in
                let start = reach.arenas.offset(reach.worker)
                let wild = reach.wildNumbers + [start + 8, start + 1001]
                let (newest, previous) = (round.value / wild.count % wild.count, round.value % wild.count)
                let lengths = [.min, -1, 0, 1, reach.arenas.size, .max]
                let length = lengths[(newest + previous) % lengths.count]
                for place in [0, 1000] {
                    reach.setError(at: place, of: 0, previous: wild[previous], length: length)
                }
                reach.setNewestError(wild[newest])
                reach.setState(of: 0, Reach.State.failed)
            }
            let count = Reach.wildCount + 2
            for _ in 0..<count * count {
                #expect(try pool.map(1).failures[0]?.code == .noMemory, "round \(round.value)")
                round.add()
            }
        }
    }

    static func randomBytes(_ kind: Kind) {
        Scene.run {
            let round = SharedCounter()
            let pool = try Scribbler(kind, workers: 3, options: .init(chunk: .fixed(40))) { reach in
                let seed = round.value
                if seed % 2 == 0 {
                    reach.give(coded: ["item": [UInt8(reach.item)]])
                } else {
                    reach.give(reach.item)
                }
                // The last item; one worker has all 40.
                guard reach.item == 39 else { return }
                var dice = Dice(state: UInt64(seed))
                func word() -> Int {
                    Int.random(in: .min ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                }
                for item in 0..<40 where Bool.random(using: &dice) {
                    reach.setState(of: item, .random(in: 0...4, using: &dice))
                }
                for place in 0..<100 { reach.setArenaWord(at: place * 8, word() & .max) }
                for place in 0..<(seed % 2 == 0 ? 80 : 40) { reach.setSlotWord(place, word()) }
                reach.setNewestError(word())
            }
            for seed in 0..<100 {
                let outcome = try pool.map(40, coded: seed % 2 == 0)
                #expect(outcome.results(of: Int.self).count == 40)
                #expect(outcome.decodedResults(as: [String: [UInt8]].self).count == 40)
                round.add()
            }
        }
    }

    static func forgedState(_ kind: Kind) {
        Scene.run {
            let pool = try Scribbler(kind, workers: 1) { reach in
                if reach.item == 2 { reach.setState(of: 4, Reach.State.value) }
                if reach.item == 4 { Process.killSelf() }
                reach.give(coded: "value \(reach.item)")
            }
            let results = try pool.words(6)
            #expect(results.map(\.value) == ["value 0", "value 1", "value 2", "value 3", nil, "value 5"])
            #expect(results[4].failure?.code == .corrupted)
        }
    }

    static func diesAfterPublishing(_ kind: Kind) {
        Scene.run {
            // One worker gets the whole chunk of 4, also after a crash; with 32 workers the states have their own page.
            let pool = try Scribbler(kind, workers: 32, options: .init(chunk: .fixed(4))) { reach in
                if reach.item == 1 {
                    // From here on the records are read-only: the next write to this worker's record kills it.
                    let page = reach.recordAddress(of: 0) / 4096 * 4096
                    unsafe mprotect(UnsafeMutableRawPointer(bitPattern: page), 4096, PROT_READ)
                }
                reach.give(coded: "value \(reach.item)")
            }
            let results = try pool.words(4)
            #expect(results[0].value == "value 0")
            // The result is whole or a failure, but never its successor's.
            #expect(results[1].value == "value 1" || results[1].failure?.code == .crashed)
            #expect(results[2].value == "value 2")
            #expect(results[3].value == "value 3")
        }
    }
}
