// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("When the spare starts")
struct SpareDelayTests {
    @Test("the workers start first, and the spare at its time")
    func afterWorkers() {
        var table = WorkerTable(workers: 2)
        #expect(table.begin(spareAt: 100) == [.start([0, 1])])
        #expect(table.started(0) == [.assign(slot: 0, worker: 0)])
        #expect(table.started(1) == [.assign(slot: 1, worker: 1)])
        #expect(table.fill() == [])
        #expect(table.nextRestEnd == 100)
        #expect(table.endRests(at: 99) == [])
        #expect(table.endRests(at: 100) == [.start([2])])
        #expect(table.nextRestEnd == .max)
    }

    @Test("a worker that ends before is replaced at once")
    func earlyEnd() {
        var table = WorkerTable(workers: 2)
        _ = table.begin(spareAt: 100)
        _ = table.started(0)
        _ = table.started(1)
        let exit = WorkerExit(process: ProcessExit(pid: 1, .signal(9)), claimed: true)
        #expect(table.exited(1, exit, at: 50) == [.start([1])])
        #expect(table.started(1) == [.assign(slot: 1, worker: 1)])
        #expect(table.endRests(at: 100) == [.start([2])])
    }

    @Test("a pool that closes before starts none")
    func earlyClose() {
        var table = WorkerTable(workers: 1)
        _ = table.begin(spareAt: 100)
        _ = table.started(0)
        #expect(table.close() == [])
        #expect(table.nextRestEnd == .max)
        #expect(table.endRests(at: 100) == [])
    }

    @Test("workers that are fixed to their slots have no spare")
    func fixed() {
        var table = WorkerTable(workers: 2, held: [0, 1])
        #expect(table.begin(spareAt: 100) == [.start([0, 1])])
        #expect(table.nextRestEnd == .max)
    }
}
