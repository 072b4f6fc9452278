import Dispatch
import ForkPool
import Glibc

/// The body of a no-op: a call that the compiler does not see through.
@inline(never)
func same(_ item: Int) -> Int { item }

/// Some pure computation of `turns` steps, each of which needs the one before.
@inline(never)
func churn(_ item: Int, turns: Int) -> UInt64 {
    var state = UInt64(item) + 1
    for _ in 0..<turns { state = (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd &+ 1 }
    return state
}

/// Takes a value, so that the work that made it is not optimised away.
@inline(never)
func keep<T>(_ value: T) {
    withExtendedLifetime(value) {}
}

/// The map of Dispatch: one call for each item, results into an array.
func concurrently<R: Sendable>(_ count: Int, _ body: @Sendable (Int) -> R) {
    let results = UnsafeMutablePointer<R?>.allocate(capacity: count)
    unsafe results.initialize(repeating: nil, count: count)
    defer {
        unsafe results.deinitialize(count: count)
        unsafe results.deallocate()
    }
    nonisolated(unsafe) let slots = unsafe results
    DispatchQueue.concurrentPerform(iterations: count) { unsafe slots[$0] = body($0) }
    keep(unsafe results[0])
}

/// The map of structured concurrency: a child task for each item, results into an array.
func inTaskGroup<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> R) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        let results = await withTaskGroup(of: (Int, R).self) { group in
            for item in 0..<count { group.addTask { (item, body(item)) } }
            return await group.reduce(into: [R?](repeating: nil, count: count)) { $0[$1.0] = $1.1 }
        }
        keep(results)
        done.signal()
    }
    done.wait()
}

/// Times one run by the monotonic clock.
func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return start.secondsSince
}

/// Times work of another kind in a process of its own: its threads and its heap would weigh on every fork here.
func apart(_ body: () -> Void) throws -> Double {
    try ForkPool(workers: 1).map(0..<1) { _ in
        body()
        return seconds(body)
    }[0]
}

/// The others' maps.
///
/// - Parameters:
///   - count: How many items there are.
///   - rounds: The most rounds that they take part in.
///   - body: What is done with each.
/// - Returns: Their columns of a row.
func peers<R: Sendable>(_ count: Int, rounds: Int = .max, _ body: @escaping @Sendable (Int) -> R) -> [Cell] {
    [
        Cell(.sequential, rounds: rounds) { try apart { keep((0..<count).map(body)) } },
        Cell(.concurrentPerform, rounds: rounds) { try apart { concurrently(count, body) } },
        // A task for each item: of many, a run takes seconds.
        Cell(.taskGroup, rounds: count > 1000 ? 7 : rounds) { try apart { inTaskGroup(count, body) } },
    ]
}

/// Python's pool, where it is measured.
func pythons(_ python: PythonPeer?, _ row: String) -> [Cell] {
    guard let python else { return [] }
    // Each run starts an interpreter.
    return [Cell(.python, rounds: 11) { try python.measure(row) }]
}

/// Reads a byte of each page that a map left.
func touch(_ bytes: Span<UInt8>) -> UInt8 {
    var sum: UInt8 = 0
    for offset in stride(from: 0, to: bytes.count, by: 4096) { sum &+= bytes[offset] }
    return sum
}
