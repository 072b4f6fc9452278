// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor
import ForkPool
import Glibc

/// The rows of `overhead` with calls that are submitted, many before the first is waited for.
struct SubmittedRows {
    private let pool = ForkPool(workers: 2)
    private let python: PythonPeer?

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    func all() -> [Row] { [submitted, tasks, memory] }

    private var submitted: Row {
        let count = 100_000
        func run(_ resident: ForkPool.Resident<Int, Int>) throws -> Double {
            try seconds {
                let calls = (0..<count).map { resident.submit($0) }
                var sum = 0
                for call in calls { sum &+= try call.wait() }
                blackHole(sum)
            }
        }
        return Row(
            name: "100 000 submitted calls", unit: "µs/call", perSecond: 1e6 / Double(count), rounds: 15,
            cells: [
                Cell(.resident, on: try pool.resident(noOp), run),
                Cell(.exec, on: try pool.resident(NoOpJob(), start: .exec), run),
                Cell(.floor, on: CallFloor(workers: 2)) { floor in seconds { blackHole(floor.calls(count)) } },
            ] + pythons(python, "submitted"))
    }

    private var tasks: Row {
        let count = 10_000
        func run(_ resident: ForkPool.Resident<Int, Int>) throws -> Double {
            try seconds {
                try inTask {
                    let tasks = (0..<count).map { item in Task { try await resident(item) } }
                    for task in tasks { blackHole(try await task.value) }
                }
            }
        }
        /// The same tasks, which only suspend.
        func runTasks() throws -> Double {
            try seconds {
                try inTask {
                    let tasks = (0..<count).map { item in
                        Task { () async throws in
                            await Task.yield()
                            return item
                        }
                    }
                    for task in tasks { blackHole(try await task.value) }
                }
            }
        }
        return Row(
            name: "10 000 tasks that call at once", unit: "µs/call", perSecond: 1e6 / Double(count), rounds: 31,
            cells: [
                Cell(.resident, on: try pool.resident(noOp), run),
                Cell(.exec, on: try pool.resident(NoOpJob(), start: .exec), run),
                Cell(.floor, on: CallFloor(workers: 2)) { floor in seconds { blackHole(floor.calls(count)) } },
                Cell(.tasks, runTasks),
            ])
    }

    /// The memory that calls take while they wait for workers, of this process and shared.
    private var memory: Row {
        let count = 50_000
        return Row(
            name: "memory of a pending call", unit: "bytes", perSecond: 1 / Double(count), rounds: 11,
            cells: [
                Cell(.resident) {
                    let resident = try ForkPool(workers: 1).resident(sleepForEver)
                    defer { resident.cancel() }
                    var calls = [resident.submit(0)]
                    calls.reserveCapacity(count + 1)
                    let before = memoryInUse()
                    for item in 0..<count { calls.append(resident.submit(item)) }
                    return Double(memoryInUse() - before + count * MemoryLayout<ForkPool.Call<Int>>.stride)
                },
                Cell(.floor) { Double(count * cforkfloor_call_size()) },
            ])
    }
}

/// The children of the floor of calls, which live as long as this object; only one may exist at a time.
final class CallFloor {
    init(workers: Int) {
        cforkfloor_call_workers(Int32(workers))
    }

    deinit {
        cforkfloor_call_workers(0)
    }

    func calls(_ count: Int) -> Int64 { cforkfloor_calls(Int32(count)) }
}

private func sleepForEver(_ item: Int) -> Int {
    while true { pause() }
}

/// The bytes that this process has allocated, and those of its shared memory that have pages.
private func memoryInUse() -> Int {
    Int(cforkfloor_allocated()) + sharedMemory()
}

/// Reads the size of the shared pages of this process.
private func sharedMemory() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
    defer { unsafe fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 256)
    let length = unsafe fread(&bytes, 1, bytes.count, file)
    let words = String(decoding: bytes[..<length], as: UTF8.self).split(separator: " ")
    return words.count > 2 ? (Int(words[2]) ?? 0) * 4096 : 0
}
#endif
