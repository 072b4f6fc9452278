// SPDX-License-Identifier: Apache-2.0
#if Command
import CForkFloor
import Dispatch
import ForkPool
import Glibc

/// The rows of `overhead` that start workers for each measurement.
struct Rows {
    private let pool = ForkPool(workers: 2)
    private let singles = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
    private let python: PythonPeer?
    private static let mebibyte = 1 << 20
    private static let million = 1_000_000

    /// Makes the rows.
    ///
    /// - Parameter python: Python, if it is measured.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// Allocates the memory of the floor, and returns all rows.
    func all() throws -> [Row] {
        guard unsafe cforkfloor_region(200 * Self.mebibyte) != nil else { throw OverheadError.noFloor }
        return [
            fork, claim, mapOfTwo, million, singleClaims, bigResults, sleeps(on: 5), sleeps(on: 10), compute(on: 1),
            compute(on: 2), crash, timeout,
        ]
    }

    private var fork: Row {
        Row(
            name: "fork and reap 1 worker", unit: "µs", perSecond: 1e6, rounds: 101,
            cells: [
                Cell(.oneShot) { try seconds { try pool.forEach(0..<1) { _ in } } },
                Cell(.floor) { seconds { cforkfloor_fork() } },
            ])
    }

    /// The cost of a claim without contention.
    ///
    /// It is the difference between claiming a million items one by one and all at once. It uses the processor time of the
    /// worker, so that interruptions do not matter.
    private var claim: Row {
        let million = Self.million
        func ours(_ chunk: Int) -> ForkPool { ForkPool(workers: 1, options: .init(chunk: .fixed(chunk))) }
        let (each, all) = (ours(1), ours(million))
        return Row(
            name: "claim", unit: "ns", perSecond: 1e9 / Double(million), rounds: 31,
            cells: [
                Cell(.inPlace) {
                    func map(_ pool: ForkPool) throws -> Double {
                        try workerSeconds {
                            try pool.withMapped(0..<million, noOp) { (results: Span<Int>) in blackHole(results[0]) }
                        }
                    }
                    return try map(each) - map(all)
                },
                Cell(.floor) {
                    func map(_ chunk: Int) -> Double {
                        workerSeconds { cforkfloor_map(1, Int64(million), Int64(chunk)) }
                    }
                    return map(1) - map(million)
                },
            ])
    }

    private var mapOfTwo: Row {
        Row(
            name: "map of 2 no-ops, 2 workers", unit: "µs", perSecond: 1e6, rounds: 201,
            cells: [
                Cell(.oneShot) { try seconds { _ = try pool.map(0..<2, noOp) } },
                Cell(.floor) { seconds { cforkfloor_map(2, 2, 1) } },
            ] + peers(2, noOp) + pythons(python, "map2"))
    }

    private var million: Row {
        Row(
            name: "map of 1 million no-ops", unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 31,
            cells: [
                Cell(.oneShot) { try seconds { blackHole(try pool.map(0..<Self.million, noOp)) } },
                Cell(.inPlace) {
                    try seconds {
                        try pool.withMapped(0..<Self.million, noOp) { (results: Span<Int>) in blackHole(results[0]) }
                    }
                },
                Cell(.floor) { seconds { cforkfloor_map(2, Int64(Self.million), 1000) } },
            ] + peers(Self.million, noOp) + pythons(python, "million"))
    }

    private var singleClaims: Row {
        Row(
            name: "the same, one claim an item", unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 31,
            cells: [
                Cell(.inPlace) {
                    try seconds {
                        try singles.withMapped(0..<Self.million, noOp) { (results: Span<Int>) in blackHole(results[0]) }
                    }
                },
                Cell(.floor) { seconds { cforkfloor_map(2, Int64(Self.million), 1) } },
            ])
    }

    private var bigResults: Row {
        Row(
            name: "200 results of 1 MiB, read in place", unit: "ms", perSecond: 1e3, rounds: 21,
            cells: [
                Cell(.inPlace) {
                    try seconds {
                        try pool.fill(count: 200, slot: Self.mebibyte, of: UInt8.self) { item, bytes in
                            bytes.update(repeating: UInt8(truncatingIfNeeded: item))
                        } read: { (all: Span<UInt8>) in
                            blackHole(touch(all))
                        }
                    }
                },
                Cell(.floor) {
                    seconds {
                        cforkfloor_fill(2, 200, Self.mebibyte)
                        touchFloor(200 * Self.mebibyte)
                    }
                },
                Cell(.warmFloor) {
                    let floor = WarmFloor(workers: 2)
                    floor.fill(200, size: Self.mebibyte)
                    return seconds { floor.fill(200, size: Self.mebibyte) }
                },
            ] + peers(200, rounds: 7) { bytes($0, count: Self.mebibyte) } + pythons(python, "results"))
    }

    private func sleeps(on workers: Int) -> Row {
        let pool = ForkPool(workers: workers)
        let others = workers == 5 ? peers(10, rounds: 2, sleepTenth) : []
        return Row(
            name: "10 sleeps of 0.1 s on \(workers) workers", unit: "ms", perSecond: 1e3, rounds: 9,
            cells: [
                Cell(.oneShot) { try seconds { try pool.forEach(0..<10) { blackHole(sleepTenth($0)) } } },
                Cell(.resident, on: try pool.resident(sleepTenth)) { resident in
                    try seconds { blackHole(try resident.map(0..<10)) }
                },
                Cell(.exec, on: try pool.resident(SleepJob(), start: .exec)) { resident in
                    try seconds { blackHole(try resident.map(0..<10)) }
                },
                Cell(.floor) { seconds { cforkfloor_sleep(Int32(workers), 10, 100_000_000) } },
            ] + others + pythons(python, "sleep\(workers)"))
    }

    private func compute(on workers: Int) -> Row {
        let pool = ForkPool(workers: workers)
        return Row(
            name: "pure computation, \(workers) worker\(workers == 1 ? "" : "s")", unit: "ms", perSecond: 1e3,
            rounds: 15,
            cells: [
                Cell(.oneShot) { try seconds { blackHole(try pool.map(0..<16) { churn($0, turns: 3_000_000) }) } },
                Cell(.floor) { seconds { cforkfloor_compute(Int32(workers), 16, 3_000_000) } },
            ] + peers(16) { churn($0, turns: 3_000_000) })
    }

    private var crash: Row {
        let at = SharedArray<timespec>(count: 1)
        let dying: (Int) -> Void = { _ in
            at[0] = monotonicNow()
            kill(getpid(), SIGKILL)
        }
        return Row(
            name: "SIGKILL in a body to the caller's error", unit: "µs", perSecond: 1e6, rounds: 101,
            cells: [
                Cell(.oneShot) { try secondsToError(at) { try pool.forEach(0..<1, dying) } },
                Cell(.resident, on: try ForkPool(workers: 1).resident(dying)) { call in
                    try secondsToError(at) { try call(1) }
                },
                // Measured from the call: an exec worker has no shared memory for the time of its death.
                Cell(.exec, on: try ForkPool(workers: 1).resident(NoOpJob(), start: .exec)) { call in
                    at[0] = monotonicNow()
                    return try secondsToError(at) { blackHole(try call(-1)) }
                },
                Cell(.floor) { Double(cforkfloor_crash()) * 1e-9 },
            ])
    }

    /// The time from the start of an endless item until the caller has the error.
    private var timeout: Row {
        let at = SharedArray<timespec>(count: 1)
        let limited = ForkPool(workers: 1, options: .init(timeout: .milliseconds(20)))
        let endless: (Int) -> Void = { _ in
            at[0] = monotonicNow()
            while true { pause() }
        }
        return Row(
            name: "a timeout of 20 ms, to the caller's error", unit: "ms", perSecond: 1e3, rounds: 21,
            cells: [
                Cell(.oneShot) { try secondsToError(at) { try limited.forEach(0..<1, endless) } },
                Cell(.resident, on: try limited.resident(endless)) { call in
                    try secondsToError(at) { try call(1) }
                },
                Cell(.floor) { Double(cforkfloor_timeout(20_000_000)) * 1e-9 },
            ])
    }

}

/// Returns the processor time, in seconds, of the children that the work starts and reaps.
private func workerSeconds(_ body: () throws -> Void) rethrows -> Double {
    func spent() -> Double {
        var usage = rusage()
        unsafe getrusage(RUSAGE_CHILDREN.rawValue, &usage)
        let (user, system) = (usage.ru_utime, usage.ru_stime)
        return Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) * 1e-6
    }
    let before = spent()
    try body()
    return spent() - before
}

/// Reads the monotonic clock, which is the same in all processes.
private func monotonicNow() -> timespec {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time
}

/// Returns the seconds from the time that a body wrote to shared memory before it died until the caller has the error.
private func secondsToError(_ at: SharedArray<timespec>, _ call: () throws -> Void) throws -> Double {
    do {
        try call()
    } catch {
        let end = monotonicNow()
        return Double(end.tv_sec - at[0].tv_sec) + Double(end.tv_nsec - at[0].tv_nsec) * 1e-9
    }
    throw OverheadError.noCrash
}
#endif
