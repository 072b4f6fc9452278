// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor

/// The warm children of the C floor, which live as long as this object; only one may exist at a time.
final class WarmFloor {
    private let workers: Int32

    /// Forks the children.
    init(workers: Int) {
        self.workers = Int32(workers)
        cforkfloor_warm(self.workers)
    }

    deinit {
        cforkfloor_warm(0)
    }

    /// Kills and reaps the children, and forks new ones.
    func replace() {
        cforkfloor_warm(workers)
    }

    /// Sends a number to a child, and waits for the reply.
    func call() {
        blackHole(cforkfloor_warm_call(1))
    }

    /// Maps over inputs, with `chunk` inputs per claim.
    func map(_ inputs: [Int64], chunk: Int) {
        unsafe cforkfloor_warm_map(inputs, Int64(inputs.count), Int64(chunk))
    }

    /// Maps over inputs, and copies the results, which lie behind the inputs, into memory of their own.
    func copiedMap(_ inputs: [Int64], chunk: Int) throws {
        map(inputs, chunk: chunk)
        let size = inputs.count * MemoryLayout<Int64>.stride
        guard cforkfloor_copy(size, 1, size) else { throw OverheadError.noFloor }
    }

    /// Fills big results in shared memory, and copies each into memory of its own.
    func copiedFill(_ count: Int, size: Int) throws {
        cforkfloor_warm_fill(Int64(count), size)
        guard cforkfloor_copy(0, Int64(count), size) else { throw OverheadError.noFloor }
    }

    /// Fills big results in shared memory, and reads a byte of each page.
    func fill(_ count: Int, size: Int) {
        cforkfloor_warm_fill(Int64(count), size)
        touchFloor(count * size)
    }
}

/// Reads a byte of each page of the results of the floor.
func touchFloor(_ size: Int) {
    guard let bytes = unsafe cforkfloor_region(0) else { return }
    blackHole(touch(unsafe UnsafeBufferPointer(start: bytes, count: size).span))
}
#endif
