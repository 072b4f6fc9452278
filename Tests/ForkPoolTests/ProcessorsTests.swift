// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import ForkPool

@Suite("The processors of this process")
struct ProcessorsTests {
    @Test("are at least one, and no more than it may run on")
    func available() {
        let allowed = Affinity.processors.count
        #expect(ForkPool.availableProcessors >= 1)
        #expect(ForkPool.availableProcessors <= allowed)
        #expect(ForkPool().workers == ForkPool.availableProcessors)
    }

    @Test("are one where it may run on one alone")
    func pinned() async {
        await #expect(processExitsWith: .success) {
            alarm(30)
            Affinity.pin(to: Affinity.processors[0])
            #expect(Affinity.processors.count == 1)
            #expect(ForkPool.availableProcessors == 1)
            #expect(ForkPool().workers == 1)
        }
    }
}

/// Scheduler functions that Swift does not import.
enum Affinity {
    private typealias Call = @convention(c) (Int32, Int, UnsafeMutableRawPointer) -> Int32

    private static func call(_ name: String, _ mask: inout [UInt8]) -> Int32 {
        let call = unsafe unsafeBitCast(dlsym(nil, name)!, to: Call.self)
        return unsafe mask.withUnsafeMutableBytes { unsafe call(0, $0.count, $0.baseAddress!) }
    }

    /// The numbers of the processors that this thread may run on.
    static var processors: [Int] {
        var mask = [UInt8](repeating: 0, count: 1024)
        guard call("sched_getaffinity", &mask) == 0 else { return [] }
        return (0..<8192).filter { mask[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
    }

    /// Keeps this thread, and those that it starts, on one processor.
    static func pin(to processor: Int) {
        var mask = [UInt8](repeating: 0, count: 1024)
        mask[processor / 8] = 1 << UInt8(processor % 8)
        #expect(call("sched_setaffinity", &mask) == 0)
    }
}
