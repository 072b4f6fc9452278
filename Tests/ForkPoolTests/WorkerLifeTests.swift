// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc
import Synchronization
import Testing

@Suite("A worker's life")
struct WorkerLifeTests {
    @Test("is set up before its first item and torn down after its last, once each, in a one-shot map")
    func setUpAndTearDown() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let diary = Diary()
                let pool = ForkPool(
                    workers: 3,
                    options: .init(chunk: .fixed(1), setUp: { diary.setUp() }, tearDown: { diary.tearDown() }))
                let pids = try pool.map(0..<30) { _ in diary.item() }
                #expect(pids.allSatisfy { $0 > 0 })
                diary.check(items: 30, workers: 3)
                #expect(pids.allSatisfy { (1...3).contains($0) })
                try pool.forEach(0..<1) { _ in _ = diary.item() }
                diary.check(items: 31, workers: 4)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is set up and torn down the same in a resident pool by fork, and in a stream")
    func resident() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let diary = Diary()
                let options = ForkPool.Options(setUp: { diary.setUp() }, tearDown: { diary.tearDown() })
                let resident = try ForkPool(workers: 2, options: options).resident { (_: Int) in diary.item() }
                for _ in 0..<5 { _ = try resident.map(0..<10) }
                resident.close()
                diary.check(items: 50, workers: 2)
                let stream = Diary()
                let own = ForkPool.Options(setUp: { stream.setUp() }, tearDown: { stream.tearDown() })
                _ = try Drain.inOrder(ForkPool(workers: 2, options: own).stream(0..<40) { _ in stream.item() })
                stream.check(items: 40, workers: 2)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("has the job's setUp within the options', and its tearDown before theirs, by fork")
    func jobByFork() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                // Shared from before the fork.
                #expect(Steps.next.value == 0 && Steps.order[0] == 0)
                let options = ForkPool.Options(setUp: { Steps.record(1) }, tearDown: { Steps.record(4) })
                let resident = try ForkPool(workers: 1, options: options).resident(Steps(), start: .fork)
                #expect(try resident.map([5]) == [6])
                resident.close()
                #expect(Steps.next.value == 4)
                #expect((0..<4).map { Steps.order[$0] } == [1, 2, 3, 4])
            }
        }
    }

    @Test("has the job's setUp and tearDown by exec, where globals are what setUp made them")
    func jobByExec() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let folder = try Scratch()
                let resident = try ForkPool(workers: 2).resident(Prepared(folder: folder.path), start: .exec)
                #expect(try resident.map(0..<20) == (0..<20).map { $0 + 1000 })
                #expect(try folder.count("tornDown") == 0)
                resident.close()
                let ready = try folder.count("setUp")
                #expect((1...2).contains(ready))
                #expect(try folder.count("tornDown") == ready)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is not torn down after a crash, and its successor is set up", arguments: [true, false])
    func crash(_ isResident: Bool) async {
        await #expect(processExitsWith: .success) { [isResident] in
            Alone.run { () throws in
                let diary = Diary()
                let pool = ForkPool(
                    workers: 1,
                    options: .init(chunk: .fixed(1), setUp: { diary.setUp() }, tearDown: { diary.tearDown() }))
                let body: (Int) -> Int32 = { item in
                    if item % 4 == 3 { kill(getpid(), SIGKILL) }
                    return diary.item()
                }
                var results: [Result<Int32, ForkPool.Failure>] = []
                if isResident {
                    let resident = try pool.resident(body)
                    results = resident.mapResults(0..<10)
                    resident.close()
                } else {
                    results = pool.mapResults(0..<10, body)
                }
                #expect(results.filter { (try? $0.get()) == nil }.count == 2)
                #expect(Set(results.compactMap { try? $0.get() }).count == 3)
                #expect(diary.setUps.value == 3)
                #expect(diary.items.value == 8)
                #expect(diary.tearDowns.value == 1)
            }
        }
    }

    @Test("D12: ends after so many items, of 1000, and another takes over", arguments: [1, 3])
    func itemsPerWorker(_ count: Int) async {
        await #expect(processExitsWith: .success) { [count] in
            Alone.run { () throws in
                let diary = Diary()
                let options = ForkPool.Options(
                    itemsPerWorker: count, setUp: { diary.setUp() }, tearDown: { diary.tearDown() })
                let pool = ForkPool(workers: 2, options: options)
                let pids = try pool.map(0..<1000) { item in (item, diary.item()) }
                #expect(pids.map(\.0) == Array(0..<1000))
                for items in Dictionary(grouping: pids, by: \.1).values { #expect(items.count <= count) }
                #expect(Set(pids.map(\.1)).count >= 1000 / count)
                diary.check(items: 1000, workers: nil)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("D12: ends after so many items in a resident pool, of which 1000 are all done", arguments: [1, 3])
    func itemsPerResidentWorker(_ count: Int) async {
        await #expect(processExitsWith: .success) { [count] in
            Alone.run { () throws in
                let diary = Diary()
                let options = ForkPool.Options(
                    itemsPerWorker: count, setUp: { diary.setUp() }, tearDown: { diary.tearDown() })
                let resident = try ForkPool(workers: 2, options: options).resident { (item: Int) in (item, diary.item())
                }
                let pids = try resident.map(0..<1000)
                #expect(pids.map(\.0) == Array(0..<1000))
                for items in Dictionary(grouping: pids, by: \.1).values { #expect(items.count <= count) }
                #expect(Set(pids.map(\.1)).count >= 1000 / count)
                resident.close()
                diary.check(items: 1000, workers: nil)
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("D12: ends after so many items by exec, too")
    func itemsPerExecWorker() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                let pool = ForkPool(workers: 2, options: .init(itemsPerWorker: 3))
                let resident = try pool.resident(Identify(), start: .exec)
                let workers = try resident.map(0..<60)
                for items in Dictionary(grouping: workers, by: \.pid).values { #expect(items.count <= 3) }
                #expect(Set(workers.map(\.pid)).count >= 20)
                resident.close()
                #expect(Alone.hasNoChild)
            }
        }
    }

    @Test("is known to the body, and only there")
    func identity() async {
        await #expect(processExitsWith: .success) {
            Alone.run { () throws in
                #expect(ForkPool.worker == nil)
                let pool = ForkPool(workers: 3, options: .init(chunk: .fixed(1)))
                // Fork before supervisors run: their threads may hold a lock of the runtime.
                let once = try pool.map(0..<60) { _ in Identify.now() }
                let forked = try pool.resident(Identify(), start: .fork)
                let execed = try pool.resident(Identify(), start: .exec)
                for workers in [once, try forked.map(0..<60), try execed.map(0..<60)] {
                    #expect(workers.allSatisfy { (0..<3).contains($0.index) && $0.attempt == 1 && $0.pid == $0.own })
                    // One process has a number at a time, and none of these ended.
                    for group in Dictionary(grouping: workers, by: \.index).values {
                        #expect(Set(group.map(\.pid)).count == 1)
                    }
                }
                forked.close()
                execed.close()
                #expect(ForkPool.worker == nil)
                // A replacement has the number of the worker that it replaces.
                let lonely = ForkPool(workers: 1, options: .init(itemsPerWorker: 1))
                #expect(try lonely.map(0..<5) { _ in ForkPool.worker?.index ?? -1 } == [0, 0, 0, 0, 0])
            }
        }
    }

    @Test("has at least one item, and a niceness that the system knows")
    func preconditions() async throws {
        let items = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool.Options(itemsPerWorker: 0)
            })
        expectMessage("ForkPool: itemsPerWorker must be at least 1, not 0", in: items)
        let nicer = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool.Options(niceness: 20)
            })
        expectMessage("ForkPool: niceness must be from 0 to 19, not 20", in: nicer)
        let ruder = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ForkPool.Options(niceness: -1)
            })
        expectMessage("ForkPool: niceness must be from 0 to 19, not -1", in: ruder)
    }
}

/// The steps of workers, seen from outside.
private final class Diary: Sendable {
    let setUps = SharedCounter()
    let items = SharedCounter()
    let tearDowns = SharedCounter()
    /// The steps that came out of turn.
    private let errors = SharedCounter()
    /// In a worker: 1 when it is set up, 2 when it is torn down.
    private let stage = Atomic(0)
    /// In a worker: which set-up was its own, since the kernel uses process ids again.
    private let number = Atomic(0)

    func setUp() {
        if stage.exchange(1, ordering: .relaxed) != 0 { errors.add() }
        number.store(setUps.add(), ordering: .relaxed)
    }

    func item() -> Int32 {
        if stage.load(ordering: .relaxed) != 1 { errors.add() }
        items.add()
        return Int32(number.load(ordering: .relaxed))
    }

    func tearDown() {
        if stage.exchange(2, ordering: .relaxed) != 1 { errors.add() }
        tearDowns.add()
    }

    /// Expects that every item ran in a worker that was set up, and that every worker was torn down.
    func check(items count: Int, workers: Int?) {
        #expect(items.value == count)
        if let workers { #expect(setUps.value == workers) }
        #expect(tearDowns.value == setUps.value)
        #expect(errors.value == 0)
        #expect(stage.load(ordering: .relaxed) == 0)
    }
}
