// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor
import ForkPool

/// The rows of `overhead` with many workers, many items and big results.
struct ScaleRows {
    private static let mebibyte = 1 << 20
    /// More than the memory of a worker, of this library by fork and by exec, of the floor and of Python.
    private static let memoryOfWorker = 2 * mebibyte
    private static let memoryOfProgram = 12 * mebibyte
    private let python: PythonPeer?

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// The rows with many workers.
    var crowds: [Row] {
        [workers(64, rounds: 21), workers(256, rounds: 11), workers(1000, rounds: 7), callAmongMany]
    }

    /// The rows with many items and big results.
    var sizes: [Row] { [items, bytes] }

    /// A map with an item for each worker: what the start and the end of each of many workers costs.
    private func workers(_ count: Int, rounds: Int) -> Row {
        let pool = ForkPool(workers: count)
        return Row(
            name: "\(count) workers, a no-op each", unit: "µs/worker", perSecond: 1e6 / Double(count), rounds: rounds,
            cells: [
                Cell(.oneShot) { try seconds { blackHole(try pool.map(0..<count, noOp)) } },
                Cell(.floor) { seconds { cforkfloor_map(Int32(count), Int64(count), 1) } },
                // A Pool has two descriptors a worker, so the usual limit of 1024 descriptors refuses one of 1000.
            ] + (count < 500 ? pythons(python, "crowd \(count)") : []),
            needs: count > 64 ? count * Self.memoryOfWorker : nil)
    }

    private var callAmongMany: Row {
        let count = 256
        let pool = ForkPool(workers: count)
        return Row(
            name: "a call among \(count) idle workers", unit: "µs", perSecond: 1e6, rounds: 51,
            cells: [
                Cell(.resident, on: try pool.resident(noOp)) { call in try inARow { blackHole(try call(1)) } },
                Cell(.exec, on: try pool.resident(NoOpJob(), start: .exec)) { call in
                    try inARow { blackHole(try call(1)) }
                },
                Cell(.floor, on: try CrowdFloor(workers: count)) { floor in inARow { floor.call() } },
            ] + pythons(python, "call among \(count)"),
            needs: count * Self.memoryOfProgram)
    }

    private var items: Row {
        let (count, pool) = (100_000_000, ForkPool(workers: 2))
        let size = count * MemoryLayout<Int>.size
        return Row(
            name: "100 million no-ops, read in place", unit: "ns/item", perSecond: 1e9 / Double(count), rounds: 5,
            cells: [
                Cell(.inPlace) {
                    try seconds {
                        try pool.withMapped(0..<count, noOp) { (results: Span<Int>) in blackHole(results[0]) }
                    }
                },
                Cell(.floor, on: try LargeFloor(size: size)) { floor in
                    seconds {
                        cforkfloor_map(2, Int64(count), 1000)
                        floor.cool()
                    }
                },
            ],
            // The slots of both, and a state byte an item.
            needs: 2 * size + count)
    }

    private var bytes: Row {
        let (count, pool) = (1024, ForkPool(workers: 2))
        let size = count * Self.mebibyte
        return Row(
            name: "1 GiB of results, read in place", unit: "ns/byte", perSecond: 1e9 / Double(size), rounds: 5,
            cells: [
                Cell(.inPlace) {
                    try seconds {
                        try pool.fill(count: count, slot: Self.mebibyte, of: UInt8.self) { item, bytes in
                            bytes.update(repeating: UInt8(truncatingIfNeeded: item))
                        } read: { (all: Span<UInt8>) in
                            blackHole(touch(all))
                        }
                    }
                },
                Cell(.floor, on: try LargeFloor(size: size)) { floor in
                    seconds {
                        cforkfloor_fill(2, Int64(count), Self.mebibyte)
                        touchFloor(size)
                        floor.cool()
                    }
                },
            ],
            needs: 2 * size)
    }
}

/// The idle children of the C floor, which live as long as this object; only one may exist at a time.
private final class CrowdFloor {
    init(workers: Int) throws {
        guard cforkfloor_crowd(Int32(workers)) else { throw OverheadError.noFloor }
    }

    deinit {
        _ = cforkfloor_crowd(0)
    }

    /// Sends a number to a child, and waits for the reply.
    func call() {
        blackHole(cforkfloor_crowd_call(1))
    }
}

/// The floor's shared memory for large results, which is given back with this object.
private final class LargeFloor {
    private let size: Int

    init(size: Int) throws {
        self.size = size
        guard unsafe cforkfloor_region(size) != nil else { throw OverheadError.noFloor }
    }

    deinit {
        cforkfloor_discard(0, size)
    }

    /// Keeps as much memory for the next map as a pool does by default, and gives the rest back.
    func cool() {
        let kept = ForkPool.Options().warmMemory
        cforkfloor_discard(kept, size - kept)
    }
}

/// Returns the seconds of a call, as the mean of a hundred after a first one.
private func inARow(_ call: () throws -> Void) rethrows -> Double {
    let count = 100
    try call()
    return try seconds { for _ in 0..<count { try call() } } / Double(count)
}
#endif
