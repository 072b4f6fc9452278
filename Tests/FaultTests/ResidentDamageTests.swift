import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite struct ResidentDamageTests {
    @Test("B9: words that callers and workers sleep on, scribbled, keep nobody asleep")
    func sleepWords() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.sleepWords() }
    }

    @Test("B9: workers that are said to be inside of a batch, and are not, keep nobody waiting")
    func inside() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.inside() }
    }

    @Test("B9: a batch that is said to be open, or closed, is neither for long")
    func open() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.open() }
    }

    @Test("B9: a pool that is said to close goes on, and one that is said not to closes")
    func closing() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.closing() }
    }

    @Test("B9: a batch's places, scribbled, cost its other items nothing")
    func places() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.places() }
    }

    @Test("B9: a worker that says it was not set up after it was ends no pool")
    func notSetUp() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.notSetUp() }
    }

    @Test("B9: bodies that turn the cursor back, or their line, again and again come to an end")
    func endless() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.endless() }
    }

    @Test("B7: how far blocks are used is lowered by their worker alone, which knows what it marks")
    func freedBlocks() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.freedBlocks() }
    }

    @Test("B9: a wild number of used blocks is not believed twice")
    func blocksUsed() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.blocksUsed() }
    }

    @Test("B9: a stream whose items are skipped, or undone after their batch has ended, goes on")
    func streams() async {
        await #expect(processExitsWith: .success) { ResidentDamageScenes.streams() }
    }
}

private enum ResidentDamageScenes {
    private static func scene(_ work: () throws -> Void) {
        Scene.setDeadline()
        do { try work() } catch { Issue.record(error) }
    }

    /// Runs batches in a pool whose body does some damage at item 4, once; expects right answers in spite of it.
    private static func expectRight(
        after damage: @escaping (RegionLayout, BatchSlot) -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let scribbles = SharedCounter()
        let pool = try Scribbler { memory, entry, item, desk in
            if item == 4, scribbles.add() == 1 { damage(memory, entry) }
            desk.store(item * 7, at: item)
        }
        #expect(try pool.numbers(8) == [0, 7, 14, 21, 28, 35, 42, 49], sourceLocation: sourceLocation)
        #expect(try pool.numbers(3) == [0, 7, 14], sourceLocation: sourceLocation)
    }

    static func sleepWords() {
        scene {
            for value in [UInt32(0), 1, 77, .max] {
                try expectRight { memory, entry in
                    for worker in 0..<2 {
                        let record = memory.record(worker)
                        for offset in [64, 96] {
                            unsafe record.base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
                        }
                        memory.sleepers.remove(worker)
                        memory.seekers.insert(worker)
                    }
                    unsafe entry.base.storeBytes(of: value & 4, toByteOffset: 280, as: UInt32.self)
                    _ = memory.itemEnded.signal()
                }
            }
        }
    }

    static func inside() {
        scene {
            try expectRight { memory, entry in
                for worker in 0..<64 {
                    entry.inside.insert(worker)
                    memory.batchSlot(63).inside.insert(worker)
                }
            }
            try expectRight { memory, entry in
                for worker in 2..<64 { memory.sleepers.insert(worker) }
            }
        }
    }

    static func open() {
        scene {
            try expectRight { memory, _ in for number in 0..<memory.batchSlots { memory.open.insert(number) } }
            try expectRight { memory, _ in for number in 0..<memory.batchSlots { memory.open.remove(number) } }
            for phase in [0, 1, -1, .max] {
                try expectRight { _, entry in unsafe entry.phase.pointee.store(phase, ordering: .relaxed) }
            }
        }
    }

    static func closing() {
        scene {
            try expectRight { memory, _ in unsafe memory.closing.pointee.store(1, ordering: .relaxed) }
            let pool = try ForkPool(workers: 2).resident { (number: Int) in number }
            #expect(try pool(5) == 5)
            let memory = pool.pool.layout
            let over = Atomic(false)
            Process.onThreads(2) { number in
                if number == 0 {
                    pool.close()
                    over.store(true, ordering: .releasing)
                } else {
                    while !over.load(ordering: .acquiring) {
                        if unsafe memory.closing.pointee.load(ordering: .relaxed) != 0 { break }
                    }
                    unsafe memory.closing.pointee.store(0, ordering: .relaxed)
                }
            }
        }
    }

    static func places() {
        scene {
            for wild in Bench.wildNumbers(near: [0, 64 << 30]) {
                let scribbles = SharedCounter()
                let pool = try Scribbler(workers: 1) { _, entry, item, desk in
                    if item == 4, scribbles.add() == 1 {
                        for word in 144...168 where word % 8 == 0 {
                            unsafe entry.base.storeBytes(of: wild, toByteOffset: word, as: Int.self)
                        }
                        unsafe entry.limit.pointee.store(wild, ordering: .relaxed)
                        Process.killSelf()
                    }
                    desk.store(item * 7, at: item)
                }
                #expect(try pool.numbers(8) == [0, 7, 14, 21, nil, 35, 42, 49], "\(wild)")
            }
        }
    }

    static func notSetUp() {
        scene {
            let scribbles = SharedCounter()
            let pool = try Scribbler { memory, _, item, desk in
                if item == 4 {
                    let line = memory.record(ForkPool.worker?.index ?? 0)
                    let isFirst = scribbles.add() == 1
                    unsafe line.stage.pointee.store(WorkerRecord.Stage.starting, ordering: .relaxed)
                    if isFirst { unsafe line.finish.pointee.store(WorkerRecord.Finish.notSetUp, ordering: .relaxed) }
                    abort()
                }
                desk.store(item * 7, at: item)
            }
            for _ in 0..<2 { #expect(try pool.numbers(8) == [0, 7, 14, 21, nil, 35, 42, 49]) }
        }
    }

    static func endless() {
        scene {
            let turning = try Scribbler { _, entry, item, desk in
                unsafe entry.cursor.pointee.store(0, ordering: .relaxed)
                desk.store(item * 7, at: item)
            }
            #expect(try turning.numbers(8) == [0, 7, 14, 21, 28, 35, 42, 49])
            let used = try Scribbler(workers: 1, options: .init(chunk: .fixed(1), itemsPerWorker: 1)) {
                (_, entry, item, desk) in
                desk.store(item * 7, at: item)
                unsafe entry.cursor.pointee.store(0, ordering: .relaxed)
            }
            #expect(try used.numbers(8) == [0, 7, 14, 21, 28, 35, 42, 49])
            let dying = try Scribbler(workers: 1) { memory, _, item, desk in
                desk.store(item * 7, at: item)
                guard item == 4 else { return }
                unsafe desk.states[4].store(ItemState.unfinished, ordering: .relaxed)
                unsafe memory.record(0).position.pointee.store(0, ordering: .relaxed)
                unsafe memory.record(0).end.pointee.store(8, ordering: .relaxed)
                Process.killSelf()
            }
            #expect(try dying.numbers(8)[4] == nil)
            for dies in [false, true] {
                let outcome = try Bench.map(.init(of: Int.self, 8)) { _, slot, item, desk in
                    unsafe slot.cursor.pointee.store(0, ordering: .relaxed)
                    desk.store(item * 7, at: item)
                    if dies { Process.killSelf() }
                }
                #expect(outcome.results(of: Int.self).map(\.value) == [0, 7, 14, 21, 28, 35, 42, 49])
            }
        }
    }

    static func freedBlocks() {
        scene {
            let calls = SharedCounter()
            let pool = try Scribbler(workers: 1) { _, _, item, desk in
                let call = calls.add()
                _ = desk.encode([UInt8](repeating: UInt8(call), count: call == 2 ? 80 << 20 : 3), at: item)
            }
            let used = { unsafe pool.core.layout.record(0).blocksUsed.pointee.load(ordering: .relaxed) }
            let first = try pool.map(1, stride: 16)
            _ = try pool.map(1, stride: 16)
            #expect(used() > 5000)
            var third = try pool.map(1, stride: 16)
            // The keeper may have held the second map a little longer than this did.
            while used() != 2 { third = try pool.map(1, stride: 16) }
            #expect(first.1.decodedResults(as: [UInt8].self).map(\.value) == [[1, 1, 1]])
            #expect(third.1.decodedResults(as: [UInt8].self).map(\.value?.count) == [3])
        }
    }

    static func blocksUsed() {
        scene {
            let pool = try Scribbler(workers: 1) { memory, _, item, desk in
                unsafe memory.record(0).blocksUsed.pointee.store(.max, ordering: .relaxed)
                _ = desk.encode("value \(item)", at: item)
            }
            let kept = try pool.map(1, stride: 16).0
            let words = try pool.map(3, stride: 16).1.decodedResults(as: String.self).map(\.value)
            #expect(words == ["value 0", "value 1", "value 2"])
            // The worker sets it right when it begins with the next batch.
            let blocks = SharedCounter()
            let other = try Scribbler(workers: 1) { memory, _, item, desk in
                _ = desk.encode("value \(item)", at: item)
                unsafe blocks.add(memory.record(0).blocksUsed.pointee.load(ordering: .relaxed))
            }
            unsafe other.core.layout.record(0).blocksUsed.pointee.store(1 << 19, ordering: .relaxed)
            _ = try other.map(1, stride: 16)
            #expect(blocks.value < 100)
            extendLifetime(kept)
        }
    }

    static func streams() {
        scene {
            for order in [ForkPool.Order.input, .completion] {
                let scribbles = SharedCounter()
                let pool = try Scribbler(workers: 1) { memory, entry, item, desk in
                    if scribbles.add() == 2 { unsafe entry.cursor.pointee.store(.max, ordering: .relaxed) }
                    desk.store(item * 7, at: item)
                }
                let shape = Batch.Shape(
                    count: 4, inputStride: 0, slotStride: 8, stopsAtFailure: false, signalsItems: true)
                var portions = 3
                let stream = StreamState<Int>(pool: pool.core, output: .plain, order: order, window: nil) {
                    (_) throws(ForkPool.Failure) in
                    portions -= 1
                    return portions >= 0 ? try pool.core.makeBatch(shape) : nil
                }
                var results: [Int: Int] = [:]
                while let (index, result) = stream.next() { results[index] = result.value }
                #expect((0..<12).map { results[$0] } == (0..<12).map { $0 % 4 * 7 })
                let batch = try pool.core.makeBatch(shape)
                try pool.core.submit(batch)
                pool.core.wait(for: batch)
                unsafe batch.results.states[1].store(ItemState.unfinished, ordering: .relaxed)
                #expect(batch.isOver(1))
                #expect(pool.core.failure(of: 1, in: batch).code == .corrupted)
            }
        }
    }
}
