// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool

/// Scribbles on the cursor and on the workers' records; tests two kinds of pools, as `ScribbleTests` does.
@Suite struct ClaimScribbleTests {
    private static let kinds: [Kind] = [.oneShot, .residentBody]

    @Test("B9: a body that scribbles on the cursor spoils no result and keeps no caller waiting", arguments: kinds)
    func cursor(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ClaimScribbleScenes.cursor(kind) }
    }

    @Test(
        "B9: a body that claims a failure that never was cannot pass nothing off as results", arguments: kinds)
    func lowestFailure(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ClaimScribbleScenes.lowestFailure(kind) }
    }

    @Test("B9: a body that scribbles on the workers' records and dies costs no other item", arguments: kinds)
    func records(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in ClaimScribbleScenes.records(kind) }
    }

    @Test(
        "B9: a batch ends although its bodies for ever turn the cursor back or undo each other's results or records",
        arguments: kinds)
    func endless(_ kind: Kind) async {
        await #expect(processExitsWith: .success) { [kind] in
            ClaimScribbleScenes.endless(kind)
            ClaimScribbleScenes.undoing(kind)
        }
    }

    // Workers that stay read the same words.
    @Test("B9: a worker that inherits an impossible remaining range begins without one")
    func wildRemaining() async {
        await #expect(processExitsWith: .success) { ClaimScribbleScenes.wildRemaining() }
    }
}

private enum ClaimScribbleScenes {
    static func cursor(_ kind: Kind) {
        Scene.run {
            for value in [Int.min, .min + 1, -5, -1, 0, 10, 19, 20, 21, .max - 1, .max] {
                let scribbles = SharedCounter()
                let pool = try Scribbler(kind) { reach in
                    if reach.item == 4, scribbles.add() == 1 { reach.setCursor(value) }
                    reach.give(reach.item * 7)
                }
                #expect(try pool.numbers(20) == (0..<20).map { $0 * 7 }, "cursor \(value)")
                #expect(try pool.numbers(3) == [0, 7, 14])
            }
        }
    }

    static func lowestFailure(_ kind: Kind) {
        Scene.run {
            let right = [0, 7, 14, 21, 28, 35, 42, 49]
            for value in [Int.min, -1, 0, 2, 4, 7, 8, .max - 1] {
                for stopsAtFailure in [false, true] {
                    let scribbles = SharedCounter()
                    let pool = try Scribbler(kind) { reach in
                        if reach.item == 4, scribbles.add() == 1 { reach.setLowestFailure(value) }
                        reach.give(reach.item * 7)
                    }
                    let outcome = try pool.map(8, stopsAtFailure: stopsAtFailure)
                    if stopsAtFailure {
                        let results = try? outcome.array(of: Int.self)
                        #expect(results == nil || results == right, "lowest failure \(value)")
                    } else {
                        #expect(outcome.results(of: Int.self).map(\.value) == right, "lowest failure \(value)")
                    }
                    #expect(try pool.numbers(3) == [0, 7, 14])
                }
            }
        }
    }

    static func records(_ kind: Kind) {
        Scene.run {
            for position in [Int.min, -1, 0, 2, 5, 7, 8, .max] {
                for end in [Int.min, -1, 0, 3, 8, 9, .max] {
                    try records(kind, position, end, coded: kind == .oneShot)
                    if position == 2 { try records(kind, position, end, coded: kind != .oneShot) }
                }
            }
        }
    }

    private static func records(_ kind: Kind, _ position: Int, _ end: Int, coded: Bool) throws {
        let scribbles = SharedCounter()
        let pool = try Scribbler(kind) { reach in
            // In a resident pool the body scribbles once, on the worker's own record.
            if reach.item == 4, kind == .oneShot || scribbles.add() == 1 {
                for worker in kind == .oneShot ? [0, 1] : [reach.worker] {
                    reach.setRecord(of: worker, from: position, to: end)
                    // A wild block count may cost the worker its own coded results.
                    if !coded { reach.setBlocks(of: worker, used: end, touched: position) }
                }
                Process.killSelf()
            }
            if coded { reach.give(coded: reach.item * 7) } else { reach.give(reach.item * 7) }
        }
        for count in [8, 3] {
            let outcome = try pool.map(count, coded: coded)
            let results = coded ? outcome.decodedResults(as: Int.self) : outcome.results(of: Int.self)
            for (item, result) in results.enumerated() where result.value != nil { #expect(result.value == item * 7) }
            if count == 3 {
                #expect(results.compactMap(\.value) == [0, 7, 14])
            } else if kind == .oneShot {
                #expect(results[4].failure != nil)
            } else {
                #expect(results.count { $0.failure != nil } <= 2, "\(position), \(end)")
            }
        }
    }

    static func endless(_ kind: Kind) {
        Scene.run {
            let right = [0, 7, 14, 21, 28, 35, 42, 49]
            for value in [Int.min, -1, 0, 4, .max] {
                let turning = try Scribbler(kind) { reach in
                    reach.setCursor(value)
                    reach.give(reach.item * 7)
                }
                #expect(try turning.numbers(8) == right, "cursor \(value)")
            }
            let used = try Scribbler(kind, workers: 1, options: .init(chunk: .fixed(1), itemsPerWorker: 1)) { reach in
                reach.give(reach.item * 7)
                reach.setCursor(0)
            }
            #expect(try used.numbers(8) == right)
            let dying = try Scribbler(kind, workers: 1) { reach in
                reach.give(reach.item * 7)
                guard reach.item == 4 else { return }
                reach.setState(of: 4, Reach.State.unfinished)
                reach.setPosition(of: 0, 0, until: 8)
                Process.killSelf()
            }
            #expect(try dying.numbers(8)[4] == nil)
            // A resident pool does not for ever replace a worker that dies after each item.
            guard kind == .oneShot else { return }
            let turningAndDying = try Scribbler(kind) { reach in
                reach.setCursor(0)
                reach.give(reach.item * 7)
                Process.killSelf()
            }
            #expect(try turningAndDying.numbers(8) == right)
        }
    }

    static func undoing(_ kind: Kind) {
        Scene.run {
            let pool = try Scribbler(kind, workers: 1) { reach in
                reach.setState(of: (reach.item + 1) % 6, Reach.State.unfinished)
                reach.give(reach.item)
            }
            let results = try pool.map(6).results(of: Int.self)
            #expect(results.contains { $0.failure?.code == .corrupted })
            for item in 0..<6 where results[item].value != nil { #expect(results[item].value == item) }
        }
    }

    static func wildRemaining() {
        Scene.run {
            let wild = Reach.wildNumbers(near: [5])
            for start in wild {
                for end in wild where !(0..<5).contains(start) || end <= start || end > 5 {
                    let ran = try Scribbler.items(remaining: start, end)
                    #expect(ran == [0, 1, 2, 3, 4], "remaining range from \(start) to \(end)")
                }
            }
        }
    }
}
