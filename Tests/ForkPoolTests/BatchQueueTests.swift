// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The queue of a pool's batches")
struct BatchQueueTests {
    private final class Item: Prioritized {
        let priority = 0
    }
    private typealias Queue = BatchQueue<Item>

    private func queue(_ slots: Int, closesWithBatch: Bool = false) -> Queue {
        Queue(slots: slots, closesWithBatch: closesWithBatch)
    }

    private static let refusal = FailureCause.refused(SystemError(call: "fork", code: 11))

    private func isCancelled(_ queue: Queue) -> Bool {
        if case .cancelled = queue.ending { true } else { false }
    }

    @Test("opens batches at the lowest free slots, and lets others wait")
    func admission() {
        var queue = queue(2)
        let batches = (0..<4).map { _ in Item() }
        #expect(!queue.hasWork && queue.hasRoom && queue.unfinished == nil && queue.refusesBatches == nil)
        #expect(queue.admit(batches[0]) == .open(slot: 0))
        #expect(queue.hasRoom && queue.hasWork)
        #expect(queue.admit(batches[1]) == .open(slot: 1))
        #expect(!queue.hasRoom)
        #expect(queue.admit(batches[2]) == .pending)
        #expect(queue.admit(batches[3]) == .pending)
        #expect(queue.slots[0] === batches[0] && queue.slots[1] === batches[1])
        #expect(queue.pending.count == 2)
        #expect(queue.unfinished === batches[0])
    }

    @Test("gives the slot of a batch that ended to the one that waits for the longest time")
    func vacate() {
        var queue = queue(1)
        let batches = (0..<3).map { _ in Item() }
        for batch in batches { _ = queue.admit(batch) }
        #expect(queue.admitNext() == nil)
        for next in 1...2 {
            queue.vacate(0)
            #expect(queue.slots[0] == nil && queue.hasRoom && queue.hasWork)
            let admitted = queue.admitNext()
            #expect(admitted?.batch === batches[next] && admitted?.slot == 0)
            #expect(queue.slots[0] === batches[next] && !queue.hasRoom)
        }
        #expect(queue.pending.isEmpty)
        queue.vacate(0)
        #expect(queue.admitNext() == nil)
        #expect(!queue.hasWork && queue.unfinished == nil)
        #expect(!queue.isClosing)
    }

    @Test("gives out every slot again, the last one that became free first")
    func reuse() {
        var queue = queue(3)
        let batches = (0..<3).map { _ in Item() }
        for batch in batches { _ = queue.admit(batch) }
        for slot in [1, 0, 2] { queue.vacate(slot) }
        #expect(batches.map { queue.admit($0) } == [.open(slot: 2), .open(slot: 0), .open(slot: 1)])
        #expect(queue.unfinished === batches[1])
    }

    @Test("lets a batch wait although a slot is free, and then everything behind it")
    func enqueue() {
        var queue = queue(3)
        let batches = (0..<4).map { _ in Item() }
        #expect(queue.lastPending(of: 0) == nil)
        queue.enqueue(batches[0])
        #expect(queue.hasRoom && queue.hasWork)
        #expect(queue.admit(batches[1]) == .pending)
        queue.enqueue(batches[2])
        #expect(queue.lastPending(of: 0) === batches[2])
        #expect(queue.lastPending(of: 1) == nil)
        #expect(queue.admitNext { $0 !== batches[0] } == nil)
        for next in 0...2 {
            let admitted = queue.admitNext { _ in true }
            #expect(admitted?.batch === batches[next] && admitted?.slot == next)
        }
        #expect(queue.admit(batches[3]) == .pending)
    }

    @Test("takes out a pending batch that ends before it is open, and the others keep their turns")
    func withdraw() {
        var queue = queue(1)
        let batches = (0..<4).map { _ in Item() }
        for batch in batches { _ = queue.admit(batch) }
        queue.withdraw(batches[2])
        #expect(queue.pending.map { $0 === batches[1] || $0 === batches[3] } == [true, true])
        queue.vacate(0)
        #expect(queue.admitNext()?.batch === batches[1])
        queue.vacate(0)
        #expect(queue.admitNext()?.batch === batches[3])
        #expect(queue.pending.isEmpty && !queue.isClosing)
    }

    @Test("takes out every pending batch in order")
    func withdrawAll() {
        var queue = queue(1)
        let batches = (0..<3).map { _ in Item() }
        for batch in batches { _ = queue.admit(batch) }
        let withdrawn = queue.withdrawAll()
        #expect(withdrawn.count == 2 && withdrawn[0] === batches[1] && withdrawn[1] === batches[2])
        #expect(queue.withdrawAll().isEmpty)
        #expect(queue.unfinished === batches[0])
        queue.vacate(0)
        #expect(!queue.hasWork)
    }

    @Test("finds a pending batch where none is open")
    func unfinished() {
        var queue = queue(1)
        let batches = (0..<2).map { _ in Item() }
        for batch in batches { _ = queue.admit(batch) }
        queue.vacate(0)
        #expect(queue.unfinished === batches[1])
        #expect(queue.hasWork)
    }

    @Test("refuses batches for the first reason that it was given, and finishes those that it has")
    func refuse() {
        var queue = queue(1)
        let batches = (0..<3).map { _ in Item() }
        for batch in batches.dropLast() { _ = queue.admit(batch) }
        queue.refuse(because: "was closed")
        queue.refuse(because: "was dropped")
        #expect(queue.refusal == "was closed")
        #expect(queue.refusesBatches == .refused("was closed"))
        #expect(queue.admit(batches[2]) == .refused("was closed"))
        #expect(queue.pending.count == 1)
        queue.vacate(0)
        #expect(queue.admitNext()?.batch === batches[1])
        #expect(queue.ending == nil && !queue.isClosing)
    }

    @Test("closes when it is told to, and not with the end of a batch")
    func close() {
        var queue = queue(1)
        _ = queue.admit(Item())
        queue.vacate(0)
        #expect(!queue.isClosing)
        queue.close()
        #expect(queue.isClosing)
    }

    @Test("begins nothing after its end, for which the first cause stays")
    func end() {
        var queue = queue(1)
        let batches = (0..<3).map { _ in Item() }
        for batch in batches.dropLast() { _ = queue.admit(batch) }
        queue.end(.cancelled)
        queue.end(Self.refusal)
        #expect(isCancelled(queue))
        #expect(queue.refusesBatches == .ended)
        #expect(queue.admit(batches[2]) == .ended)
        queue.vacate(0)
        #expect(queue.admitNext() == nil)
        #expect(queue.unfinished === batches[1])
    }

    @Test("names the refusal rather than the end where there are both")
    func refusedAndEnded() {
        var queue = queue(1)
        queue.end(.cancelled)
        queue.refuse(because: "was cancelled")
        #expect(queue.refusesBatches == .refused("was cancelled"))
    }

    @Test("of one batch closes with it, and takes another when it is reopened")
    func onlyBatch() {
        var queue = queue(1, closesWithBatch: true)
        for _ in 0..<2 {
            #expect(queue.admit(Item()) == .open(slot: 0))
            #expect(!queue.isClosing)
            queue.vacate(0)
            #expect(queue.isClosing)
            queue.end(.cancelled)
            queue.reopen()
            #expect(!queue.isClosing && queue.ending == nil && queue.refusesBatches == nil)
        }
    }

    @Test("of one batch closes also with a batch that never was open")
    func onlyBatchWithdrawn() {
        var queue = queue(1, closesWithBatch: true)
        let batches = (0..<2).map { _ in Item() }
        for batch in batches { _ = queue.admit(batch) }
        queue.withdraw(batches[1])
        #expect(queue.isClosing)
    }
}
