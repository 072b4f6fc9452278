// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Glibc
import Testing

/// Maps of one pool that are made while another one of it runs, by that one.
@Suite struct InnerMapTests {
    @Test("F8: a map inside a body waits for no map of the parent, whose line its process has a copy of")
    func nested() async {
        await #expect(processExitsWith: .success) { InnerMapScenes.nested() }
    }

    @Test("A map that a progress handler makes on the same pool does not wait for the map that it is of")
    func inProgress() async {
        await #expect(processExitsWith: .success) { InnerMapScenes.inProgress() }
    }
}

private enum InnerMapScenes {
    static func nested() {
        Scene.leaveNothing { () throws in
            let pool = ForkPool(workers: 1)
            let (isFirst, isOver) = (SharedCounter(), SharedCounter())
            let results = Threads.run(4) { thread -> [[Int]]? in
                switch thread {
                case 0:
                    return try? pool.map(0..<1) { _ in
                        isFirst.add()
                        while isOver.value == 0 { sched_yield() }
                        return [pool.pending, pool.busy]
                    }
                case 3:
                    // The workers of one of the others are forked while the other one waits in line.
                    while pool.pending < 2 { sched_yield() }
                    isOver.add()
                    return []
                default:
                    while isFirst.value == 0 { sched_yield() }
                    return try? pool.map(0..<2) { item in
                        let load = pool.pending + pool.busy
                        return try pool.map(0..<3) { load + 10 * item + $0 + thread }
                    }
                }
            }
            #expect(results[0] == [[0, 0]])
            #expect(results[1] == [[1, 2, 3], [11, 12, 13]])
            #expect(results[2] == [[2, 3, 4], [12, 13, 14]])
        }
    }

    static func inProgress() {
        Scene.leaveNothing { () throws in
            let inner = SharedCounter()
            let box = PoolBox()
            let options = ForkPool.Options(progress: { progress in
                guard progress.total == 5, let pool = box.pool else { return }
                if (try? pool.map(0..<3) { $0 + 1 }) == [1, 2, 3] { inner.add() }
            })
            let pool = ForkPool(workers: 1, options: options)
            box.pool = pool
            defer { box.pool = nil }
            #expect(
                try pool.map(0..<5) { item in
                    // The handler is called in the midst of the last item.
                    if item == 4 { while inner.value == 0 { sched_yield() } }
                    return item
                } == [0, 1, 2, 3, 4])
            #expect(inner.value >= 2 && pool.busy == 0)
        }
    }
}

/// Holds a pool for the handler that is made before it.
private final class PoolBox: @unchecked Sendable {
    var pool: ForkPool?
}
