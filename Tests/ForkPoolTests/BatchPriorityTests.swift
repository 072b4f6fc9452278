// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The queue of a pool's batches, with priorities")
struct BatchPriorityTests {
    private final class Item: Prioritized {
        let priority: Int

        init(_ priority: Int) {
            self.priority = priority
        }
    }

    /// Fills a queue's batch slots with batches of a priority, and returns it.
    private func full(_ slots: Int, kept: Int = 0, of priority: Int = 0) -> BatchQueue<Item> {
        var queue = BatchQueue<Item>(slots: slots, kept: kept, closesWithBatch: false)
        for slot in 0..<slots - kept { #expect(queue.admit(Item(priority)) == .open(slot: slot)) }
        #expect(!queue.hasRoom)
        return queue
    }

    @Test("opens what has the highest priority first, and what has the same one in the order of arrival")
    func order() {
        var queue = full(1)
        let batches = [0, 5, -3, 5, 9, 0].map { Item($0) }
        for batch in batches { #expect(queue.admit(batch) == .pending) }
        let order = [4, 1, 3, 0, 5, 2]
        for next in order {
            queue.vacate(0)
            #expect(queue.admitNext()?.batch === batches[next])
        }
        #expect(queue.pending.isEmpty)
    }

    @Test("keeps some slots for what has a higher priority than an open batch, and for nothing else")
    func kept() {
        var queue = full(5, kept: 2)
        let (equal, higher, another, third) = (Item(0), Item(1), Item(2), Item(3))
        #expect(queue.admit(equal) == .pending)
        #expect(queue.admitNext() == nil)
        #expect(queue.admit(higher) == .open(slot: 3))
        #expect(queue.admit(another) == .open(slot: 4))
        #expect(queue.admit(third) == .pending)
        // It goes before what has waited for longer.
        queue.vacate(4)
        #expect(queue.admitNext()?.batch === third)
        #expect(queue.admitNext() == nil)
        queue.vacate(3)
        queue.vacate(4)
        #expect(queue.admitNext() == nil)
        queue.vacate(0)
        #expect(queue.admitNext()?.batch === equal)
    }

    @Test("gives back what fulfils a condition, keeps the rest in its order, and looks at each twice at most")
    func withdrawal() {
        var queue = full(1)
        let batches = [2, 7, 4, 7, 1].map { Item($0) }
        for batch in batches { #expect(queue.admit(batch) == .pending) }
        let sevens = queue.withdraw { $0.priority == 7 }
        #expect(sevens.map(ObjectIdentifier.init) == [batches[1], batches[3]].map(ObjectIdentifier.init))
        #expect(queue.withdraw { $0.priority == 7 }.isEmpty)
        for _ in 0..<1000 { _ = queue.admit(Item(0)) }
        var looks = 0
        let withdrawn = queue.withdraw { item in
            looks += 1
            return item.priority == 0
        }
        #expect(withdrawn.count == 1000 && looks <= 2 * 1003)
        let rest = [batches[2], batches[0], batches[4]]
        #expect(queue.pending.map(ObjectIdentifier.init) == rest.map(ObjectIdentifier.init))
    }

    @Test("keeps no slot from those of the same priority, whatever that is")
    func keptOfOnePriority() {
        var queue = full(4, kept: 1, of: 7)
        #expect(queue.admit(Item(7)) == .pending)
        #expect(queue.admit(Item(0)) == .pending)
        #expect(queue.admit(Item(8)) == .open(slot: 3))
    }

    @Test("says that priorities may differ while a batch with one of its own is open")
    func hasPriorities() {
        var queue = full(2)
        #expect(!queue.hasPriorities)
        _ = queue.admit(Item(4))
        #expect(!queue.hasPriorities)
        queue.vacate(0)
        #expect(queue.admitNext()?.slot == 0)
        #expect(queue.hasPriorities)
        queue.vacate(1)
        #expect(queue.hasPriorities)
        queue.vacate(0)
        #expect(!queue.hasPriorities)
    }
}
