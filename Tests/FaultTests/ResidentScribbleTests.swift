import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite struct ResidentScribbleTests {
    @Test("B9: a resident worker that scribbles on a batch's cursor keeps nobody waiting")
    func cursor() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.cursor() }
    }

    @Test("B9: a resident worker that claims a failure that never was cannot pass nothing off as results")
    func lowestFailure() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.lowestFailure() }
    }

    @Test("B9: a resident worker that scribbles on the scoreboard and dies costs no other item")
    func lines() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.lines() }
    }

    @Test("B9: a resident worker that scribbles on states and slots makes failures of these items")
    func statesAndSlots() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.statesAndSlots() }
    }

    @Test("B9: a chain of reports with wild links ends, and its items fail")
    func reportChains() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.reportChains() }
    }

    @Test("B9: a resident worker that scribbles on the tags of its blocks harms its own results at most")
    func blockTags() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.blockTags() }
    }

    @Test("B9: resident bodies that undo each other's results for ever come to an end")
    func undoing() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.undoing() }
    }

    @Test("B9: an exec'd worker believes no memory but its pool's")
    func otherMemory() async {
        await #expect(processExitsWith: .success) { ResidentScribbleScenes.otherMemory() }
    }
}

private enum ResidentScribbleScenes {
    private static func scene(_ work: () throws -> Void) {
        Scene.setDeadline()
        do { try work() } catch { Issue.record(error) }
    }

    static func cursor() {
        scene {
            for value in [Int.min, .min + 1, -5, -1, 0, 10, 19, 20, 21, .max - 1, .max] {
                let scribbles = SharedCounter()
                let pool = try Scribbler { _, entry, item, desk in
                    if item == 4, scribbles.add() == 1 { unsafe entry.cursor.pointee.store(value, ordering: .relaxed) }
                    desk.store(item * 7, at: item)
                }
                #expect(try pool.numbers(20) == (0..<20).map { $0 * 7 }, "cursor \(value)")
                #expect(try pool.numbers(3) == [0, 7, 14])
            }
        }
    }

    static func lowestFailure() {
        scene {
            let right = [0, 7, 14, 21, 28, 35, 42, 49]
            for value in [Int.min, -1, 0, 2, 4, 7, 8, .max - 1] {
                for stopsAtFailure in [false, true] {
                    let scribbles = SharedCounter()
                    let pool = try Scribbler { _, entry, item, desk in
                        if item == 4, scribbles.add() == 1 {
                            unsafe entry.lowestFailure.pointee.store(value, ordering: .relaxed)
                        }
                        desk.store(item * 7, at: item)
                    }
                    let outcome = try pool.map(8, stopsAtFailure: stopsAtFailure).1
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

    static func lines() {
        scene {
            for position in [Int.min, -1, 0, 2, 7, .max] {
                for end in [Int.min, -1, 0, 3, 8, 9, .max] {
                    let scribbles = SharedCounter()
                    let pool = try Scribbler { memory, entry, item, desk in
                        if item == 4, scribbles.add() == 1 {
                            let line = memory.record(Int(cforkpoolWorker()))
                            unsafe line.position.pointee.store(position, ordering: .relaxed)
                            unsafe line.end.pointee.store(end, ordering: .relaxed)
                            unsafe entry.newestError.pointee.store(end, ordering: .relaxed)
                            unsafe line.remainingStart.pointee.store(position, ordering: .relaxed)
                            unsafe line.remainingEnd.pointee.store(end, ordering: .relaxed)
                            unsafe line.blocksUsed.pointee.store(end, ordering: .relaxed)
                            unsafe line.blocksTouched.pointee.store(position, ordering: .relaxed)
                            Process.killSelf()
                        }
                        desk.store(item * 7, at: item)
                    }
                    let results = try pool.numbers(8)
                    for (item, result) in results.enumerated() where result != nil { #expect(result == item * 7) }
                    #expect(results.count { $0 == nil } <= 2, "\(results)")
                    #expect(try pool.numbers(3) == [0, 7, 14])
                }
            }
        }
    }

    static func statesAndSlots() {
        scene {
            let pool = try Scribbler { memory, entry, item, desk in
                _ = desk.encode("value \(item)", at: item)
                switch item {
                case 1: unsafe desk.states[1].store(0xA7, ordering: .relaxed)
                case 2: unsafe desk.states[2].store(ItemState.failed, ordering: .relaxed)
                case 3: unsafe desk.states[3].store(ItemState.lost, ordering: .relaxed)
                case 4: unsafe desk.slots.storeBytes(of: .max, toByteOffset: 64, as: Int.self)
                case 5: unsafe desk.slots.storeBytes(of: .max, toByteOffset: 88, as: Int.self)
                case 6: unsafe desk.slots.storeBytes(of: -1, toByteOffset: 104, as: Int.self)
                default: break
                }
            }
            let results = try pool.map(8, stride: 16).1.decodedResults(as: String.self)
            #expect(results.map(\.value) == ["value 0", nil, nil, nil, nil, nil, nil, "value 7"])
            let codes = results.map { $0.failure?.code }
            #expect(codes == [nil, .corrupted, .noMemory, .corrupted, .corrupted, .corrupted, .corrupted, nil])
            #expect(try pool.map(1, stride: 16).1.decodedResults(as: String.self).map(\.value) == ["value 0"])
        }
    }

    static func reportChains() {
        scene {
            let probe = try Pool(workers: 2, options: .init(), for: .forked).layout
            let arena = probe.arenas.offset(1)
            let wild = Bench.wildNumbers(near: [arena, arena + probe.shape.arenaSize, probe.heap.lowerBound])
            let pool = try Scribbler { memory, entry, item, desk in
                let newest = wild[item / wild.count]
                let previous = wild[item % wild.count]
                let link = WorkerErrorLink(item: item, previous: previous, length: previous)
                let own = unsafe memory.arenas.memory(Int(cforkpoolWorker()))
                unsafe own.storeBytes(of: link, toByteOffset: 0, as: WorkerErrorLink.self)
                unsafe entry.newestError.pointee.store(newest, ordering: .relaxed)
                unsafe desk.states[item].store(ItemState.failed, ordering: .releasing)
            }
            let outcome = try pool.map(wild.count * wild.count).1
            #expect(outcome.failures.count == wild.count * wild.count)
            #expect(outcome.failures.values.allSatisfy { $0.code == .noMemory })
        }
    }

    static func blockTags() {
        scene {
            let pool = try Scribbler(workers: 1) { memory, _, item, desk in
                let tags = unsafe memory.blockTags(0)
                if item == 3 { for block in 0..<64 { unsafe tags[block] = UInt32(block % 5) } }
                _ = desk.encode(String(repeating: "\(item)", count: 20_000), at: item)
            }
            for _ in 0..<20 {
                let results = try pool.map(6, stride: 16).1.decodedResults(as: String.self)
                #expect(results.count == 6)
            }
        }
    }

    static func undoing() {
        scene {
            let pool = try Scribbler(workers: 1) { _, _, item, desk in
                unsafe desk.states[(item + 1) % 6].store(ItemState.unfinished, ordering: .relaxed)
                desk.store(item, at: item)
            }
            let results = try pool.map(6).1.results(of: Int.self)
            #expect(results.contains { $0.failure?.code == .corrupted })
            for item in 0..<6 where results[item].value != nil { #expect(results[item].value == item) }
        }
    }

    static func otherMemory() {
        scene {
            let core = try Pool(workers: 1, options: .init(), for: .executed)
            let shape = core.layout.shape
            var other = shape
            other.token ^= 1
            unsafe core.layout.base.storeBytes(of: other, as: RegionLayout.Shape.self)
            #expect(throws: ForkPool.Failure.self) {
                let pool = try ForkPool(workers: 1).makeResident(
                    core, ExecStarter(core), WireFormat<Int>.coded,
                    WireFormat<Int>.coded)
                _ = try pool(1)
            }
        }
    }

    private static func cforkpoolWorker() -> Int32 { Int32(ForkPool.worker?.index ?? 0) }
}
