// SPDX-License-Identifier: Apache-2.0
import ForkPool
import ForkPoolTestSupport
import Testing

/// Suspends, and returns whether its task was cancelled before; a negative item cancels its task.
struct SelfCancelling: ForkPool.Job {
    func run(_ item: Int) async -> Bool {
        let wasCancelled = Task.isCancelled
        await Task.yield()
        if item < 0 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
        return wasCancelled
    }
}

@Suite("The task that runs the items of a job")
struct ClaimTaskTests {
    @Test("is another one after an item cancelled it, for the next claim", arguments: [true, false])
    func cancelled(_ byExec: Bool) async {
        await #expect(processExitsWith: .success) { [byExec] in
            Alone.run { () throws in
                let pool = ForkPool(workers: 1, options: .init(chunk: .fixed(1)))
                let resident = try pool.resident(SelfCancelling(), start: byExec ? .exec : .fork)
                for item in [1, -1, 2, -3, -4, 5] { #expect(try !resident(item)) }
                #expect(try resident.map([1, -1, 2, -3, -4, 5]).allSatisfy { !$0 })
                resident.close()
                #expect(Alone.hasNoChild)
            }
        }
    }
}
