// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor
import Dispatch
import ForkPool

/// The rows of `overhead` with streams: read by a loop that blocks its thread, and by one that suspends its task.
struct StreamRows {
    private static let million = 1_000_000
    private let pool = ForkPool(workers: 2)
    private let python: PythonPeer?

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    func all() -> [Row] {
        [
            row("stream of 1 million no-ops", sum),
            row("stream of 1 million no-ops, async loop") { stream in
                try inTask { () async throws in
                    var sum = 0
                    for try await (_, output) in stream { sum &+= output }
                    return sum
                }
            },
        ]
    }

    /// Makes a row: the items of the one-shot stream are those of a collection, which workers see; others carry their inputs.
    private func row(_ name: String, _ read: @escaping (ForkPool.Stream<Int>) throws -> Int) -> Row {
        Row(
            name: name, unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 15,
            cells: [
                Cell(.oneShot) { try seconds { blackHole(try read(pool.stream(0..<Self.million, noOp))) } },
                Cell(.resident, on: (try pool.resident(noOp), inputs())) { resident, inputs in
                    try seconds { blackHole(try read(resident.stream(inputs))) }
                },
                Cell(.exec, rounds: 7, on: (try pool.resident(NoOpJob(), start: .exec), inputs())) { resident, inputs in
                    try seconds { blackHole(try read(resident.stream(inputs))) }
                },
                Cell(.floor, on: StreamFloor(workers: 2)) { floor in
                    seconds { blackHole(floor.stream(Self.million)) }
                },
            ] + pythons(python, "stream"))
    }

    private func sum(_ stream: ForkPool.Stream<Int>) throws -> Int {
        var sum = 0
        try stream.forEach { sum &+= $1 }
        return sum
    }

    private func inputs() -> [Int] { Array(0..<Self.million) }
}

/// The children of the floor of streams, which live as long as this object; only one may exist at a time.
final class StreamFloor {
    init(workers: Int) {
        cforkfloor_stream_workers(Int32(workers))
    }

    deinit {
        cforkfloor_stream_workers(0)
    }

    func stream(_ items: Int) -> Int64 { cforkfloor_stream(Int64(items)) }
}

/// Runs a task, and waits for its result on this thread.
func inTask<T>(_ body: @escaping () async throws -> T) throws -> T {
    let done = DispatchSemaphore(value: 0)
    // One thread at a time uses what the task captures and makes.
    nonisolated(unsafe) let body = body
    nonisolated(unsafe) var result: Result<T, any Error>?
    Task.detached {
        do { unsafe result = .success(try await body()) } catch { unsafe result = .failure(error) }
        done.signal()
    }
    done.wait()
    return unsafe try result!.get()
}
#endif
