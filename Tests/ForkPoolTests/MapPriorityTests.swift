// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import ForkPool

@Suite("The queue of a pool's maps, with priorities")
struct MapPriorityTests {
    private typealias Queue = MapQueue<String>

    /// A queue whose workers one map has, with priority 0.
    private func held(workers: Int, by map: String = "holder") -> Queue {
        var queue = Queue(workers: workers)
        #expect(queue.arrive(map, wanting: workers).workers == Array(0..<workers))
        return queue
    }

    @Test("has the maps in line begin by their priority, and those of one priority in the order of arrival")
    func order() {
        var queue = held(workers: 1)
        for (map, priority) in [("a", 0), ("b", 2), ("c", -1), ("d", 2), ("e", 0)] {
            #expect(queue.arrive(map, wanting: 1, priority: priority).workers == nil)
        }
        var (order, last) = ([String](), "holder")
        for _ in 0..<5 {
            guard case .grant(let map, [0])? = queue.end(last).first else { return #expect(Bool(false)) }
            (order, last) = (order + [map], map)
        }
        #expect(order == ["b", "d", "a", "e", "c"])
        #expect(queue.end(last) == [] && queue.pending == 0)
    }

    @Test("recalls the last worker too of a map for one of a higher priority, and not only after a turn")
    func recall() {
        var queue = held(workers: 2)
        #expect(queue.arrive("high", wanting: 9, priority: 1).1 == [.recall("holder", 2, isLast: false)])
        #expect(
            queue.giveBack([1], of: "holder", gaveWay: 1, wanting: 2)
                == [.grant("high", [1])])
        #expect(queue.giveBack([0], of: "holder", gaveWay: 1, wanting: 2) == [.grant("high", [0])])
        #expect(queue.pending == 0 && queue.isFull)
        #expect(queue.end("high") == [.grant("holder", [0, 1])])
    }

    @Test("shares by priority, whatever priorities wait behind those that a worker is for, and how many")
    func manyPriorities() {
        var queue = held(workers: 4)
        for number in 0..<500 {
            let priority = -1 - number % 5
            let (workers, actions) = queue.arrive("low \(number)", wanting: 4, priority: priority)
            #expect(workers == nil && actions == [])
        }
        #expect(queue.arrive("high", wanting: 1, priority: 2).1 == [.recall("holder", 1, isLast: false)])
        #expect(queue.arrive("middle", wanting: 1, priority: 1).1 == [.recall("holder", 2, isLast: false)])
        #expect(queue.arrive("equal", wanting: 1).1 == [.recall("holder", 3, isLast: false)])
        #expect(queue.giveBack([3], of: "holder", gaveWay: 1, wanting: 4).first == .grant("high", [3]))
        #expect(queue.giveBack([2], of: "holder", gaveWay: 1, wanting: 4).first == .grant("middle", [2]))
        #expect(queue.giveBack([1], of: "holder", gaveWay: 1, wanting: 4).first == .grant("equal", [1]))
        #expect(queue.end("holder").first == .grant("low 0", [0]))
    }

    @Test("recalls no more of a map than those of a higher priority can use")
    func wishes() {
        var queue = held(workers: 4)
        #expect(queue.arrive("high", wanting: 1, priority: 1).1 == [.recall("holder", 1, isLast: false)])
        #expect(queue.arrive("higher", wanting: 2, priority: 2).1 == [.recall("holder", 3, isLast: false)])
        // The first worker goes to the one that came later.
        #expect(queue.giveBack([3], of: "holder", gaveWay: 1, wanting: 4).first == .grant("higher", [3]))
    }

    @Test("recalls nothing from a map for one of a lower priority, which waits until the other wants no more")
    func lower() {
        var queue = Queue(workers: 2)
        #expect(queue.arrive("high", wanting: 2, priority: 1).workers == [0, 1])
        #expect(queue.arrive("low", wanting: 2).1 == [])
        #expect(queue.giveBack([1], of: "high", wanting: 1) == [.grant("low", [1])])
        #expect(queue.end("high") == [.grant("low", [0])])
    }

    @Test("gives a free worker to a map that has some before one of a lower priority that waits")
    func more() {
        var queue = Queue(workers: 2)
        #expect(queue.arrive("one", wanting: 1, priority: 1).workers == [0])
        #expect(queue.arrive("high", wanting: 2, priority: 1).workers == [1])
        #expect(queue.arrive("low", wanting: 1).workers == nil)
        #expect(queue.end("one") == [.grant("high", [0])])
        #expect(queue.end("high") == [.grant("low", [0])])
    }

    @Test("has maps of one priority take turns, and goes back behind those of its priority")
    func turns() {
        var queue = held(workers: 1)
        #expect(queue.arrive("low", wanting: 1, priority: -1).1 == [])
        #expect(queue.arrive("equal", wanting: 1).1 == [.recall("holder", 1, isLast: true)])
        #expect(
            queue.giveBack([0], of: "holder", gaveWay: 1, wanting: 1)
                == [.grant("equal", [0]), .recall("equal", 1, isLast: true)])
        #expect(queue.end("equal") == [.grant("holder", [0])])
        #expect(queue.end("holder") == [.grant("low", [0])])
    }

    @Test(
        "recalls the same last worker at once where a map of a higher priority comes while others wait for their turn")
    func turnAndPriority() {
        var queue = held(workers: 1)
        #expect(queue.arrive("equal", wanting: 1).1 == [.recall("holder", 1, isLast: true)])
        #expect(queue.arrive("high", wanting: 1, priority: 1).1 == [.recall("holder", 1, isLast: false)])
        #expect(queue.giveBack([0], of: "holder", gaveWay: 1, wanting: 1).first == .grant("high", [0]))
        #expect(queue.end("high").first == .grant("equal", [0]))
    }

    @Test("keeps the priority of a map that is passed over, and puts it in front of its likes")
    func passed() {
        var queue = held(workers: 1)
        for (map, priority) in [("task", 1), ("thread", 1), ("other", 1), ("high", 2)] {
            _ = queue.arrive(map, wanting: 1, priority: priority)
        }
        #expect(queue.end("holder").first == .grant("high", [0]))
        #expect(queue.end("high").first == .grant("task", [0]))
        #expect(queue.pass(from: "task", to: "other").first == .grant("other", [0]))
        _ = queue.comeBack("task")
        #expect(queue.end("other").first == .grant("task", [0]))
        #expect(queue.end("task").first == .grant("thread", [0]))
    }
}
