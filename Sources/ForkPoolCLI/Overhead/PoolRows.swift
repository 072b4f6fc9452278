// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool

/// The rows of `overhead` for large pools: what a worker costs must not grow with their number.
enum PoolRows {
    /// Returns all rows; `Rows` must have allocated the memory of the floor before.
    static var all: [Row] { [100, 1000].map(startAndClose) }

    /// The time to start a resident pool and to close it, a worker; the floor kills its children.
    private static func startAndClose(_ workers: Int) -> Row {
        let pool = ForkPool(workers: workers)
        return Row(
            name: "start and close a resident pool of \(workers), a worker", unit: "µs/worker",
            perSecond: 1e6 / Double(workers), rounds: 11,
            cells: [
                Cell(.resident) { try seconds { try pool.resident(noOp).close() } },
                Cell(.floor) { seconds { _ = WarmFloor(workers: workers) } },
            ])
    }
}
#endif
