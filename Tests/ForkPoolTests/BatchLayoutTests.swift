// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("A batch in shared memory")
struct BatchLayoutTests {
    private static let page = sysconf(Int32(_SC_PAGESIZE))

    private func shape(_ count: Int, inputs: Int = 0, slots: Int = 8) -> Batch.Shape {
        Batch.Shape(count: count, inputStride: inputs, slotStride: slots, stopsAtFailure: false)
    }

    private func pool(_ workers: Int = 2) throws -> Pool {
        try Pool(workers: workers, options: .init(), for: .oneBatch)
    }

    // MARK: - Its shape

    @Test("has states and slots behind each other, each from a cache line on, and inputs elsewhere")
    func places() {
        let small = shape(10, inputs: 16, slots: 8)
        #expect(small.slotsOffset(from: 1024) == 1152)
        #expect(small.size == 208 && small.inputSize == 160)
        let empty = shape(0, slots: 8)
        #expect(empty.slotsOffset(from: 1024) == 1024 && empty.size == 0 && empty.inputSize == 0)
        for count in [0, 1, 127, 128, 129, 1000] {
            for slots in [0, 1, 3, 4095, 4096, 5000] {
                let shape = shape(count, slots: slots)
                let slotsStart = shape.slotsOffset(from: 1152)
                #expect(slotsStart >= 1152 + count && slotsStart % 128 == 0)
                #expect(slotsStart + count * slots <= 1152 + shape.size!)
            }
        }
    }

    @Test("has big slots at the start of a page")
    func bigSlots() {
        #expect(shape(10, slots: Self.page).slotsOffset(from: 1664) == Self.page)
        #expect(shape(10, slots: Self.page + 1).slotsOffset(from: 1664) == Self.page)
        #expect(shape(10, slots: Self.page - 1).slotsOffset(from: 1664) == 1792)
        #expect(shape(10_000, slots: Self.page).slotsOffset(from: 1664) % Self.page == 0)
    }

    @Test("has no size that cannot be counted")
    func size() {
        #expect(shape(1_000_000, slots: 1024).size == 1_025_000_064)
        for huge in [shape(.max, slots: 1), shape(1 << 40, slots: 1 << 40), shape(.max, slots: .max)] {
            #expect(huge.size == nil)
        }
        #expect(shape(1 << 40, inputs: 1 << 40).inputSize == nil)
        #expect(shape(.max, slots: 0).size == nil)
    }

    @Test("that is larger than any memory is refused")
    func refused() async {
        await #expect(processExitsWith: .success) {
            Alone.run {
                let pools = OneShotPools(workers: 2, options: .init())
                for (count, stride) in [(Int.max, 1), (1 << 40, 1 << 40), (.max, .max), (1 << 48, 1024)] {
                    let layout = SlotLayout(count: count, stride: stride, alignment: 8, of: UInt8.self)
                    let failure = #expect(throws: ForkPool.Failure.self) {
                        try pools.run(layout, stopsAtFailure: false) { _, _, _ in true }
                    }
                    #expect(failure?.code == .noMemory && failure?.errno == ENOMEM)
                }
            }
        }
    }

    // MARK: - A fresh batch

    /// Words, records and states as a map and its workers could leave them.
    private func damage(_ batch: Batch, in layout: RegionLayout) {
        let slot = layout.batchSlot(0)
        unsafe slot.cursor.pointee.store(20, ordering: .relaxed)
        unsafe slot.lowestFailure.pointee.store(3, ordering: .relaxed)
        unsafe slot.newestError.pointee.store(78, ordering: .relaxed)
        unsafe slot.arenaUsers.pointee.store(1, ordering: .relaxed)
        for item in 0..<20 { unsafe batch.results.states[item].store(ItemState.value, ordering: .relaxed) }
        let record = layout.record(1)
        record.publish(claim: 3..<5)
        record.announceSleep()
        record.requestKill()
        layout.sleepers.insert(1)
        layout.seekers.insert(1)
        unsafe record.finish.pointee.store(WorkerRecord.Finish.done, ordering: .relaxed)
        unsafe record.stage.pointee.store(WorkerRecord.Stage.working, ordering: .relaxed)
        unsafe record.batchSlot.pointee.store(1, ordering: .relaxed)
        unsafe record.remainingStart.pointee.store(2, ordering: .relaxed)
        unsafe record.remainingEnd.pointee.store(4, ordering: .relaxed)
        unsafe record.remainingAttempt.pointee.store(5, ordering: .relaxed)
        unsafe record.began.pointee.store(6, ordering: .relaxed)
    }

    @Test("begins with no claim, no failure and no result, whatever the batch before it left")
    func fresh() throws {
        let pool = try pool()
        let layout = pool.layout
        do {
            let before = try pool.openOnlyBatch(shape(20))
            damage(before, in: layout)
            #expect(before.results.isComplete)
            pool.endWithoutWorkers(.cancelled)
        }
        let batch = try pool.openOnlyBatch(shape(19))
        let slot = layout.batchSlot(0)
        #expect(!batch.results.isComplete)
        #expect((0..<19).allSatisfy { unsafe batch.results.states[$0].load(ordering: .relaxed) == 0 })
        #expect(unsafe slot.cursor.pointee.load(ordering: .relaxed) == 0)
        #expect(unsafe slot.limit.pointee.load(ordering: .relaxed) == 19)
        #expect(unsafe slot.lowestFailure.pointee.load(ordering: .relaxed) == 9_223_372_036_854_775_807)
        #expect(unsafe slot.newestError.pointee.load(ordering: .relaxed) == 0)
        #expect(unsafe slot.arenaUsers.pointee.load(ordering: .relaxed) == 0)
        #expect(slot.inside.isEmpty && layout.sleepers.isEmpty && layout.seekers.isEmpty)
        #expect(layout.open.contains(0) && slot.hasUnclaimed)
        let words = unsafe UnsafeBufferPointer(start: layout.record(1).base.assumingMemoryBound(to: Int.self), count: 8)
        #expect(unsafe Array(words) == [-1, 0, 0, 0, 0, 0, 0, 1])
        #expect(unsafe layout.record(1).stage.pointee.load(ordering: .relaxed) == 0)
        #expect(unsafe layout.record(1).began.pointee.load(ordering: .relaxed) == 0)
        // No remaining range keeps the next worker waiting.
        layout.record(1).waitIfKillRequested()
        pool.endWithoutWorkers(.cancelled)
    }

    @Test("is complete when every state says that there is a result", arguments: [1, 7, 8, 9, 64, 100])
    func complete(count: Int) throws {
        let pool = try pool()
        let batch = try pool.openOnlyBatch(shape(count))
        for item in 0..<count {
            #expect(!batch.results.isComplete)
            #expect(batch.results.finishedCount == item)
            unsafe batch.results.states[item].store(1, ordering: .relaxed)
        }
        #expect(batch.results.isComplete)
        for wrong: UInt8 in [0, 2, 3, 0x81, 0xFF] {
            unsafe batch.results.states[count - 1].store(wrong, ordering: .relaxed)
            #expect(!batch.results.isComplete)
        }
        pool.endWithoutWorkers(.cancelled)
    }

    // MARK: - Read back by a worker

    @Test("is read from its batch slot as it was laid out")
    func readBack() throws {
        // A one-shot map has no inputs in shared memory.
        let pool = try pool()
        let batch = try pool.openOnlyBatch(shape(20, slots: 16))
        let read = try #require(BatchLayout(pool.layout.batchSlot(0), in: pool.layout))
        #expect(read.count == 20 && read.limit == 20)
        #expect(unsafe read.states == batch.results.states)
        #expect(unsafe read.slots == batch.results.slots)
        #expect(unsafe read.inputs == batch.inputs)
        #expect(read.hasUnfinished)
        for item in 0..<20 { unsafe batch.results.states[item].store(ItemState.lost, ordering: .relaxed) }
        #expect(!read.hasUnfinished)
        unsafe batch.results.states[19].store(ItemState.failed, ordering: .relaxed)
        #expect(read.hasUnfinished)
        pool.endWithoutWorkers(.cancelled)
    }

    @Test("is not read from a batch slot with impossible words")
    func impossible() throws {
        let pool = try pool()
        let batch = try pool.openOnlyBatch(shape(20, slots: 16))
        let slot = pool.layout.batchSlot(0)
        let (heap, inputs) = (pool.layout.heap, pool.layout.inputs)
        let words: [(UnsafeMutablePointer<Atomic<Int>>, [Int])] = unsafe [
            (slot.count, [.min, -1, 129, heap.count + 1, .max]), (slot.limit, [.min, -1, 21, .max]),
            (slot.states, [.min, -1, 0, heap.lowerBound - 1, heap.upperBound, .max]),
            (slot.inputs, [.min, 0, inputs.lowerBound - 1, inputs.upperBound + 1, .max]),
            (slot.slots, [.min, 0, heap.lowerBound - 1, heap.upperBound - 319, heap.upperBound + 1, .max]),
            (slot.slotStride, [.min, -1, heap.count, .max]),
        ]
        unsafe words.forEach { word, wild in
            let right = unsafe word.pointee.load(ordering: .relaxed)
            for value in wild {
                unsafe word.pointee.store(value, ordering: .relaxed)
                #expect(BatchLayout(slot, in: pool.layout) == nil, "\(value)")
            }
            unsafe word.pointee.store(right, ordering: .relaxed)
            #expect(BatchLayout(slot, in: pool.layout) != nil)
        }
        extendLifetime(batch)
        pool.endWithoutWorkers(.cancelled)
    }
}
