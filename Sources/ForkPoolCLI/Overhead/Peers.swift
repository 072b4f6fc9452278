import Dispatch
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
func concurrently(_ count: Int, _ body: @Sendable (Int) -> Int) {
    let results = UnsafeMutablePointer<Int>.allocate(capacity: count)
    defer { unsafe results.deallocate() }
    nonisolated(unsafe) let slots = unsafe results
    DispatchQueue.concurrentPerform(iterations: count) { unsafe slots[$0] = body($0) }
    keep(unsafe results[0])
}

/// The map of structured concurrency: a child task for each item, results into an array.
func inTaskGroup(_ count: Int, _ body: @escaping @Sendable (Int) -> Int) {
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        let results = await withTaskGroup(of: (Int, Int).self) { group in
            for item in 0..<count { group.addTask { (item, body(item)) } }
            return await group.reduce(into: [Int](repeating: 0, count: count)) { $0[$1.0] = $1.1 }
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
