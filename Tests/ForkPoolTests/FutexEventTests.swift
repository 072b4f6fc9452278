// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Glibc
import Synchronization
import Testing

@testable import ForkPool

@Suite("An event in shared memory")
struct FutexEventTests {
    /// Runs `work` with a fresh event and a way to read its word.
    private func withEvent(_ work: (FutexEvent, () -> UInt32) -> Void) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        defer { unsafe memory.deallocate() }
        let word = unsafe memory.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe word.initialize(to: Atomic(0))
        work(unsafe FutexEvent(at: memory)) { unsafe word.pointee.load(ordering: .relaxed) }
    }

    @Test("says once that a task waits")
    func tasks() {
        withEvent { event, word in
            #expect(event.signal() == [])
            #expect(event.announce(.tasks) == 2)
            #expect(event.signal() == .tasks)
            #expect(event.signal() == [])
            #expect(word() == 4)
        }
    }

    @Test("says that threads wait, and that tasks do")
    func threads() {
        withEvent { event, _ in
            #expect(event.announce(.threads) == 1)
            #expect(event.announce(.threads) == 1)
            #expect(event.signal() == .threads)
            #expect(event.announce(.threads) == 5)
            #expect(event.announce(.tasks) == 7)
            #expect(event.signal() == [.threads, .tasks])
        }
    }

    @Test("keeps no thread asleep that announced its sleep before the signal")
    func signalledBefore() {
        withEvent { event, _ in
            let seen = event.announce(.threads)
            event.signal()
            // Otherwise this never returns.
            event.sleep(while: seen)
        }
    }

    @Test("ends a sleep after its timeout")
    func timeout() {
        withEvent { event, _ in
            event.sleep(while: event.announce(.threads), timeout: 1_000_000)
            event.sleep(while: event.announce(.threads), timeout: 0)
        }
    }

    @Test("wakes every thread that waits, in each of 2000 rounds")
    func wakes() {
        withEvent { event, _ in
            let round = Atomic(0)
            let arrived = Atomic(0)
            withExtendedLifetime(event) {
                let seen = Threads.run(4) { thread -> Int in
                    if thread == 0 {
                        for next in 1...2000 {
                            while arrived.load(ordering: .sequentiallyConsistent) < 3 * (next - 1) { sched_yield() }
                            round.store(next, ordering: .sequentiallyConsistent)
                            event.signal()
                        }
                        return 2000
                    }
                    var last = 0
                    while last < 2000 {
                        let seen = event.announce(.threads)
                        let now = round.load(ordering: .sequentiallyConsistent)
                        if now == last {
                            event.sleep(while: seen)
                        } else {
                            last = now
                            arrived.add(1, ordering: .sequentiallyConsistent)
                        }
                    }
                    return last
                }
                #expect(seen == [2000, 2000, 2000, 2000])
            }
        }
    }
}
