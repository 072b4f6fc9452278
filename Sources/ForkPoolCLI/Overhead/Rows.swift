import CForkFloor
import Dispatch
import ForkPool
import Glibc

/// The work that `overhead` measures, in each column that can do it.
struct Rows {
    private let pool = ForkPool(workers: 2)
    private let singles = ForkPool(workers: 2, options: .init(chunk: .fixed(1)))
    private let python: PythonPeer?
    private static let mebibyte = 1 << 20
    private static let million = 1_000_000

    /// - Parameter python: The peer, if there is one.
    init(python: PythonPeer?) {
        self.python = python
    }

    /// All rows, the floor's memory prepared.
    func all() throws -> [Row] {
        guard unsafe cforkfloor_region(200 * Self.mebibyte) != nil else { throw OverheadError.noFloor }
        return [
            fork, mapOfTwo, million, singleClaims, bigResults, sleeps(on: 5), sleeps(on: 10), compute(on: 1),
            compute(on: 2), crash,
        ]
    }

    private var fork: Row {
        Row(
            name: "fork and reap 1 worker", unit: "µs", perSecond: 1e6, rounds: 101,
            cells: [
                (.oneShot, { try seconds { try pool.forEach(0..<1) { _ in } } }),
                (.floor, { seconds { cforkfloor_fork() } }),
            ])
    }

    private var mapOfTwo: Row {
        Row(
            name: "map of 2 no-ops, 2 workers", unit: "µs", perSecond: 1e6, rounds: 201,
            cells: [
                (.oneShot, { try seconds { _ = try pool.map(0..<2, same) } }),
                (.floor, { seconds { cforkfloor_map(2, 2, 1) } }),
                (.sequential, { try apart { keep((0..<2).map(same)) } }),
                (.concurrentPerform, { try apart { concurrently(2, same) } }),
                (.taskGroup, { try apart { inTaskGroup(2, same) } }),
            ] + pythons("map2"))
    }

    private var million: Row {
        Row(
            name: "map of 1 million no-ops", unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 31,
            cells: [
                (.oneShot, { try seconds { keep(try pool.map(0..<Self.million, same)) } }),
                (
                    .inPlace,
                    {
                        try seconds {
                            try pool.withMapped(0..<Self.million, same) { (results: Span<Int>) in keep(results[0]) }
                        }
                    }
                ),
                (.floor, { seconds { cforkfloor_map(2, Int64(Self.million), 1000) } }),
                (.sequential, { try apart { keep((0..<Self.million).map(same)) } }),
                (.concurrentPerform, { try apart { concurrently(Self.million, same) } }),
                (.taskGroup, { try apart { inTaskGroup(Self.million, same) } }),
            ] + pythons("million"))
    }

    private var singleClaims: Row {
        Row(
            name: "the same, one claim an item", unit: "ns/item", perSecond: 1e9 / Double(Self.million), rounds: 31,
            cells: [
                (
                    .inPlace,
                    {
                        try seconds {
                            try singles.withMapped(0..<Self.million, same) { (results: Span<Int>) in keep(results[0]) }
                        }
                    }
                ),
                (.floor, { seconds { cforkfloor_map(2, Int64(Self.million), 1) } }),
            ])
    }

    private var bigResults: Row {
        Row(
            name: "200 results of 1 MiB, read in place", unit: "ms", perSecond: 1e3, rounds: 21,
            cells: [
                (
                    .inPlace,
                    {
                        try seconds {
                            try pool.fill(count: 200, slot: Self.mebibyte, of: UInt8.self) { item, bytes in
                                bytes.update(repeating: UInt8(truncatingIfNeeded: item))
                            } read: { (all: Span<UInt8>) in
                                keep(touch(all))
                            }
                        }
                    }
                ),
                (
                    .floor,
                    {
                        seconds {
                            cforkfloor_fill(2, 200, Self.mebibyte)
                            touchFloor()
                        }
                    }
                ),
                (
                    .warmFloor,
                    {
                        cforkfloor_warm(2)
                        cforkfloor_warm_fill(200, Self.mebibyte)
                        defer { cforkfloor_warm(0) }
                        return seconds {
                            cforkfloor_warm_fill(200, Self.mebibyte)
                            touchFloor()
                        }
                    }
                ),
            ] + pythons("results"))
    }

    private func sleeps(on workers: Int) -> Row {
        let pool = ForkPool(workers: workers)
        return Row(
            name: "10 sleeps of 0.1 s on \(workers) workers", unit: "ms", perSecond: 1e3, rounds: 7,
            cells: [
                (.oneShot, { try seconds { try pool.forEach(0..<10) { _ in usleep(100_000) } } }),
                (.floor, { seconds { cforkfloor_sleep(Int32(workers), 10, 100_000_000) } }),
            ] + pythons("sleep\(workers)"))
    }

    private func compute(on workers: Int) -> Row {
        let pool = ForkPool(workers: workers)
        return Row(
            name: "pure computation, \(workers) worker\(workers == 1 ? "" : "s")", unit: "ms", perSecond: 1e3,
            rounds: 15,
            cells: [
                (.oneShot, { try seconds { keep(try pool.map(0..<16) { churn($0, turns: 3_000_000) }) } }),
                (.floor, { seconds { cforkfloor_compute(Int32(workers), 16, 3_000_000) } }),
                (.sequential, { try apart { keep((0..<16).map { churn($0, turns: 3_000_000) }) } }),
            ])
    }

    private var crash: Row {
        Row(
            name: "SIGKILL in a body to the caller's error", unit: "µs", perSecond: 1e6, rounds: 101,
            cells: [
                (
                    .oneShot,
                    {
                        let at = SharedArray<timespec>(count: 1)
                        let results = pool.mapResults(0..<1) { _ in
                            at[0] = monotonicNow()
                            kill(getpid(), SIGKILL)
                        }
                        let end = monotonicNow()
                        guard case .failure = results[0] else { throw OverheadError.noCrash }
                        return Double(end.tv_sec - at[0].tv_sec) + Double(end.tv_nsec - at[0].tv_nsec) * 1e-9
                    }
                ),
                (.floor, { Double(cforkfloor_crash()) * 1e-9 }),
            ])
    }

    /// Times work of another kind in a process of its own: its threads and its heap would weigh on every fork here.
    private func apart(_ body: () -> Void) throws -> Double {
        try ForkPool(workers: 1).map(0..<1) { _ in
            body()
            return seconds(body)
        }[0]
    }

    private func pythons(_ row: String) -> [(column: Column, run: () throws -> Double)] {
        guard let python else { return [] }
        return [(.python, { try python.measure(row) })]
    }

    /// Reads a byte of each page that a map left.
    private func touch(_ bytes: Span<UInt8>) -> UInt8 {
        var sum: UInt8 = 0
        for offset in stride(from: 0, to: bytes.count, by: 4096) { sum &+= bytes[offset] }
        return sum
    }

    /// Reads a byte of each page that the floor left.
    private func touchFloor() {
        guard let bytes = unsafe cforkfloor_region(0) else { return }
        keep(touch(unsafe UnsafeBufferPointer(start: bytes, count: 200 * Self.mebibyte).span))
    }
}

/// The monotonic clock, which every process reads alike.
private func monotonicNow() -> timespec {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return time
}
