// SPDX-License-Identifier: Apache-2.0
#if Command
import Dispatch
import ForkPool
import Glibc

/// A no-op that the compiler cannot inline.
@inline(never)
func noOp(_ item: Int) -> Int { item }

/// Computes `turns` steps, each of which depends on the one before.
@inline(never)
func churn(_ item: Int, turns: Int) -> UInt64 {
    var state = UInt64(item) + 1
    for _ in 0..<turns { state = (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd &+ 1 }
    return state
}

/// Uses a value, so that the compiler cannot remove the work that made it.
@inline(never)
func blackHole<T>(_ value: T) {
    withExtendedLifetime(value) {}
}

/// Maps with Dispatch: one call for each item, results into an array.
func concurrently<R: Sendable>(_ count: Int, _ body: @Sendable (Int) -> R) {
    let results = UnsafeMutablePointer<R?>.allocate(capacity: count)
    unsafe results.initialize(repeating: nil, count: count)
    defer {
        unsafe results.deinitialize(count: count)
        unsafe results.deallocate()
    }
    nonisolated(unsafe) let slots = unsafe results
    DispatchQueue.concurrentPerform(iterations: count) { unsafe slots[$0] = body($0) }
    blackHole(unsafe results[0])
}

/// Maps with structured concurrency: a child task for each item, results into an array.
func inTaskGroup<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> R) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        let results = await withTaskGroup(of: (Int, R).self) { group in
            for item in 0..<count { group.addTask { (item, body(item)) } }
            return await group.reduce(into: [R?](repeating: nil, count: count)) { $0[$1.0] = $1.1 }
        }
        blackHole(results)
        done.signal()
    }
    done.wait()
}

/// Returns the seconds that a run takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return start.secondsSince
}

/// Returns the seconds that work takes in a child process.
///
/// In this process its threads and its heap would slow down every later fork.
func inChildProcess(_ body: () -> Void) throws -> Double {
    try ForkPool(workers: 1).map(0..<1) { _ in
        body()
        return seconds(body)
    }[0]
}

/// Makes the cells for maps without this library.
///
/// - Parameters:
///   - count: The number of items.
///   - rounds: The most rounds to run.
///   - body: The work for an item.
/// - Returns: The cells.
func peers<R: Sendable>(_ count: Int, rounds: Int = .max, _ body: @escaping @Sendable (Int) -> R) -> [Cell] {
    [
        Cell(.sequential, rounds: rounds) { try inChildProcess { blackHole((0..<count).map(body)) } },
        Cell(.concurrentPerform, rounds: rounds) { try inChildProcess { concurrently(count, body) } },
        // With many items, a run with a task for each takes seconds.
        Cell(.taskGroup, rounds: count > 1000 ? 7 : rounds) { try inChildProcess { inTaskGroup(count, body) } },
    ]
}

/// Makes the cell for Python's pool, if it is measured.
func pythons(_ python: PythonPeer?, _ row: String) -> [Cell] {
    guard let python else { return [] }
    // Few rounds, because each run starts an interpreter.
    return [Cell(.python, rounds: 11) { try python.measure(row) }]
}

/// Reads a byte of each page of the results.
func touch(_ bytes: Span<UInt8>) -> UInt8 {
    var sum: UInt8 = 0
    for offset in stride(from: 0, to: bytes.count, by: 4096) { sum &+= bytes[offset] }
    return sum
}
#endif
