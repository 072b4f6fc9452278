// SPDX-License-Identifier: Apache-2.0
import ForkPool
import Glibc

/// The result of a row.
enum Row {
    /// The nanoseconds of the work, and a second time if that was measured: on a pool that runs, or in a loop without one.
    case took(Int64, second: Int64? = nil)
    /// How many results there are if an item kills its worker, and whether the pool works after that.
    case damage(got: Int, then: Bool)

    /// The row with the time of another one as its second time.
    func followed(by other: Row) -> Row {
        guard case .took(let first, _) = self, case .took(let second, _) = other else { return self }
        return .took(first, second: second)
    }
}

/// Ends the program if a result is wrong: then there is nothing to compare.
struct WrongResults: Error {}

/// Returns the nanoseconds of work; checks its results after that.
func timed<R>(_ areRight: (R) -> Bool, per count: Int = 1, _ work: () throws -> R) throws -> Row {
    let start = now()
    let results = try work()
    let took = now() - start
    guard areRight(results) else { throw WrongResults() }
    return .took(took / Int64(count))
}

/// Returns the nanoseconds of a map of computation, and of the same work in this process.
func besideOneAfterTheOther(_ count: Int, _ map: () throws -> [Int]) throws -> Row {
    guard Work.Churn(turns: 10_000).run(0) == 1_043_618_065 else { throw WrongResults() }
    let job = Work.Churn()
    let start = now()
    let expected = (0..<count).map(job.run)
    let sequential = now() - start
    guard case .took(let took, _) = try timed({ $0 == expected }, map) else { throw WrongResults() }
    return .took(took, second: sequential)
}

/// Returns the nanoseconds of work with the start and the close of its pool, and those of the second time on a pool that runs.
func coldAndWarm<Output, R>(
    _ areRight: (R) -> Bool, _ work: (ForkPool.Resident<Int, Output>) throws -> R,
    _ make: () throws -> ForkPool.Resident<Int, Output>
) throws -> Row {
    let cold = try timed(areRight) {
        let resident = try make()
        let results = try work(resident)
        resident.close()
        return results
    }
    let resident = try make()
    defer { resident.close() }
    _ = try work(resident)
    return try cold.followed(by: timed(areRight) { try work(resident) })
}

/// Counts the outcomes that are the expected results.
func right(_ outcomes: [Result<Int, ForkPool.Failure>]) -> Int {
    outcomes.indices.count { (try? outcomes[$0].get()) == $0 }
}

/// Returns the nanoseconds of the monotonic clock.
private func now() -> Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
