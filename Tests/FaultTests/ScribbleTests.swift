import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite struct ScribbleTests {
    @Test("B9: a state that no worker writes is a failure of its item")
    func states() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.states() }
    }

    @Test("B9: an offset or length outside a worker's memory is a failure of its item")
    func extents() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.extents() }
    }

    @Test("B9: a chain of reports with wild links ends, and its items fail")
    func reportChains() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.reportChains() }
    }

    @Test("B9: random bytes everywhere but in the states never crash the parent")
    func randomBytes() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.randomBytes() }
    }

    @Test("B9: a body that scribbles on the cursor spoils no result")
    func cursor() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.cursor() }
    }

    @Test("B9: a body that claims a failure that never was cannot pass nothing off as results")
    func lowestFailure() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.lowestFailure() }
    }

    @Test("B9: a body that damages its record and dies costs no other item")
    func lines() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.lines() }
    }

    @Test("B9: bodies that undo each other's results for ever come to an end")
    func undoing() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.undoing() }
    }

    @Test("B9: a worker whose remaining range does not exist begins without one")
    func wildRemaining() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.wildRemaining() }
    }

    @Test("B9: a body that forges the state of a coded result makes a failure")
    func forgedState() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.forgedState() }
    }

    @Test("A9: a worker that dies right after it published leaves bytes that its successor keeps")
    func diesAfterPublishing() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.diesAfterPublishing() }
    }
}

/// A result that is never empty.
private struct Pair: Codable {
    let left: String
    let right: String
}

private enum ScribbleScenes {
    static func states() throws {
        Scene.setDeadline()
        // Without a report that one says the worker had no memory for any.
        for damage in [UInt8](3...255) where damage != ItemState.described {
            let outcome = try Bench.result(.init(of: Int.self, 20)) { region, results in
                for item in 0..<20 { unsafe results.slots.storeBytes(of: item, toByteOffset: item * 8, as: Int.self) }
                unsafe results.states[13].store(damage, ordering: .relaxed)
            }
            let results = outcome.results(of: Int.self)
            #expect(results.compactMap(\.value) == Array(0..<13) + Array(14..<20))
            #expect(results[13].failure?.code == .corrupted)
            #expect(results[13].failure?.index == 13)
        }
    }

    static func extents() throws {
        Scene.setDeadline()
        let arenas = try Pool(workers: 2, options: .init(), for: .oneBatch).layout.arenas
        let arena = arenas.offset(0)
        let wild = Bench.wildNumbers(near: [arena, arenas.offset(1), arenas.offset(2), arenas.size, 4096])
        for offset in wild {
            for length in wild {
                let outcome = try Bench.result(.coded(1)) { region, results in
                    unsafe results.slots.storeBytes(of: Extent(offset: offset, length: length), as: Extent.self)
                }
                // A share of zeros that lies within is no message either.
                let code = outcome.decodedResults(as: Pair.self)[0].failure?.code
                #expect(code == .corrupted || code == .notDecodable, "offset \(offset), length \(length)")
            }
        }
    }

    static func reportChains() throws {
        Scene.setDeadline()
        let link = MemoryLayout<WorkerErrorLink>.size
        let arenas = try Pool(workers: 2, options: .init(), for: .oneBatch).layout.arenas
        let arena = arenas.offset(1)
        let wild = Bench.wildNumbers(near: [arena, arena + 8, arena + arenas.size, arenas.offset(2), link])
        for newest in wild + [arena + 1001] {
            for previous in wild + [arena + 1001] {
                for length in [.min, -1, 0, 1, arenas.size, .max] {
                    let outcome = try Bench.result(.coded(2)) { region, results in
                        unsafe results.states[1].store(ItemState.failed, ordering: .relaxed)
                        unsafe region.batchSlot(0).newestError.pointee.store(newest, ordering: .relaxed)
                        let report = WorkerErrorLink(item: 1, previous: previous, length: length)
                        let arena = unsafe region.arenas.memory(1)
                        for place in [0, 1000] {
                            unsafe arena.storeBytes(of: report, toByteOffset: place, as: WorkerErrorLink.self)
                        }
                    }
                    #expect(outcome.failures[1]?.code == .noMemory)
                }
            }
        }
    }

    static func randomBytes() throws {
        Scene.setDeadline()
        for seed in 0..<300 {
            var dice = Dice(state: UInt64(seed))
            let layout: SlotLayout = seed % 2 == 0 ? .coded(40) : .init(of: Int.self, 40)
            let outcome = try Bench.result(layout, workers: 3) { region, results in
                for item in 0..<40 where Bool.random(using: &dice) {
                    unsafe results.states[item].store(.random(in: 0...4, using: &dice), ordering: .relaxed)
                }
                for worker in 0..<3 {
                    for word in 0..<16 {
                        let value = Int.random(in: .min ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                        unsafe region.record(worker).base.storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
                    }
                    for word in 0..<100 {
                        let value = Int.random(in: 0 ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                        unsafe region.arenas.memory(worker).storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
                    }
                }
                for word in 0..<(seed % 2 == 0 ? 80 : 40) {
                    let value = Int.random(in: .min ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                    unsafe results.slots.storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
                }
            }
            #expect(outcome.results(of: Int.self).count == 40)
            // A single zero byte within an arena is an empty dictionary; it is no `Pair`.
            #expect(outcome.decodedResults(as: Pair.self).allSatisfy { $0.failure != nil })
        }
    }

    static func cursor() throws {
        Scene.setDeadline()
        for value in [Int.min, .min + 1, -5, -1, 10, 19, 20, 21, .max - 1, .max] {
            let outcome = try Bench.map(.init(of: Int.self, 20)) { region, slot, item, writer in
                if item == 4 { unsafe slot.cursor.pointee.store(value, ordering: .relaxed) }
                writer.store(item * 7, at: item)
            }
            #expect(try outcome.array(of: Int.self) == (0..<20).map { $0 * 7 }, "cursor \(value)")
        }
    }

    static func lowestFailure() throws {
        Scene.setDeadline()
        let right = [0, 7, 14, 21, 28, 35, 42, 49]
        for value in [Int.min, -1, 0, 2, 4, 7, 8, .max - 1] {
            for stopsAtFailure in [false, true] {
                let layout = SlotLayout(of: Int.self, 8)
                let outcome = try Bench.map(layout, stopsAtFailure: stopsAtFailure) { region, slot, item, writer in
                    if item == 4 { unsafe slot.lowestFailure.pointee.store(value, ordering: .relaxed) }
                    writer.store(item * 7, at: item)
                }
                if stopsAtFailure {
                    let results = try? outcome.array(of: Int.self)
                    #expect(results == nil || results == right, "lowest failure \(value)")
                } else {
                    let results = outcome.results(of: Int.self)
                    #expect(results.map(\.value) == right, "lowest failure \(value)")
                }
            }
        }
    }

    static func lines() throws {
        Scene.setDeadline()
        for position in [Int.min, -1, 0, 2, 5, 7, 8, .max] {
            for end in [Int.min, -1, 0, 3, 8, 9, .max] {
                let outcome = try Bench.map(.coded(8)) { region, slot, item, writer in
                    if item == 4 {
                        for worker in 0..<2 {
                            let record = region.record(worker)
                            unsafe record.position.pointee.store(position, ordering: .relaxed)
                            unsafe record.end.pointee.store(end, ordering: .relaxed)
                            unsafe record.finish.pointee.store(position, ordering: .relaxed)
                            unsafe slot.newestError.pointee.store(end, ordering: .relaxed)
                        }
                        Process.killSelf()
                    }
                    _ = writer.encode("value \(item)", at: item)
                }
                let results = outcome.decodedResults(as: String.self)
                #expect(results[4].failure != nil)
                for item in 0..<8 where results[item].value != nil { #expect(results[item].value == "value \(item)") }
            }
        }
    }

    static func undoing() throws {
        Scene.setDeadline()
        let outcome = try Bench.map(.init(of: Int.self, 6), workers: 1) { region, slot, item, writer in
            unsafe writer.states[(item + 1) % 6].store(ItemState.unfinished, ordering: .relaxed)
            writer.store(item, at: item)
        }
        let results = outcome.results(of: Int.self)
        #expect(results.contains { $0.failure?.code == .corrupted })
        for item in 0..<6 where results[item].value != nil { #expect(results[item].value == item) }
    }

    static func wildRemaining() throws {
        Scene.setDeadline()
        let wild = Bench.wildNumbers(near: [5])
        for start in wild {
            for end in wild where !(0..<5).contains(start) || end <= start || end > 5 {
                let (pool, batch) = try Bench.open(.init(of: Int.self, 5), workers: 1)
                let region = pool.layout
                var ran: [Int] = []
                region.batchSlot(0).inside.insert(0)
                unsafe region.record(0).batchSlot.pointee.store(1, ordering: .relaxed)
                unsafe region.record(0).remainingStart.pointee.store(start, ordering: .relaxed)
                unsafe region.record(0).remainingEnd.pointee.store(end, ordering: .relaxed)
                var loop = WorkerLoop(
                    worker: 0, region: region, settings: WorkerSettings(pool.options),
                    eventFD: pool.event.descriptor, blocks: BlockWriter(region: region)
                ) { range, _, _ in
                    ran += range
                    return true
                }
                #expect(loop.run() == WorkerRecord.Finish.done)
                extendLifetime(batch)
                pool.endWithoutWorkers(.cancelled)
                #expect(ran == [0, 1, 2, 3, 4], "remaining range from \(start) to \(end)")
            }
        }
    }

    static func forgedState() throws {
        Scene.setDeadline()
        let outcome = try Bench.map(.coded(6), workers: 1) { region, slot, item, writer in
            if item == 2 { unsafe writer.states[4].store(ItemState.value, ordering: .relaxed) }
            if item == 4 { Process.killSelf() }
            _ = writer.encode("value \(item)", at: item)
        }
        let results = outcome.decodedResults(as: String.self)
        #expect(results.map(\.value) == ["value 0", "value 1", "value 2", "value 3", nil, "value 5"])
        #expect(results[4].failure?.code == .corrupted)
    }

    static func diesAfterPublishing() throws {
        Scene.setDeadline()
        // One chunk of 4 goes to one arena, also after a death; behind 32 records the states are in the second page.
        let outcome = try Bench.map(.coded(4), workers: 32, chunk: 4) { region, slot, item, writer in
            if item == 1 {
                // From here on the records cannot be written: the next write to them kills this worker.
                let record = unsafe UInt(bitPattern: region.record(0).base)
                unsafe mprotect(UnsafeMutableRawPointer(bitPattern: record / 4096 * 4096), 4096, PROT_READ)
            }
            _ = writer.encode("value \(item)", at: item)
        }
        let results = outcome.decodedResults(as: String.self)
        #expect(results[0].value == "value 0")
        // It is whole or a failure, but never what its successor wrote.

        #expect(results[1].value == "value 1" || results[1].failure?.code == .crashed)
        #expect(results[2].value == "value 2")
        #expect(results[3].value == "value 3")
    }
}
