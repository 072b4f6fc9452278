// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite struct DamageTests {
    @Test("B9: words that callers and workers sleep on, scribbled, wake every sleeper")
    func sleepWords() async {
        await #expect(processExitsWith: .success) { DamageScenes.sleepWords() }
    }

    @Test("B9: a wild count of the workers inside a batch keeps no caller waiting")
    func inside() async {
        await #expect(processExitsWith: .success) { DamageScenes.inside() }
    }

    @Test("B9: a batch that a wild write opens or closes does not stay so")
    func open() async {
        await #expect(processExitsWith: .success) { DamageScenes.open() }
    }

    @Test("B9: a wild write of the closing flag neither closes a pool nor keeps one open")
    func closing() async {
        await #expect(processExitsWith: .success) { DamageScenes.closing() }
    }

    @Test("B9: a scribbled layout of a batch costs its other items nothing")
    func layout() async {
        await #expect(processExitsWith: .success) { DamageScenes.layout() }
    }

    @Test("B9: a worker that denies its finished set-up does not end the pool")
    func notSetUp() async {
        await #expect(processExitsWith: .success) { DamageScenes.notSetUp() }
    }

    @Test("B9: a worker that scribbles on the tags of its blocks harms its own results at most")
    func blockTags() async {
        await #expect(processExitsWith: .success) { DamageScenes.blockTags() }
    }

    @Test("B7: only the worker itself, which knows what it marks, lowers its count of used blocks")
    func freedBlocks() async {
        await #expect(processExitsWith: .success) { DamageScenes.freedBlocks() }
    }

    @Test("B9: a wild number of used blocks is not believed twice")
    func blocksUsed() async {
        await #expect(processExitsWith: .success) { DamageScenes.blocksUsed() }
    }

    @Test("B9: a stream whose items are skipped, or undone after their batch has ended, goes on")
    func streams() async {
        await #expect(processExitsWith: .success) { DamageScenes.streams() }
    }
}

private enum DamageScenes {
    /// Runs batches in a pool whose body does some damage at item 4, once; expects right results all the same.
    private static func expectRight(
        after damage: @escaping (Reach) -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let scribbles = SharedCounter()
        let pool = try Scribbler { reach in
            if reach.item == 4, scribbles.add() == 1 { damage(reach) }
            reach.give(reach.item * 7)
        }
        #expect(try pool.numbers(8) == [0, 7, 14, 21, 28, 35, 42, 49], sourceLocation: sourceLocation)
        #expect(try pool.numbers(3) == [0, 7, 14], sourceLocation: sourceLocation)
    }

    static func sleepWords() {
        Scene.run {
            for value in [UInt32(0), 1, 77, .max] {
                try expectRight { reach in
                    for worker in 0..<2 {
                        reach.setSleepWords(of: worker, value)
                        reach.layout.sleepers.remove(worker)
                        reach.layout.seekers.insert(worker)
                    }
                    reach.setEndedWord(value & 4)
                    _ = reach.layout.itemEnded.signal()
                }
            }
        }
    }

    static func inside() {
        Scene.run {
            try expectRight { reach in
                for worker in 0..<64 {
                    reach.slot.inside.insert(worker)
                    reach.layout.batchSlot(63).inside.insert(worker)
                }
            }
            try expectRight { reach in for worker in 2..<64 { reach.layout.sleepers.insert(worker) } }
        }
    }

    static func open() {
        Scene.run {
            try expectRight { reach in for number in 0..<64 { reach.layout.open.insert(number) } }
            try expectRight { reach in for number in 0..<64 { reach.layout.open.remove(number) } }
            for phase in [0, 1, -1, .max] {
                try expectRight { reach in reach.setPhase(phase) }
            }
        }
    }

    static func closing() {
        Scene.run {
            try expectRight { reach in reach.setClosing(1) }
            let pool = try Scribbler { reach in reach.give(reach.item) }
            #expect(try pool.numbers(1) == [0])
            let over = Atomic(false)
            Threads.run(2) { number in
                if number == 0 {
                    pool.close()
                    over.store(true, ordering: .releasing)
                } else {
                    // Undo the closing flag as soon as the pool sets it.
                    while !over.load(ordering: .acquiring), pool.closing == 0 {}
                    pool.setClosing(0)
                }
            }
        }
    }

    static func layout() {
        Scene.run {
            for wild in Reach.wildNumbers(near: [0, 64 << 30]) {
                let scribbles = SharedCounter()
                let pool = try Scribbler(workers: 1) { reach in
                    if reach.item == 4, scribbles.add() == 1 {
                        reach.setBatchLayout(wild)
                        Process.killSelf()
                    }
                    reach.give(reach.item * 7)
                }
                #expect(try pool.numbers(8) == [0, 7, 14, 21, nil, 35, 42, 49], "\(wild)")
            }
        }
    }

    static func notSetUp() {
        Scene.run {
            let scribbles = SharedCounter()
            let pool = try Scribbler { reach in
                if reach.item == 4 {
                    reach.setNotSetUp(reach.worker, failed: scribbles.add() == 1)
                    abort()
                }
                reach.give(reach.item * 7)
            }
            for _ in 0..<2 { #expect(try pool.numbers(8) == [0, 7, 14, 21, nil, 35, 42, 49]) }
        }
    }

    static func blockTags() {
        Scene.run {
            let pool = try Scribbler(workers: 1) { reach in
                let tags = unsafe reach.layout.blockTags(0)
                if reach.item == 3 { for block in 0..<64 { unsafe tags[block] = UInt32(block % 5) } }
                reach.give(coded: String(repeating: "\(reach.item)", count: 20_000))
            }
            for _ in 0..<20 { #expect(try pool.words(6).count == 6) }
        }
    }

    static func freedBlocks() {
        Scene.run {
            let calls = SharedCounter()
            let pool = try Scribbler(workers: 1) { reach in
                let call = calls.add()
                reach.give(coded: [UInt8](repeating: UInt8(call), count: call == 2 ? 80 << 20 : 3))
            }
            let first = try pool.batch(1, coded: true)
            _ = try pool.map(1, coded: true)
            #expect(pool.blocksUsed > 5000)
            var third = try pool.map(1, coded: true)
            // The supervisor may hold the second map a little longer than this thread.
            while pool.blocksUsed != 2 { third = try pool.map(1, coded: true) }
            #expect(first.result().decodedResults(as: [UInt8].self).map(\.value) == [[1, 1, 1]])
            #expect(third.decodedResults(as: [UInt8].self).map(\.value?.count) == [3])
        }
    }

    static func blocksUsed() {
        Scene.run {
            let pool = try Scribbler(workers: 1) { reach in
                reach.setBlocks(of: 0, used: .max, touched: reach.blocksTouched(of: 0))
                reach.give(coded: "value \(reach.item)")
            }
            let kept = try pool.batch(1, coded: true)
            #expect(try pool.words(3).map(\.value) == ["value 0", "value 1", "value 2"])
            // The worker corrects it when it begins the next batch.
            let blocks = SharedCounter()
            let other = try Scribbler(workers: 1) { reach in
                reach.give(coded: "value \(reach.item)")
                blocks.add(reach.blocksUsed(of: 0))
            }
            other.blocksUsed = 1 << 19
            _ = try other.map(1, coded: true)
            #expect(blocks.value < 100)
            extendLifetime(kept)
        }
    }

    static func streams() {
        Scene.run {
            for order in [ForkPool.Order.input, .completion] {
                let scribbles = SharedCounter()
                let pool = try Scribbler(workers: 1) { reach in
                    if scribbles.add() == 2 { reach.setCursor(.max) }
                    reach.give(reach.item * 7)
                }
                let stream = pool.stream(batches: 3, order: order)
                var results: [Int: Int] = [:]
                let run = StreamRun<Int>()
                while stream.fill(run) {
                    while let (index, result) = run.takeAny() { results[index] = result.value }
                }
                #expect((0..<12).map { results[$0] } == (0..<12).map { $0 % 4 * 7 })
                #expect(try pool.undoneResult(1, of: 4) == .corrupted)
            }
        }
    }
}
