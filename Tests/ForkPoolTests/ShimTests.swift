// SPDX-License-Identifier: Apache-2.0
import CForkPool
import ForkPoolTestSupport
import Glibc
import Testing

@Suite("The shim")
struct ShimTests {
    @Test("waits for a word only while it is what the caller saw, and not for ever")
    func futex() {
        var word: UInt32 = 7
        #expect(unsafe cforkpool_futex_wait(&word, 8, -1) == -EAGAIN)
        #expect(unsafe cforkpool_futex_wait(&word, 7, 1_000_000) == -ETIMEDOUT)
        #expect(unsafe cforkpool_futex_wake(&word, 1) == 0)
    }

    @Test("wakes a waiter")
    func wake() {
        let words = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
        defer { unsafe words.deallocate() }
        unsafe words.initialize(to: 0)
        nonisolated(unsafe) let word = unsafe words
        let results = Threads.run(2) { number -> Int32 in
            guard number == 0 else {
                // Wake until the other thread has begun to wait.
                let last = ContinuousClock.now + .seconds(60)
                var woken: Int32 = 0
                while woken == 0, ContinuousClock.now < last { woken = unsafe cforkpool_futex_wake(word, 1) }
                return woken
            }
            return unsafe cforkpool_futex_wait(word, 0, 60_000_000_000)
        }
        #expect(results == [0, 1])
    }

    @Test("notifies an event counter: a poll of it returns, and times out before")
    func eventCounter() {
        var error: Int32 = 0
        guard let counter = unsafe cforkpool_event_make(&error) else {
            Issue.record("errno \(-error)")
            return
        }
        defer { unsafe cforkpool_event_free(counter) }
        var entry = unsafe cforkpool_poll(fd: counter.pointee.fd, events: Int16(POLLIN), revents: 0)
        #expect(unsafe cforkpool_ppoll(&entry, 1, 0) == 0)
        #expect(unsafe cforkpool_event_notify(counter) == 0)
        #expect(unsafe cforkpool_ppoll(&entry, 1, 10_000_000_000) == 1)
        #expect(entry.revents == Int16(POLLIN))
        unsafe cforkpool_event_drain(counter)
        #expect(unsafe cforkpool_ppoll(&entry, 1, 0) == 0)
    }

    @Test("refuses what it cannot wait for")
    func refusals() {
        var ending = cforkpool_ending()
        #expect(unsafe cforkpool_reap(1, -1, &ending) == -ECHILD)
        #expect(cforkpool_pidfd_send_signal(-1, 0) == -EBADF)
    }
}
