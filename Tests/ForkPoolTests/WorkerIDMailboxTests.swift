// SPDX-License-Identifier: Apache-2.0
import ForkPoolTestSupport
import Testing

@testable import ForkPool

@Suite("A mailbox for a worker's number")
struct WorkerIDMailboxTests {
    /// Runs `work` with zeroed memory for a mailbox.
    private func withMemory(_ work: (UnsafeMutableRawPointer) -> Void) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
        unsafe work(memory)
    }

    @Test("gives the newest number, also if it was assigned before the process waits")
    func assigned() {
        unsafe withMemory { memory in
            let mailbox = unsafe WorkerIDMailbox(base: memory, key: 0x1234_5678_9ABC_DEF0)
            mailbox.assign(3)
            #expect(mailbox.wait(below: 4) == 3)
            mailbox.assign(0)
            #expect(mailbox.wait(below: 4) == 0)
        }
    }

    @Test("ignores a number of another slot, of a worker that does not exist, or of no parent's making")
    func wild() {
        for wild in [1, 3, 0x1234_5678_9ABC_DEF0, 0x1234_5678_9ABC_DEF5, 0x1234_5679_9ABC_DEF1, UInt64.max] {
            unsafe withMemory { memory in
                let mailbox = unsafe WorkerIDMailbox(base: memory, key: 0x1234_5678_9ABC_DEF0)
                unsafe memory.storeBytes(of: wild, toByteOffset: 8, as: UInt64.self)
                unsafe memory.storeBytes(of: 7, as: UInt32.self)
                let seen = Threads.run(2) { number in
                    if number == 0 { return mailbox.wait(below: 4) }
                    mailbox.assign(2)
                    return -1
                }
                #expect(seen == [2, -1])
            }
        }
    }

    @Test("keeps nothing of the process before once it is cleared")
    func cleared() {
        unsafe withMemory { memory in
            let mailbox = unsafe WorkerIDMailbox(base: memory, key: 0x1234_5678_9ABC_DEF0)
            mailbox.assign(3)
            mailbox.clear()
            let seen = Threads.run(2) { number in
                if number == 0 { return mailbox.wait(below: 4) }
                mailbox.assign(1)
                return -1
            }
            #expect(seen == [1, -1])
        }
    }
}
