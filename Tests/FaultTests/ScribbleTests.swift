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

    @Test("B9: a body that scribbles on its scoreboard line and dies costs no other item")
    func lines() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.lines() }
    }

    @Test("B9: bodies that undo each other's results for ever come to an end")
    func undoing() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.undoing() }
    }

    @Test("B9: a worker that is told to begin with items that do not exist begins with none")
    func wildLeftover() async {
        await #expect(processExitsWith: .success) { try ScribbleScenes.wildLeftover() }
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
            let outcome = try Bench.outcome(.init(of: Int.self, 20)) { memory in
                for item in 0..<20 { unsafe memory.slots.storeBytes(of: item, toByteOffset: item * 8, as: Int.self) }
                unsafe memory.states[13].store(damage, ordering: .relaxed)
            }
            let results = outcome.results(of: Int.self)
            #expect(results.compactMap(\.value) == Array(0..<13) + Array(14..<20))
            #expect(results[13].failure?.code == .corrupted)
            #expect(results[13].failure?.index == 13)
        }
    }

    static func extents() throws {
        Scene.setDeadline()
        let probe = try Region(workers: 2, layout: .coded(2)).prepare(.coded(2))
        let arena = probe.arenaOffset(0)
        let wild = Bench.wildNumbers(near: [arena, probe.arenaOffset(1), probe.arenaOffset(2), probe.arenaSize, 4096])
        for offset in wild {
            for length in wild {
                let outcome = try Bench.outcome(.coded(1)) { memory in
                    unsafe memory.slots.storeBytes(of: Extent(offset: offset, length: length), as: Extent.self)
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
        let probe = try Region(workers: 2, layout: .coded(2)).prepare(.coded(2))
        let arena = probe.arenaOffset(1)
        let wild = Bench.wildNumbers(near: [arena, arena + 8, arena + probe.arenaSize, probe.arenaOffset(2), link])
        for newest in wild + [arena + 1001] {
            for previous in wild + [arena + 1001] {
                for length in [.min, -1, 0, 1, probe.arenaSize, .max] {
                    let outcome = try Bench.outcome(.coded(2)) { memory in
                        unsafe memory.states[1].store(ItemState.failed, ordering: .relaxed)
                        unsafe memory.line(1).newestError.pointee.store(newest, ordering: .relaxed)
                        let report = WorkerErrorLink(item: 1, previous: previous, length: length)
                        for place in [0, 1000] {
                            unsafe memory.arena(1).storeBytes(of: report, toByteOffset: place, as: WorkerErrorLink.self)
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
            let layout: Region.Layout = seed % 2 == 0 ? .coded(40) : .init(of: Int.self, 40)
            let outcome = try Bench.outcome(layout, workers: 3) { memory in
                for item in 0..<40 where Bool.random(using: &dice) {
                    unsafe memory.states[item].store(.random(in: 0...4, using: &dice), ordering: .relaxed)
                }
                for worker in 0..<3 {
                    for word in 0..<16 {
                        let value = Int.random(in: .min ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                        unsafe memory.line(worker).base.storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
                    }
                    for word in 0..<100 {
                        let value = Int.random(in: 0 ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                        unsafe memory.arena(worker).storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
                    }
                }
                for word in 0..<(seed % 2 == 0 ? 80 : 40) {
                    let value = Int.random(in: .min ... .max, using: &dice) >> Int.random(in: 0..<64, using: &dice)
                    unsafe memory.slots.storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
                }
            }
            #expect(outcome.results(of: Int.self).count == 40)
            #expect(outcome.decodedResults(as: [String: [UInt8]].self).allSatisfy { $0.failure != nil })
        }
    }

    static func cursor() throws {
        Scene.setDeadline()
        for value in [Int.min, .min + 1, -5, -1, 10, 19, 20, 21, .max - 1, .max] {
            let outcome = try Bench.map(.init(of: Int.self, 20)) { memory, item, desk in
                if item == 4 { unsafe memory.cursor.pointee.store(value, ordering: .relaxed) }
                desk.store(item * 7, at: item)
            }
            #expect(try outcome.array(of: Int.self) == (0..<20).map { $0 * 7 }, "cursor \(value)")
        }
    }

    static func lowestFailure() throws {
        Scene.setDeadline()
        let right = [0, 7, 14, 21, 28, 35, 42, 49]
        for value in [Int.min, -1, 0, 2, 4, 7, 8, .max - 1] {
            for stopsAtFailure in [false, true] {
                let layout = Region.Layout(of: Int.self, 8)
                let outcome = try Bench.map(layout, stopsAtFailure: stopsAtFailure) { memory, item, desk in
                    if item == 4 { unsafe memory.lowestFailure.pointee.store(value, ordering: .relaxed) }
                    desk.store(item * 7, at: item)
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
                let outcome = try Bench.map(.coded(8)) { memory, item, desk in
                    if item == 4 {
                        for worker in 0..<2 {
                            let line = memory.line(worker)
                            unsafe line.position.pointee.store(position, ordering: .relaxed)
                            unsafe line.end.pointee.store(end, ordering: .relaxed)
                            unsafe line.finish.pointee.store(position, ordering: .relaxed)
                            unsafe line.newestError.pointee.store(end, ordering: .relaxed)
                        }
                        Process.killSelf()
                    }
                    _ = desk.encode("value \(item)", at: item)
                }
                let results = outcome.decodedResults(as: String.self)
                #expect(results[4].failure != nil)
                for item in 0..<8 where results[item].value != nil { #expect(results[item].value == "value \(item)") }
            }
        }
    }

    static func undoing() throws {
        Scene.setDeadline()
        let outcome = try Bench.map(.init(of: Int.self, 6), workers: 1) { memory, item, desk in
            unsafe memory.states[(item + 1) % 6].store(ItemState.unfinished, ordering: .relaxed)
            desk.store(item, at: item)
        }
        let results = outcome.results(of: Int.self)
        #expect(results.contains { $0.failure?.code == .corrupted })
        for item in 0..<6 where results[item].value != nil { #expect(results[item].value == item) }
    }

    static func wildLeftover() throws {
        Scene.setDeadline()
        let wild = Bench.wildNumbers(near: [5])
        for start in wild {
            for end in wild where !(0..<5).contains(start) || end <= start || end > 5 {
                let region = try Region(workers: 1, layout: .init(of: Int.self, 5))
                let memory = region.prepare(.init(of: Int.self, 5))
                var ran: [Int] = []
                let context = WorkerContext(
                    memory: memory, options: .init(chunk: .fixed(1)), workers: 1, stopsAtFailure: false
                ) {
                    (range, desk) in
                    ran += range
                    return true
                }
                unsafe memory.line(0).remainingStart.pointee.store(start, ordering: .relaxed)
                unsafe memory.line(0).remainingEnd.pointee.store(end, ordering: .relaxed)
                withExtendedLifetime(region) { context.run(worker: 0) }
                #expect(ran == [0, 1, 2, 3, 4], "leftover from \(start) to \(end)")
            }
        }
    }

    static func forgedState() throws {
        Scene.setDeadline()
        let outcome = try Bench.map(.coded(6), workers: 1) { memory, item, desk in
            if item == 2 { unsafe memory.states[4].store(ItemState.value, ordering: .relaxed) }
            if item == 4 { Process.killSelf() }
            _ = desk.encode("value \(item)", at: item)
        }
        let results = outcome.decodedResults(as: String.self)
        #expect(results.map(\.value) == ["value 0", "value 1", "value 2", "value 3", nil, "value 5"])
        #expect(results[4].failure?.code == .corrupted)
    }

    static func diesAfterPublishing() throws {
        Scene.setDeadline()
        // One chunk of 4 goes to one arena, also after a death; with 32 lines the states are on a page of their own.
        let outcome = try Bench.map(.coded(4), workers: 32, chunk: 4) { memory, item, desk in
            if item == 1 {
                // From here on the scoreboard cannot be written: whatever is to be said there kills this worker.
                let line = unsafe UInt(bitPattern: memory.line(0).base)
                unsafe mprotect(UnsafeMutableRawPointer(bitPattern: line / 4096 * 4096), 4096, PROT_READ)
            }
            _ = desk.encode("value \(item)", at: item)
        }
        let results = outcome.decodedResults(as: String.self)
        #expect(results[0].value == "value 0")
        // It is whole or a failure, but never what its successor wrote.

        #expect(results[1].value == "value 1" || results[1].failure?.code == .crashed)
        #expect(results[2].value == "value 2")
        #expect(results[3].value == "value 3")
    }
}
