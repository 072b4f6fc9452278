import ForkPoolTestSupport
import Testing

@testable import ForkPool

@Suite("An assignment")
struct AssignmentTests {
    /// Runs `work` with memory for one.
    private func withMemory(_ work: (UnsafeMutableRawPointer) -> Void) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: 128)
        unsafe work(memory)
    }

    @Test("is the worker's number, also one that was made before it is waited for")
    func isHeard() {
        unsafe withMemory { memory in
            let assignment = unsafe Assignment(at: memory, key: 0x1234_5678_9ABC_DEF0)
            assignment.assign(3)
            #expect(assignment.wait(below: 4) == 3)
            assignment.assign(0)
            #expect(assignment.wait(below: 4) == 0)
        }
    }

    @Test("of another place, or to a worker that is none, or of no parent's making is not believed")
    func wild() {
        for wild in [1, 3, 0x1234_5678_9ABC_DEF0, 0x1234_5678_9ABC_DEF5, 0x1234_5679_9ABC_DEF1, UInt64.max] {
            unsafe withMemory { memory in
                let assignment = unsafe Assignment(at: memory, key: 0x1234_5678_9ABC_DEF0)
                unsafe memory.storeBytes(of: wild, toByteOffset: 8, as: UInt64.self)
                unsafe memory.storeBytes(of: 7, as: UInt32.self)
                let heard = Threads.run(2) { number in
                    if number == 0 { return assignment.wait(below: 4) }
                    assignment.assign(2)
                    return -1
                }
                #expect(heard == [2, -1])
            }
        }
    }
}
