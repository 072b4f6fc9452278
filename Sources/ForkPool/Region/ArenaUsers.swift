// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The workers that wrote to their arenas: a bit for all workers whose numbers have the same remainder by 64.
///
/// A look at the record of each of a thousand idle workers would take longer than a call. In shared memory a damaged bit costs
/// the blocks of its workers until these write again.
struct ArenaUsers {
    private(set) var bits = 0

    /// Every worker.
    static let all = ArenaUsers(bits: -1)

    /// Adds a worker to a word in shared memory.
    static func add(_ worker: Int, to word: UnsafeMutablePointer<Atomic<Int>>) {
        let bit = 1 << (worker % Int.bitWidth)
        guard unsafe word.pointee.load(ordering: .relaxed) & bit == 0 else { return }
        _ = unsafe word.pointee.bitwiseOr(bit, ordering: .relaxed)
    }

    /// Adds those of a word in shared memory.
    mutating func formUnion(_ word: UnsafeMutablePointer<Atomic<Int>>) {
        bits |= unsafe word.pointee.load(ordering: .relaxed)
    }

    mutating func formUnion(_ other: ArenaUsers) { bits |= other.bits }

    var isEmpty: Bool { bits == 0 }

    /// Calls `body` for each worker that may be one of them, of a pool of `workers`.
    func forEach(of workers: Int, _ body: (Int) -> Void) {
        var rest = UInt(bitPattern: bits)
        while rest != 0 {
            for worker in stride(from: rest.trailingZeroBitCount, to: workers, by: Int.bitWidth) { body(worker) }
            rest &= rest - 1
        }
    }
}
